"""Turns the schemas of an OpenAPI document into self-contained JSON Schemas, small enough for a model.

References are followed inside the document only. Where a schema contains itself, or is too deep or too large, it
becomes "any value", with a note. Patterns are dropped: they are untrusted regular expressions, and some never end.
Whatever the document, the work for an operation is bounded: each schema that is looked at, parts of `allOf` included,
takes one of MAX_SCHEMAS.
"""

from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from referencing import Registry, Resource
from referencing.exceptions import Unresolvable

from gpts.safety.invisible_characters import visible
from gpts.spec.actions import PARAMETER_CHARS

MAX_DEPTH: Final = 7
# Schemas in one operation's arguments. A hundred fields with their types fill about 4,000 tokens.
MAX_SCHEMAS: Final = 250
# Fields of one object.
MAX_FIELDS: Final = 500
MAX_ENUM: Final = 100
KEPT: Final = (
    "title", "type", "enum", "const", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "default",
)  # fmt: skip
# What is read of a schema besides its fields and which of them are required.
_READ: Final = (*KEPT, "description", "nullable", "readOnly", "items", "additionalProperties", "oneOf", "anyOf")
TYPES: Final = {"string", "number", "integer", "boolean", "array", "object", "null"}

TOO_MANY: Final = "Some fields are nested too deep or are too many, so they accept any value."


class BadReference(Exception):
    """A `$ref` to something that is not in this document; the message names it."""


