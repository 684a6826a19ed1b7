"""Whether a message contains values for a function's parameters; guessed from names, types and formats."""

import re
from dataclasses import dataclass
from typing import Any, Final

from workers.smallmodel.routing.candidates import properties_of, required_of, words_of_name
from workers.smallmodel.routing.cues import stem, table

_KINDS: Final = {kind: frozenset(stem(word) for word in text.split()) for kind, text in table("kinds").items()}
_SHAPES: Final = {kind: re.compile(pattern) for kind, pattern in table("shapes").items()}


def shapes_in(text: str) -> frozenset[str]:
    """The kinds of value in `text`."""
    return frozenset(kind for kind, shape in _SHAPES.items() if shape.search(text))


@dataclass(frozen=True, slots=True)
class Slots:
    """The kinds of value of each parameter of a function; empty for any text."""

    required: tuple[frozenset[str], ...]
    optional: tuple[frozenset[str], ...]

    def filled(self, shapes: frozenset[str]) -> float:
        """The share of required values that may be in a text with `shapes`, as free text may; 1 if there are none."""
        if not self.required:
            return 1.0
        return sum(not kinds or not kinds.isdisjoint(shapes) for kinds in self.required) / len(self.required)

    def missing(self, shapes: frozenset[str]) -> bool:
        """Whether a required value of a definite kind is missing."""
        return any(kinds and kinds.isdisjoint(shapes) for kinds in self.required)

    def matched(self, shapes: frozenset[str]) -> float:
        """The share of the text's kinds of value that fit a parameter."""
        if not shapes:
            return 0.0
        takes = frozenset[str]().union(*self.required, *self.optional)
        return len(takes & shapes) / len(shapes)


def slots_of(parameters: dict[str, Any]) -> Slots:
    """The slots of a JSON Schema of type object; empty for an invalid schema."""
    properties, required = properties_of(parameters), required_of(parameters)
    kinds = {name: _kinds(name, schema) for name, schema in list(properties.items())[:40]}
    return Slots(
        tuple(kinds[name] for name in required if name in kinds),
        tuple(found for name, found in kinds.items() if name not in required),
    )


def _kinds(name: str, schema: dict[str, Any]) -> frozenset[str]:
    """Kinds of value for a parameter; empty for any text."""
    stems = frozenset(stem(word) for word in words_of_name(name).split())
    found = {kind for kind, words in _KINDS.items() if stems & words}
    match schema.get("type"):
        case "integer" | "number":
            return frozenset({"number"} | (found & {"date", "id"}))
        case "boolean":
            return frozenset()
    form = schema.get("format")
    if form in ("date", "date-time", "time"):
        return frozenset({"date"})
    if form in ("email", "uri", "url"):
        return frozenset({"email" if form == "email" else "url"})
    return frozenset(found - {"number"} if "id" not in found else found)
