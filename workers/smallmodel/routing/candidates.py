"""What can be chosen: a tool or a GPT in the words that the router compares a message with."""

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from gpts.spec.tools import ToolSpec
from workers.smallmodel.routing.words import DATA

# What of a description is read; the embedder sees no more than that either.
MAX_CHARS: Final = 600
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-./\s]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool or a GPT: `parameters` is a JSON Schema of type object, `examples` are things people say who want it.

    `when` is a GPT's line on when to ask it; `kind` says which of the platform's own tools it is, if any.
    """

    name: str
    title: str = ""
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    when: str = ""
    kind: str = ""

    def key(self) -> str:
        """The same for candidates that read the same."""
        read = [self.name, self.title, self.description, self.parameters, self.examples, self.when, self.kind]
        return json.dumps(read, default=str, sort_keys=True)


@dataclass(frozen=True, slots=True)
class RoutedChoice:
    """The candidate's name, empty for none, and how sure that is, in 0..1."""

    name: str
    score: float


@cache
def builtin() -> dict[str, Candidate]:
    """The platform's own tools that the router knows, in the words that it was trained with."""
    tables = tomllib.loads((DATA / "builtins.toml").read_text("utf-8"))
    return {
        name: Candidate(
            name,
            each["title"],
            each["about"],
            {"type": "object", "properties": {each["takes"]: {"type": "string"}}, "required": [each["takes"]]},
            tuple(each["examples"]),
            kind=name,
        )
        for name, each in tables.items()
    }


def candidate_of(spec: ToolSpec) -> Candidate:
    """The tool as the router sees it."""
    if spec.builtin in builtin():
        return replace(builtin()[spec.builtin], name=spec.name)
    return Candidate(spec.name, spec.title, spec.description, spec.parameters, spec.examples)


def candidate_of_gpt(slug: str, name: str, description: str, when: str, starters: tuple[str, ...]) -> Candidate:
    """The GPT as the router sees it: chosen by its slug, read by its name."""
    return Candidate(slug, name, description, examples=starters, when=when)


def candidate_of_function(function: dict[str, Any]) -> Candidate:
    """An OpenAI-style function, bare or inside {"type": "function", "function": …}. Raises ValueError."""
    inner = function.get("function", function)
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str) or not inner["name"]:
        raise ValueError("A function needs a name.")
    parameters = inner.get("parameters")
    return Candidate(
        inner["name"], "", str(inner.get("description") or ""), parameters if isinstance(parameters, dict) else {}
    )


def words_of_name(name: str) -> str:
    """ "getOrder_status" → "get order status"."""
    return " ".join(part.lower() for part in _CAMEL.split(name[:MAX_CHARS]) if part)


def properties_of(parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema's properties; those that are no objects are left out."""
    properties = parameters.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {str(name): each for name, each in properties.items() if isinstance(each, dict)}


def required_of(parameters: dict[str, Any]) -> list[str]:
    """The names of required properties that the schema describes."""
    required = parameters.get("required")
    known = properties_of(parameters)
    return (
        [name for name in required if isinstance(name, str) and name in known] if isinstance(required, list) else []
    )
