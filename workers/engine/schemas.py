"""Untrusted JSON schemas: bounded for the grammar, and used to validate what a model wrote.

A small model loops inside strings and lists, so what a schema leaves open is bounded here. What the grammar cannot
express (two equal items, two branches of a oneOf at once, `not`, `if`) is left out of it and found by `problem`
afterwards. Patterns are matched by an automaton, never by Python's backtracking `re`, so no pattern can hang a
worker; those that no automaton reads (look-around, back-references) constrain and check nothing.
"""

import json
import math
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import llguidance
from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from gpts.spec.json_schemas import fault_in
from workers.engine.base import SchemaRefused

MAX_SCHEMA_BYTES: Final = 64 * 1024
# Processor time for the check of one value: recursive alternatives can take exponential time.
CHECK_S: Final = 2.0
# Bounds for schemas that have none.
MAX_STRING: Final = 400
MAX_ITEMS: Final = 20
MAX_PROPERTIES: Final = 16
MAX_NUMBER: Final = 10**15
ANY_DEPTH: Final = 2
# More take the library seconds to minutes: it compares every two patterns of names, and counts every remainder.
MAX_NAME_PATTERNS: Final = 50
MAX_DIVISOR: Final = 1_000

_TABLE: Final = tomllib.loads((Path(__file__).parent / "data" / "json_schema.toml").read_text("utf-8"))
_FOLLOWED: Final = frozenset(_TABLE["followed"])
_CHECKED: Final = frozenset(_TABLE["checked"])
_COMBINING: Final = ("anyOf", "oneOf", "allOf", "$ref", "enum", "const")
_ANY: Final = "any-of-depth-{}"
# A check of one keyword: of a validator, the keyword's value, the instance and the schema.
_Check = Callable[..., Any]
# When the check of a value must end, by the processor time of its thread.
_ends_at: Final[ContextVar[float]] = ContextVar("_ends_at", default=math.inf)


def bounded(schema: Mapping[str, Any] | bool) -> dict[str, Any]:
    """`schema` for the grammar library: the keywords that it follows, with bounds where it has none.

    Every value of the result is valid for `schema` if the grammar `follows` all of it. Raises SchemaRefused with one
    sentence if it is too large, not a schema, or allows no value.
    """
    checked_size(schema)
    result = _bounded(schema, closed=True)
    result.setdefault("$defs", {}).update(_any_definitions())
    return result


def loosened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with nothing but its outermost names and types."""

    def outside(part: Any) -> dict[str, Any]:
        return {"type": part["type"]} if isinstance(part, Mapping) and "type" in part else {}

    named = {name: outside(part) for name, part in schema.get("properties", {}).items()}
    return {**outside(schema), **({"properties": named, "required": schema.get("required", [])} if named else {})}


def follows(schema: Any) -> bool:
    """Whether the grammar expresses all of `schema`, so that nothing is found wrong with a whole reply afterwards."""
    inner = schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list | tuple) else ()
    is_left_out = isinstance(schema, Mapping) and (_CHECKED.intersection(schema) or _too_costly(schema))
    return not is_left_out and all(map(follows, inner))


def _too_costly(schema: Mapping[str, Any]) -> list[str]:
    """The keywords of `schema`, without its inner ones, that would take too long to compile."""
    divisor, patterns = schema.get("multipleOf"), schema.get("patternProperties")
    is_costly = {
        "multipleOf": isinstance(divisor, int | float) and _digits(divisor) > MAX_DIVISOR,
        "patternProperties": isinstance(patterns, Mapping) and len(patterns) > MAX_NAME_PATTERNS,
    }
    return [key for key, costs in is_costly.items() if costs]


def _digits(number: float) -> int:
    """The digits of `number` as an integer: 125 for 0.125."""
    return int("".join(map(str, Decimal(str(number)).as_tuple().digits)) or "0")


def checked_size(schema: Any) -> None:
    """Raises SchemaRefused if `schema` is not one, or is larger or deeper than a worker should compile."""
    fault = fault_in(dict(schema)) if isinstance(schema, Mapping) else None
    if fault:
        where = f" at “{fault[0][:80]}”" if fault[0] else ""
        raise SchemaRefused(f"The JSON schema is wrong{where}: it {fault[1]}.")
    try:
        n_bytes = len(json.dumps(schema))
    except (TypeError, ValueError, RecursionError) as error:
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
    kept = {key: value for key, value in _of_this_draft(schema).items() if key in _FOLLOWED}
    if "multipleOf" in _too_costly(kept):
        del kept["multipleOf"]
    if kept.get("format", "") not in _TABLE["formats"]:
        kept.pop("format", None)
    if not _is_automaton(kept.get("pattern", "")):
        del kept["pattern"]
    if not re.match("#(/|$)", kept.get("$ref", "#")):  # by the name of a part, which the library cannot find
        del kept["$ref"]
    combines = any(key in kept for key in _COMBINING)
    if not combines:
        _infer_type(kept)
    _bound_leaves(kept, combines, closed=closed)
    if not {"type", *_COMBINING}.intersection(kept):
        kept["$ref"] = f"#/$defs/{_ANY.format(ANY_DEPTH)}"
    _bound_inner(kept, closed=closed and not combines)
    return kept


def _of_this_draft(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with what older drafts wrote otherwise, and names of properties that can be told beforehand."""
    same = dict(schema)
    if isinstance(same.get("items"), list):
        same["prefixItems"], same["items"] = same["items"] or [True], same.pop("additionalItems", True)
    for limit in ("minimum", "maximum"):
        exclusive = f"exclusive{limit.capitalize()}"
        if isinstance(same.get(exclusive), bool) and same.pop(exclusive) and limit in same:
            same[exclusive] = same.pop(limit)
    if "properties" not in same and "patternProperties" not in same:
        _name_properties(same)
    return same


