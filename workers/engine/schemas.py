"""Untrusted JSON schemas: bounded for the grammar, and used to validate what a model wrote.

A small model loops inside strings and lists, so what a schema leaves open is bounded here. What the grammar cannot
express (two equal items, two branches of a oneOf at once) is found by `problem` afterwards. Patterns are matched by
an automaton, never by Python's backtracking `re`, so no pattern can hang a worker.
"""

import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import llguidance
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from workers.engine.base import SchemaRefused

MAX_SCHEMA_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32
MAX_SCHEMAS: Final = 4_000
# Bounds for schemas that have none.
MAX_STRING: Final = 400
MAX_ITEMS: Final = 20
MAX_PROPERTIES: Final = 16
MAX_NUMBER: Final = 10**15
ANY_DEPTH: Final = 2

_TABLE: Final = tomllib.loads((Path(__file__).parent / "data" / "json_schema.toml").read_text("utf-8"))
_FOLLOWED: Final = frozenset(_TABLE["followed"])
_REFUSED: Final = frozenset(_TABLE["refused"])
_COMBINING: Final = ("anyOf", "oneOf", "allOf", "$ref", "enum", "const")
_ANY: Final = "any-of-depth-{}"


def bounded(schema: Mapping[str, Any] | bool) -> dict[str, Any]:
    """`schema` for the grammar library: known keywords only, with bounds where it has none.

    Every value of the result is valid for `schema`, except for uniqueItems, dependentRequired and oneOf. Raises
    SchemaRefused with one sentence if it is too large, not a schema, or uses an unsupported keyword.
    """
    checked_size(schema)
    try:
        Draft202012Validator.check_schema(schema, format_checker=None)
    except (SchemaError, RecursionError) as error:
        raise SchemaRefused(f"This is not a JSON schema: {getattr(error, 'message', 'too deep')[:200]}") from error
    result = _bounded(schema, closed=True)
    result.setdefault("$defs", {}).update(_any_definitions())
    return result


