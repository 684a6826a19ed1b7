"""The candidates of a choice: tools and GPTs with the texts that the router compares to a message."""

import json
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from gpts.spec.tools import ToolSpec
from workers.smallmodel.routing.words import read_data

# The part of a description that is read; the embedder does not see more either.
MAX_CHARS: Final = 600
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\-./\s]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool or a GPT: `parameters` is a JSON Schema of type object, `examples` are messages for it.

    `when` is a GPT's line on when to use it; `kind` is the name of the built-in tool, empty for others.
    """

    name: str
    title: str = ""
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    when: str = ""
    kind: str = ""

    def key(self) -> str:
        """The same for candidates with the same texts."""
        texts = [self.name, self.title, self.description, self.parameters, self.examples, self.when, self.kind]
        return json.dumps(texts, default=str, sort_keys=True)


@dataclass(frozen=True, slots=True)
class RoutedChoice:
    """The candidate's name, empty for none, and its probability."""

    name: str
    score: float


@cache
def builtin() -> dict[str, Candidate]:
    """The built-in tools that the router knows, with the texts that it was trained on."""
    return {
        name: Candidate(
            name,
            each["title"],
            each["about"],
            {"type": "object", "properties": {each["takes"]: {"type": "string"}}, "required": [each["takes"]]},
            tuple(each["examples"]),
            kind=name,
        )
        for name, each in read_data("builtins").items()
    }


def candidate_of(spec: ToolSpec) -> Candidate:
    if spec.builtin in builtin():
        return replace(builtin()[spec.builtin], name=spec.name)
    return Candidate(spec.name, spec.title, spec.description, spec.parameters, spec.examples)


def candidate_of_gpt(slug: str, name: str, description: str, when: str, starters: tuple[str, ...]) -> Candidate:
    """A GPT as a candidate, named by its slug."""
    return Candidate(slug, name, description, examples=starters, when=when)


def words_of_name(name: str) -> str:
    """ "getOrder_status" → "get order status"."""
    return " ".join(part.lower() for part in _CAMEL.split(name[:MAX_CHARS]) if part)


def properties_of(parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema's properties, except those that are not objects."""
    properties = parameters.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {str(name): each for name, each in properties.items() if isinstance(each, dict)}


def required_of(parameters: dict[str, Any]) -> list[str]:
    """The names of required properties that the schema describes."""
    required, known = parameters.get("required"), properties_of(parameters)
    names = required if isinstance(required, list) else ()
    return [name for name in names if isinstance(name, str) and name in known]