@dataclass(slots=True)
class Notes:
    """The warnings about one operation, and how many schemas it may still use."""

    warnings: list[str] = field(default_factory=list)
    n_left: int = MAX_SCHEMAS

    def add(self, text: str) -> None:
        """Add a warning once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def take(self) -> bool:
        """Count one schema that is looked at. False, with a warning, if there are too many."""
        self.n_left -= 1
        if self.n_left < 0:
            self.add(TOO_MANY)
        return self.n_left >= 0


class Schemas:
    """The references and schemas of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        # Opaque: `$id` in a schema is ignored, so that every reference is resolved in this document.
        resource = Resource.opaque(document)
        registry: Registry[Any] = Registry().with_resource("", resource)
        self._resolver = registry.resolver("")

    def resolve(self, value: Any, hops: int = 12) -> dict[str, Any]:
        """The object that `value` is or refers to. Raises BadReference."""
        if not isinstance(value, dict):
            raise BadReference("something that should be an object isn't one")
        target = value.get("$ref")
        if not isinstance(target, str):
            return value
        found = self._look_up(target, hops)
        return self.resolve(found, hops - 1)

    def _look_up(self, target: str, hops: int) -> Any:
        if not target.startswith("#"):
            raise BadReference(f"“{target[:80]}” is in another document; merge them into one")
        if hops <= 0:
            raise BadReference(f"“{target[:80]}” refers to itself")
        try:
            return self._resolver.lookup(target).contents
        except (Unresolvable, LookupError, TypeError, ValueError):
            raise BadReference(f"“{target[:80]}” is not in the document") from None

    def inline(self, schema: Any, notes: Notes, path: tuple[str, ...] = (), depth: int = 0) -> dict[str, Any]:
        """`schema` as JSON Schema without references. `path` holds the references that led to it."""
        if not isinstance(schema, dict) or schema == {} or not notes.take():
            return {}
        if depth > MAX_DEPTH:
            notes.add(TOO_MANY)
            return {}
        target = schema.get("$ref")
        if isinstance(target, str):
            return self._referred(schema, target, notes, path, depth)
        return self._made(self._merged(schema, notes, path), notes, path, depth)

    def _referred(
        self, schema: dict[str, Any], target: str, notes: Notes, path: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        if target in path:
            notes.add("A field contains its own type; below the first level it accepts any value.")
            return {}
        try:
            found = self._look_up(target, 12)
        except BadReference as error:
            notes.add(f"A field's type is unknown, so it accepts any value: {error}.")
            return {}
        return self.inline(found, notes, (*path, target), depth) | described_with(schema, notes)

    def _merged(self, schema: dict[str, Any], notes: Notes, path: tuple[str, ...]) -> dict[str, Any]:
        """`schema` with the objects of its `allOf` merged into it."""
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        merged: dict[str, Any] = {"properties": {}, "required": []}
        for part in (*parts[:20], {key: value for key, value in schema.items() if key != "allOf"}):
            if not notes.take():
                break
            try:
                each = self.resolve(part)
            except BadReference as error:
                notes.add(f"A part of a field's type is ignored: {error}.")
                continue
            if isinstance(part, dict) and part.get("$ref") in path:
                continue
            each = self._merged(each, notes, (*path, part["$ref"]) if "$ref" in part else path)
            merged["properties"] = dict(islice((merged["properties"] | _fields(each)).items(), MAX_FIELDS))
            merged["required"] = (merged["required"] + _required(each))[: 2 * MAX_FIELDS]
            merged |= {key: each[key] for key in _READ if key in each}
        return {key: value for key, value in merged.items() if value not in ({}, [])}

    def _made(self, schema: dict[str, Any], notes: Notes, path: tuple[str, ...], depth: int) -> dict[str, Any]:
        made = plain_keywords(schema) | described_with(schema, notes)
        if isinstance(schema.get("properties"), dict):
            made["type"] = made.get("type", "object")
            made["properties"] = {
                name: self.inline(each, notes, path, depth + 1)
                for name, each in _fields(schema).items()
                if not (isinstance(each, dict) and each.get("readOnly") is True)
            }
            names = dict.fromkeys(name for name in _required(schema) if isinstance(name, str))
            made["required"] = [name for name in names if name in made["properties"]]
        if "items" in schema:
            made["items"] = self.inline(schema["items"], notes, path, depth + 1)
        extra = schema.get("additionalProperties")
        if extra is not None:
            made["additionalProperties"] = (
                extra if isinstance(extra, bool) else self.inline(extra, notes, path, depth + 1)
            )
        for key in ("oneOf", "anyOf"):
            # Without patterns several of `oneOf` may match, so it becomes `anyOf`.
            if isinstance(schema.get(key), list) and schema[key]:
                made["anyOf"] = [self.inline(each, notes, path, depth + 1) for each in schema[key][:10]]
        return made


def _fields(schema: dict[str, Any]) -> dict[str, Any]:
    """The first MAX_FIELDS of the fields of `schema`."""
    fields = schema.get("properties")
    return dict(islice(fields.items(), MAX_FIELDS)) if isinstance(fields, dict) else {}


def _required(schema: dict[str, Any]) -> list[Any]:
    """As many of the names in `required`."""
    names = schema.get("required")
    return names[:MAX_FIELDS] if isinstance(names, list) else []


def plain_keywords(schema: dict[str, Any]) -> dict[str, Any]:
    """The simple keywords, those of OpenAPI 3.0 converted to JSON Schema."""
    made: dict[str, Any] = {key: schema[key] for key in KEPT if key in schema}
    _fix_type(made, nullable=schema.get("nullable") is True)
    for bound, own in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = made.get(bound)
        if isinstance(flag, bool):  # 3.0: a flag beside the bound
            del made[bound]
            if flag and own in made:
                made[bound] = made.pop(own)
    for key, kinds in _KINDS.items():
        if key in made and (not isinstance(made[key], kinds) or isinstance(made[key], bool) is not (kinds is bool)):
            del made[key]
    return made


_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS: Final = ("minLength", "maxLength", "minItems", "maxItems")
_KINDS: Final[dict[str, Any]] = {
    **dict.fromkeys(_NUMBERS, (int, float)),
    **dict.fromkeys(_COUNTS, int),
    "uniqueItems": bool,
    "title": str,
    "format": str,
}


def _fix_type(made: dict[str, Any], nullable: bool) -> None:
    kinds = made.pop("type", None)
    known = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind in TYPES]
    if nullable and known and "null" not in known:
        known.append("null")
    if known:
        made["type"] = known[0] if len(known) == 1 else known
    values = made.pop("enum", None)
    if isinstance(values, list) and 0 < len(values) <= MAX_ENUM:
        made["enum"] = [*values, None] if nullable and None not in values else values


def described_with(schema: dict[str, Any], notes: Notes) -> dict[str, str]:
    """The description of `schema`, shortened to PARAMETER_CHARS; empty without one."""
    text = schema.get("description")
    if not isinstance(text, str) or not text.strip():
        return {}
    return {"description": shortened(text, PARAMETER_CHARS, "description of a field", notes)}


def shortened(text: str, limit: int, what: str, notes: Notes) -> str:
    """`text` on one line, without what nobody sees, shortened to `limit` characters with a note."""
    text = " ".join(visible(text).split())
    if len(text) <= limit:
        return text
    notes.add(f"A {what} has {len(text)} characters; only the first {limit} are used.")
    return text[: limit - 1].rstrip() + "…"
