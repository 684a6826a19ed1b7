"""Checks whether a caller's JSON Schema can constrain a reply, and locates the first error; compiles nothing.

The worker's grammar has the final say: a schema that passes here may still be rejected there, failing the run.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

MAX_DEPTH: Final = 32
MAX_PARTS: Final = 4_000
TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
# Keywords that the grammar compiler does not support.
REFUSED: Final = frozenset(
    "not if then else contains minContains maxContains propertyNames dependentSchemas dependencies unevaluatedItems"
    " unevaluatedProperties additionalItems $dynamicRef $recursiveRef $anchor $id".split()
)
_TYPE_ERROR: Final = f"must be one of {', '.join(TYPES)}"
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")

# The path of an error ("properties.city.type", empty for the schema itself) and its message.
Fault = tuple[str, str]


def fault_in(schema: dict[str, Any]) -> Fault | None:
    """The first error in `schema`; None if it is valid."""
    if fault := _too_large(schema):
        return fault
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, bool):
            continue
        if not isinstance(part, dict):
            return place, "must be a schema: an object, true or false"
        for keyword, problem in _faults(part, schema):
            return _at(place, keyword), problem
        waiting += [(_at(place, name), below) for name, below in _below(part)]
    return None


def _too_large(schema: Any) -> Fault | None:
    n_parts, waiting = 0, [("", schema, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        n_parts += 1
        if depth > MAX_DEPTH or n_parts > MAX_PARTS:
            return "", f"is too large: at most {MAX_DEPTH} levels and {MAX_PARTS:,} parts are allowed"
        if isinstance(value, dict):
            waiting += [(place, below, depth + 1) for below in value.values()]
        elif isinstance(value, list):
            waiting += [(place, below, depth + 1) for below in value]
    return None


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _faults(part: dict[str, Any], root: dict[str, Any]) -> Iterator[Fault]:
    """The errors in the keywords of one schema, excluding its subschemas."""
    for keyword, value in part.items():
        if keyword in REFUSED:
            yield keyword, "is a keyword that replies cannot be constrained to"
        elif (problem := _problem(keyword, value)) or (keyword == "$ref" and (problem := _unresolved(value, root))):
            yield keyword, problem


def _problem(keyword: str, value: Any) -> str:
    """The error in the value of `keyword`; empty if it is valid or the keyword is unknown."""
    is_valid, message = _RULES.get(keyword, (bool, ""))
    return "" if is_valid(value) else message


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_filled_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


# For each keyword, whether its value is valid, and the error if it is not.
_RULES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (lambda v: all(name in TYPES for name in (v if _is_filled_list(v) else [v])), _TYPE_ERROR),
    "required": (
        lambda v: isinstance(v, list) and all(isinstance(each, str) for each in v),
        "must be a list of names",
    ),
    "enum": (_is_filled_list, "must be a list that is not empty"),
    **dict.fromkeys(_MAPS, (lambda v: isinstance(v, dict), "must be an object of schemas")),
    **dict.fromkeys(_LISTS, (_is_filled_list, "must be a list of schemas that is not empty")),
    **dict.fromkeys(_COUNTS, (lambda v: isinstance(v, int) and _is_number(v) and v >= 0, "must be a count")),
    **dict.fromkeys(_NUMBERS, (_is_number, "must be a number")),
    **dict.fromkeys(("pattern", "format", "$ref"), (lambda v: isinstance(v, str), "must be a string")),
}


def _unresolved(reference: str, root: dict[str, Any]) -> str:
    """Why `reference` does not resolve in `root`; empty if it does."""
    if reference == "#":
        return ""
    if not reference.startswith("#/"):
        return "must point into this schema, as #/$defs/name"
    found: Any = root
    for name in reference[2:].split("/"):
        name = name.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            return "points to nothing in this schema"
        found = found[name]
    return ""


def _below(part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The direct subschemas, each with its path."""
    for keyword, value in part.items():
        if keyword in _MAPS:
            yield from ((f"{keyword}.{name}", schema) for name, schema in value.items())
        elif keyword in _LISTS:
            yield from ((f"{keyword}.{number}", schema) for number, schema in enumerate(value))
        elif keyword in ("items", "additionalProperties"):
            yield keyword, value