def _name_properties(schema: dict[str, Any]) -> None:
    """Sets the properties of a record whose names are listed or have a pattern, in place."""
    names, value = schema.get("propertyNames"), schema.get("additionalProperties", True)
    if not isinstance(names, Mapping) or value is False:
        return
    listed = names.get("enum", [names["const"]] if "const" in names else None)
    if listed is not None:
        named = {"properties": {name: value for name in listed if isinstance(name, str)}}
    elif "pattern" in names:
        named = {"patternProperties": {names["pattern"]: value}}
    else:
        return
    schema.update({"type": "object", "additionalProperties": False, **named})


def _infer_type(kept: dict[str, Any]) -> None:
    """Sets the type that the other keywords imply, where the schema has none."""
    if "type" not in kept:
        for name, keywords in _TABLE["type_of"].items():
            if any(key in kept for key in keywords):
                kept["type"] = name
                return


def _bound_leaves(kept: dict[str, Any], combines: bool, *, closed: bool) -> None:
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
    if closed and "object" in types and not kept.get("properties") and kept.get("additionalProperties") is not False:
        kept.setdefault("maxProperties", max(MAX_PROPERTIES, kept.get("minProperties", 0)))


def _bound_inner(kept: dict[str, Any], *, closed: bool) -> None:
    """Bounds the schemas inside `kept`, in place."""
    if "patternProperties" in _too_costly(kept) or not all(map(_is_automaton, kept.get("patternProperties", ()))):
        del kept["patternProperties"]
        kept.pop("additionalProperties", None)
        closed = False
    for key in ("properties", "patternProperties", "$defs", "definitions"):
        if key in kept:
            kept[key] = {name: _bounded_or_false(inner) for name, inner in kept[key].items()}
    for key in ("anyOf", "oneOf", "prefixItems"):
        if key in kept:
            kept[key] = [
                _bounded(inner, closed=key == "prefixItems" or set(kept) <= {key, "$defs"})
                for inner in kept[key]
                if inner is not False
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
    ends_at = _ends_at.set(time.thread_time() + CHECK_S)
    try:
        if not _is_finite(value):
            return "a number is not finite"
        kind = _WithoutUnevaluated if _UNSAFE_UNEVALUATED.search(json.dumps(schema)) else _Validator
        errors = kind(schema, registry=Registry()).iter_errors(value)
        error = next(iter(errors), None)
    except TimeoutError:
        return "it takes too long to check"
    except (RecursionError, Unresolvable, TypeError, AttributeError, ArithmeticError) as failure:
        return f"it cannot be checked: {type(failure).__name__}"
    finally:
        _ends_at.reset(ends_at)
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


@lru_cache(maxsize=1_024)
def _grammar_of(pattern: str) -> str:
    return str(llguidance.LLMatcher.grammar_from_json_schema({"type": "string", "pattern": pattern}))


@lru_cache(maxsize=1_024)
def _is_automaton(pattern: str) -> bool:
    """Whether the grammar library reads `pattern`."""
    return not llguidance.LLMatcher(_bytes(), _grammar_of(pattern), log_level=0).is_error()


def _matches(pattern: str, text: str) -> bool:
    """Whether `text` has a match of `pattern`, as the library reads it, in linear time; TimeoutError if late."""
    _still_in_time()
    matcher = llguidance.LLMatcher(_bytes(), _grammar_of(pattern), log_level=0)
    written = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
    return bool(matcher.consume_tokens(list(written)) and matcher.is_accepting())


def _check_pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and _is_automaton(pattern) and not _matches(pattern, value):
        yield ValidationError(f"{value[:80]!r} does not match {pattern[:80]!r}")


def _check_pattern_properties(
    validator: Any, patterns: Mapping[str, Any], value: Any, _: Any
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, schema in patterns.items():
            for name, inner in value.items() if _is_automaton(pattern) else ():
                if _matches(pattern, name):
                    yield from validator.descend(inner, schema, path=name, schema_path=pattern)


def _check_additional(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    patterns = schema.get("patternProperties", {})
    if not isinstance(value, dict) or not all(map(_is_automaton, patterns)):
        return
    for name, inner in value.items():
        if name not in schema.get("properties", {}) and not any(_matches(pattern, name) for pattern in patterns):
            yield from validator.descend(inner, allowed, path=name)


def _check_unique(_: Any, unique: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    if unique and isinstance(value, list) and len({json.dumps(one, sort_keys=True) for one in value}) < len(value):
        yield ValidationError("two items are equal")


def _or_older(keyword: str, older: _Check, is_older: Callable[[Any, Mapping[str, Any]], bool]) -> _Check:
    """The check of `keyword`, by the `older` one where a schema is written for an older draft."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        newest = Draft202012Validator.VALIDATORS[keyword]
        return (older if is_older(value, schema) else newest)(validator, value, instance, schema)

    return check


def _has_exclusive_flag(_: Any, schema: Mapping[str, Any]) -> bool:
    return any(schema.get(name) is True for name in ("exclusiveMinimum", "exclusiveMaximum"))


def _nothing(*_: Any) -> None:
    return None


def _in_time(check: _Check) -> _Check:
    """The check, which is not begun once the time is up. It raises TimeoutError then."""

    def check_in_time(*given: Any, **named: Any) -> Any:
        _still_in_time()
        return check(*given, **named)

    return check_in_time


def _still_in_time() -> None:
    """Raises TimeoutError once the time is up."""
    if time.thread_time() > _ends_at.get():
        raise TimeoutError


_KEYWORDS: Final[dict[str, _Check]] = {
    **Draft202012Validator.VALIDATORS,
    "pattern": _check_pattern,
    "patternProperties": _check_pattern_properties,
    "additionalProperties": _check_additional,
    "uniqueItems": _check_unique,
    "items": _or_older("items", Draft7Validator.VALIDATORS["items"], lambda items, _: isinstance(items, list)),
    "additionalItems": Draft7Validator.VALIDATORS["additionalItems"],
    "dependencies": Draft7Validator.VALIDATORS["dependencies"],
}
for _limit, _exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
    _KEYWORDS[_exclusive] = _or_older(_exclusive, _nothing, lambda limit, _: isinstance(limit, bool))
    _KEYWORDS[_limit] = _or_older(_limit, Draft4Validator.VALIDATORS[_limit], _has_exclusive_flag)
_Validator: Final[Any] = extend(Draft202012Validator, {name: _in_time(check) for name, check in _KEYWORDS.items()})
# The library's search for properties that nothing has evaluated runs patterns in `re`, and has no end that it checks.
_WithoutUnevaluated: Final[Any] = extend(_Validator, {"unevaluatedProperties": _nothing})
# It follows references without a check of a keyword between them, but moves from part to part by this.
for _kind in (_Validator, _WithoutUnevaluated):
    _kind.evolve = _in_time(_kind.evolve)
_UNSAFE_UNEVALUATED: Final = re.compile(r'"(?:patternProperties|dependentSchemas)"')
