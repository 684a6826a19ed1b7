"""The hand-written examples: functions by family with what people say, and messages that want no tool."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.smallmodel.routing.builtin import BUILTIN
from workers.smallmodel.routing.candidates import Candidate
from workers.smallmodel.routing.words import DATA


@dataclass(frozen=True, slots=True)
class Function:
    """A function, what people say who want it, and what they say who have just talked about its things."""

    family: str
    candidate: Candidate
    says: tuple[str, ...]
    then: tuple[str, ...]
    # A web search would do as well, so that it is not offered where this one is missing.
    web: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """Near functions, which are each other's distractors, and messages on their subject that want none of them."""

    name: str
    functions: tuple[Function, ...]
    none: tuple[str, ...]


def families(folder: Path = DATA / "families") -> list[Family]:
    """All families of the folder, in a fixed order."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        found += [_family(name, table) for name, table in _read(path).items()]
    return found


def builtin_functions() -> list[Function]:
    """The four capability tools with what people say to them."""
    table = _read(DATA / "builtins.toml")
    return [
        Function("builtin", BUILTIN[name], _lines(each["says"]), _lines(each["then"])) for name, each in table.items()
    ]


def nothing() -> dict[str, tuple[str, ...]]:
    """Messages that want no tool, by kind; those of kind "after" only make sense after an answer."""
    return {kind: _lines(text) for kind, text in _read(DATA / "none.toml").items()}


def schema_of(takes: str) -> dict[str, Any]:
    """A JSON Schema from "order_id!, limit:integer, status=open|shipped!"; the mark stands for required."""
    properties: dict[str, Any] = {}
    required = []
    for part in filter(None, (part.strip() for part in takes.split(","))):
        wanted, part = part.endswith("!"), part.rstrip("!")
        name, _, values = part.partition("=")
        name, _, kind = name.partition(":")
        properties[name] = {"type": "string", "enum": values.split("|")} if values else _typed(kind)
        if wanted:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _typed(kind: str) -> dict[str, Any]:
    if kind in ("date", "email"):
        return {"type": "string", "format": kind}
    return {"type": kind or "string"}


def _family(name: str, table: dict[str, Any]) -> Family:
    web = bool(table.get("web"))
    functions = tuple(
        Function(
            name,
            Candidate(function, "", each["about"], schema_of(each["takes"])),
            _lines(each["says"]),
            _lines(each.get("then", "")),
            web or bool(each.get("web")),
        )
        for function, each in table.items()
        if isinstance(each, dict)
    )
    return Family(name, functions, _lines(table.get("none", "")))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.strip().splitlines() if line)


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
