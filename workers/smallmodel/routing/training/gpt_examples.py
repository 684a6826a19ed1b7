"""The hand-written GPTs by domain with what people say to them, and messages that want no other GPT."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workers.smallmodel.routing.candidates import Candidate, candidate_of_gpt
from workers.smallmodel.routing.words import DATA

GPTS: Final = DATA / "gpts"
_APART: Final = ("none.toml", "overlaps.toml")


@dataclass(frozen=True, slots=True)
class Gpt:
    """A GPT and what people say who should be sent to it."""

    domain: str
    candidate: Candidate
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """Near GPTs, which are each other's distractors, and messages on their subject that want none of them."""

    name: str
    gpts: tuple[Gpt, ...]
    none: tuple[str, ...]


def domains(folder: Path = GPTS) -> list[Domain]:
    """All domains, one a file, in a fixed order."""
    return [_domain(path) for path in sorted(folder.glob("*.toml")) if path.name not in _APART]


def nothing(folder: Path = GPTS) -> dict[str, tuple[str, ...]]:
    """Messages that want no GPT, by kind; those of kind "after" only make sense after an answer."""
    return {kind: _lines(text) for kind, text in _read(folder / "none.toml").items()}


def overlaps(folder: Path = GPTS) -> dict[str, frozenset[str]]:
    """Slug to the slugs of GPTs that would do as well."""
    found: dict[str, set[str]] = {}
    for group in _read(folder / "overlaps.toml")["groups"]:
        for slug in group:
            found.setdefault(slug, set()).update(group)
    return {slug: frozenset(others - {slug}) for slug, others in found.items()}


def _domain(path: Path) -> Domain:
    tables = _read(path)
    gpts = tuple(_gpt(path.stem, slug, each) for slug, each in tables.items() if isinstance(each, dict))
    return Domain(path.stem, gpts, _lines(tables.get("none", "")))


def _gpt(domain: str, slug: str, table: dict[str, Any]) -> Gpt:
    starters = _lines(table.get("starters", ""))
    return Gpt(
        domain, candidate_of_gpt(slug, table["name"], table["about"], table["when"], starters), _lines(table["says"])
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.strip().splitlines() if line)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