def checked_size(schema: Any) -> None:
    """Raises SchemaRefused if `schema` is larger or deeper than a worker should compile."""
    n_schemas, waiting = 0, [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        n_schemas += 1
        if depth > MAX_DEPTH or n_schemas > MAX_SCHEMAS:
            raise SchemaRefused(
                f"The JSON schema is too large: at most {MAX_DEPTH} levels and {MAX_SCHEMAS} parts are allowed."
            )
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        waiting += [(one, depth + 1) for one in inner]
    try:
        n_bytes = len(json.dumps(schema))
    except (TypeError, ValueError) as error:
        raise SchemaRefused("The JSON schema is not JSON.") from error
    if n_bytes > MAX_SCHEMA_BYTES:
        raise SchemaRefused(
            f"The JSON schema of {n_bytes} bytes is too large; at most {MAX_SCHEMA_BYTES} are allowed."
        )


def _bounded(schema: Any, *, closed: bool) -> dict[str, Any]:
    """A schema with its inner ones. `closed`: properties that it does not name may be forbidden."""
    if schema is True or schema == {}:
        return {"$ref": f"#/$defs/{_ANY.format(ANY_DEPTH)}"}
    if not isinstance(schema, Mapping):
        raise SchemaRefused("The JSON schema has a part that allows no value.")
    refused = sorted(_REFUSED.intersection(schema))
    if refused:
        raise SchemaRefused(f"The JSON schema uses {refused[0]!r}, which is not supported for replies.")
    if not str(schema.get("$ref", "#")).startswith("#"):
        raise SchemaRefused("The JSON schema refers to another document; put its parts under $defs.")
    kept = {key: value for key, value in schema.items() if key in _FOLLOWED}
    if kept.get("format", "") not in _TABLE["formats"]:
        kept.pop("format", None)
    combines = any(key in kept for key in _COMBINING)
    if not combines:
        _infer_type(kept)
    _bound_leaves(kept, combines)
    if not {"type", *_COMBINING}.intersection(kept):
        kept["$ref"] = f"#/$defs/{_ANY.format(ANY_DEPTH)}"
    _bound_inner(kept, closed=closed and not combines)
    return kept


def _infer_type(kept: dict[str, Any]) -> None:
    """Sets the type that the other keywords imply, where the schema has none."""
    if "type" not in kept:
        for name, keywords in _TABLE["type_of"].items():
            if any(key in kept for key in keywords):
                kept["type"] = name
                return


def _bound_leaves(kept: dict[str, Any], combines: bool) -> None:
    """Bounds for strings, numbers and lists that have none."""
    types = kept.get("type", ())
    types = (types,) if isinstance(types, str) else types
    if combines:
        return
    if "string" in types and not {"pattern", "format", "maxLength"}.intersection(kept):
        kept["maxLength"] = max(MAX_STRING, kept.get("minLength", 0))
    if {"integer", "number"}.intersection(types):
        if not {"minimum", "exclusiveMinimum"}.intersection(kept):
            kept["minimum"] = min(-MAX_NUMBER, kept.get("maximum", 0))
        if not {"maximum", "exclusiveMaximum"}.intersection(kept):
            kept["maximum"] = max(MAX_NUMBER, kept.get("minimum", 0))
    if "array" in types:
        kept.setdefault("items", True)
        kept.setdefault("maxItems", max(MAX_ITEMS, kept.get("minItems", 0)))
    if "object" in types and not kept.get("properties") and kept.get("additionalProperties") is not False:
        kept.setdefault("maxProperties", max(MAX_PROPERTIES, kept.get("minProperties", 0)))


def _bound_inner(kept: dict[str, Any], *, closed: bool) -> None:
    """Bounds the schemas inside `kept`, in place."""
    for key in ("properties", "patternProperties", "$defs", "definitions"):
        if key in kept:
            kept[key] = {name: _bounded_or_false(inner) for name, inner in kept[key].items()}
    for key in ("anyOf", "oneOf", "prefixItems"):
        if key in kept:
            kept[key] = [
                _bounded(inner, closed=key == "prefixItems" or set(kept) <= {key, "$defs"}) for inner in kept[key]
            ]
    if "allOf" in kept:
        kept["allOf"] = [_bounded(inner, closed=False) for inner in kept["allOf"]]
    for key in ("items", "additionalProperties"):
        if key in kept:
            kept[key] = _bounded_or_false(kept[key])
    if kept.get("type") == "object" and "additionalProperties" not in kept:
        if closed and ("properties" in kept or "patternProperties" in kept):
            kept["additionalProperties"] = False
        elif closed:
            kept["additionalProperties"] = _bounded(True, closed=True)


def _bounded_or_false(schema: Any) -> Any:
    return False if schema is False else _bounded(schema, closed=True)


@lru_cache(maxsize=1)
def _any_definitions() -> dict[str, Any]:
    """Any value, of bounded depth and size."""
    scalars: list[dict[str, Any]] = [
        {"type": "string", "maxLength": MAX_STRING},
        {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
        {"type": "boolean"},
        {"type": "null"},
    ]
    definitions: dict[str, Any] = {_ANY.format(0): {"anyOf": scalars}}
    for depth in range(1, ANY_DEPTH + 1):
        inner = {"$ref": f"#/$defs/{_ANY.format(depth - 1)}"}
        many = {"type": "array", "items": inner, "maxItems": MAX_ITEMS}
        record = {"type": "object", "additionalProperties": inner, "maxProperties": MAX_PROPERTIES}
        definitions[_ANY.format(depth)] = {"anyOf": [*scalars, many, record]}
    return definitions


def problem(value: Any, schema: Mapping[str, Any]) -> str:
    """Why `value` does not follow `schema`, in one line; empty if it does."""
    try:
        if not _is_finite(value):
            return "a number is not finite"
        errors = _Validator(schema, registry=Registry()).iter_errors(value)
        error = next(iter(errors), None)
    except (RecursionError, Unresolvable) as failure:
        return f"it cannot be checked: {type(failure).__name__}"
    return "" if error is None else f"{error.json_path}: {error.message[:200]}"


def json_value(text: str) -> Any:
    """The value of the JSON `text`. Raises ValueError, also for NaN, Infinity and what is nested too deep."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_is_finite(one) for one in inner)


@lru_cache(maxsize=1)
def _bytes() -> Any:
    """A tokenizer with one token per byte."""
    return llguidance.LLTokenizer("byte")


def _matches(pattern: str, text: str) -> bool:
    """Whether `text` has a match of `pattern`, as the grammar library reads it, in linear time."""
    grammar = llguidance.LLMatcher.grammar_from_json_schema({"type": "string", "pattern": pattern})
    matcher = llguidance.LLMatcher(_bytes(), grammar, log_level=0)
    written = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
    return bool(matcher.consume_tokens(list(written)) and matcher.is_accepting())


def _check_pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError(f"{value[:80]!r} does not match {pattern[:80]!r}")


def _check_pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, schema in patterns.items():
            for name, inner in value.items():
                if _matches(pattern, name):
                    yield from validator.descend(inner, schema, path=name, schema_path=pattern)


def _check_additional(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    patterns = schema.get("patternProperties", {})
    for name, inner in value.items():
        if name not in schema.get("properties", {}) and not any(_matches(pattern, name) for pattern in patterns):
            yield from validator.descend(inner, allowed, path=name)


_KEYWORDS: Final[dict[str, Callable[..., Iterator[ValidationError]]]] = {
    "pattern": _check_pattern,
    "patternProperties": _check_pattern_properties,
    "additionalProperties": _check_additional,
}
_Validator: Final[Any] = extend(Draft202012Validator, _KEYWORDS)
