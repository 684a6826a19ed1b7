"""The hand-written examples: tools and GPTs in groups with messages for them, and messages for none."""

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tests.lab.training.learning import DATA
from workers.smallmodel.routing.candidates import Candidate, builtin, candidate_of_gpt


@dataclass(frozen=True, slots=True)
class ExampleTarget:
    """A tool or a GPT, messages for it, and follow-up messages (`then`)."""

    group: str
    candidate: Candidate
    says: tuple[str, ...]
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExampleGroup:
    """Similar tools or GPTs, distractors of each other, and messages on their subject for none of them."""

    name: str
    members: tuple[ExampleTarget, ...]
    none: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examples:
    """All examples for tools or for GPTs.

    `overlaps` has, for a candidate or a group, candidates that would be right too: if the right one is missing, none
    of these is offered. `idle` are groups in which trivia could be a request.
    """

    kind: str
    groups: tuple[ExampleGroup, ...]
    builtin: tuple[ExampleTarget, ...]
    nothing: dict[str, tuple[str, ...]]
    overlaps: dict[str, frozenset[str]]
    idle: frozenset[str] = frozenset()

    def part(self, parts: int, place: int, held: bool) -> "Examples":
        """The held-out or the kept part: whole groups, and lines of what is in no group."""

        def lines(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(text for n, text in enumerate(texts) if (n % parts == place) == held)

        return replace(
            self,
            groups=tuple(each for n, each in enumerate(self.groups) if (n % parts == place) == held),
            builtin=tuple(replace(each, says=lines(each.says), then=lines(each.then)) for each in self.builtin),
            nothing={kind: lines(texts) for kind, texts in self.nothing.items()},
        )


def tools() -> Examples:
    """The built-in tools, and functions as API callers offer them."""
    families = [item for table in _tables("families").values() for item in table.items()]
    own = read_examples("builtins")
    overlaps = read_examples("overlaps")
    return Examples(
        "tools",
        tuple(_group(name, table, _function) for name, table in families),
        tuple(
            ExampleTarget("builtin", builtin()[name], _lines(each["says"]), _lines(each["then"]))
            for name, each in own.items()
        ),
        nothing("tools"),
        {name: frozenset(names) for name, names in overlaps["tools"].items()},
    )


def gpts() -> Examples:
    """GPTs as creators make them."""
    overlaps: dict[str, set[str]] = {}
    for group in read_examples("overlaps")["gpts"]:
        for slug in group:
            overlaps.setdefault(slug, set()).update(group)
    return Examples(
        "gpts",
        tuple(_group(name, table, _gpt) for name, table in _tables("gpts").items()),
        (),
        nothing("gpts"),
        {slug: frozenset(others - {slug}) for slug, others in overlaps.items()},
        frozenset({"school", "words", "arts", "family"}),
    )


def nothing(kind: str) -> dict[str, tuple[str, ...]]:
    """Messages for nothing, by kind; those of kind "after" only make sense after an answer."""
    return {name: _lines(text) for table in ("both", kind) for name, text in read_examples("none")[table].items()}


@cache
def read_examples(name: str) -> dict[str, Any]:
    """The content of data/routing/<name>.toml."""
    return tomllib.loads((DATA / f"routing/{name}.toml").read_text("utf-8"))


def _tables(folder: str) -> dict[str, dict[str, Any]]:
    return {
        path.stem: read_examples(f"{folder}/{path.stem}") for path in sorted((DATA / "routing" / folder).iterdir())
    }


def schema_of(takes: str) -> dict[str, Any]:
    """A JSON Schema from "order_id!, limit:integer, status=open|shipped!", where "!" means required."""
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


def _group(name: str, table: dict[str, Any], candidate: Any) -> ExampleGroup:
    members = tuple(
        ExampleTarget(name, candidate(key, each), _lines(each["says"]), _lines(each.get("then", "")))
        for key, each in table.items()
        if isinstance(each, dict)
    )
    return ExampleGroup(name, members, _lines(table.get("none", "")))


def _function(name: str, table: dict[str, Any]) -> Candidate:
    return Candidate(name, "", table["about"], schema_of(table["takes"]))


def _gpt(slug: str, table: dict[str, Any]) -> Candidate:
    return candidate_of_gpt(slug, table["name"], table["about"], table["when"], _lines(table.get("starters", "")))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.strip().splitlines() if line)
