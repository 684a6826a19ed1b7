"""Checks whether a caller's JSON Schema is one, whatever its draft, and locates the first error; compiles nothing.

What the worker's grammar cannot follow of a schema is checked once the reply is written. A schema that passes here
may still be rejected there, failing the run: one that allows no value, or none short enough.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final
from urllib.parse import unquote

MAX_DEPTH: Final = 32
MAX_PARTS: Final = 4_000
TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
_TYPE_ERROR: Final = f"must be one of {', '.join(TYPES)}"
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS: Final = (
    *("additionalProperties", "propertyNames", "unevaluatedProperties", "contains", "not", "if", "then", "else"),
    *("additionalItems", "unevaluatedItems"),
)
_COUNTS: Final = (
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minContains", "maxContains"),
)
_NUMBERS: Final = ("minimum", "maximum", "multipleOf")
# Numbers, or true and false up to draft 4.
_EXCLUSIVE: Final = ("exclusiveMinimum", "exclusiveMaximum")
# Keywords that name a part of a schema, and how references to it begin.
_NAMES: Final = {"$id": "", "$anchor": "#", "$dynamicAnchor": "#"}

# The path of an error ("properties.city.type", empty for the schema itself) and its message.
Fault = tuple[str, str]


def fault_in(schema: dict[str, Any]) -> Fault | None:
    """The first error in `schema`; None if it is valid."""
    if fault := _too_large(schema):
        return fault
    references: list[tuple[str, str]] = []
    names = {"#"}
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, bool):
            continue
        if not isinstance(part, dict):
            return place, "must be a schema: an object, true or false"
        for keyword, value in part.items():
            if problem := _problem(keyword, value):
                return _at(place, keyword), problem
        names |= {f"{mark}{part[keyword]}" for keyword, mark in _NAMES.items() if keyword in part}
        references += [(_at(place, "$ref"), part["$ref"])] if "$ref" in part else []
        waiting += [(_at(place, name), below) for name, below in _below(part)]
    for place, reference in references:
        if problem := _unresolved(reference, schema, names):
            return place, problem
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


def _problem(keyword: str, value: Any) -> str:
    """The error in the value of `keyword`; empty if it is valid or the keyword is unknown."""
    is_valid, message = _RULES.get(keyword, (bool, ""))
    return "" if is_valid(value) else message


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_filled_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


# For each keyword, whether its value is valid, and the error if it is not.
_RULES: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "type": (lambda v: all(name in TYPES for name in (v if _is_filled_list(v) else [v])), _TYPE_ERROR),
    "required": (_is_names, "must be a list of names"),
    "enum": (_is_filled_list, "must be a list that is not empty"),
    **dict.fromkeys(_MAPS, (lambda v: isinstance(v, dict), "must be an object of schemas")),
    **dict.fromkeys(_LISTS, (_is_filled_list, "must be a list of schemas that is not empty")),
    **dict.fromkeys(_COUNTS, (lambda v: isinstance(v, int) and _is_number(v) and v >= 0, "must be a count")),
    "dependentRequired": (
        lambda v: isinstance(v, dict) and all(map(_is_names, v.values())),
        "must list names by name",
    ),
    "dependencies": (lambda v: isinstance(v, dict), "must be an object"),
    **dict.fromkeys(_NUMBERS, (_is_number, "must be a number")),
    **dict.fromkeys(_EXCLUSIVE, (lambda v: isinstance(v, int | float), "must be a number")),
    **dict.fromkeys(("pattern", "format", "$ref", *_NAMES), (lambda v: isinstance(v, str), "must be a string")),
}


def _unresolved(reference: str, root: dict[str, Any], names: Collection[str]) -> str:
    """Why `reference` does not resolve in `root`, whose parts have these `names`; empty if it does."""
    if reference in names or reference.partition("#")[0] in names:
        return ""
    if not reference.startswith("#/"):
        return "must point into this schema, as #/$defs/name"
    found: Any = root
    for name in unquote(reference[2:]).split("/"):
        name = name.replace("~1", "/").replace("~0", "~")
        inner = dict(enumerate(found)) if isinstance(found, list) else found
        key = int(name) if isinstance(found, list) and re.fullmatch(r"\d{1,4}", name) else name
        if not isinstance(inner, dict) or key not in inner:
            return "points to nothing in this schema"
        found = inner[key]
    return ""


def _below(part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The direct subschemas, each with its path."""
    for keyword, value in part.items():
        if keyword in _MAPS:
            yield from ((f"{keyword}.{name}", schema) for name, schema in value.items())
        elif keyword in _LISTS or (keyword == "items" and isinstance(value, list)):
            yield from ((f"{keyword}.{number}", schema) for number, schema in enumerate(value))
        elif keyword in _SCHEMAS or keyword == "items":
            yield keyword, value
