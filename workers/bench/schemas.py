"""Forty and more schemas of different kinds, such as actions and callers bring them."""

from typing import Any, Final

Schema = dict[str, Any]


def _object(**properties: Any) -> Schema:
    """An object that needs all of `properties` and has no others."""
    return {**_open(**properties), "additionalProperties": False}


def _open(**properties: Any) -> Schema:
    """An object that needs all of `properties`."""
    return {"type": "object", "properties": properties, "required": list(properties)}


_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "number"}
_PERSON: Final[Schema] = _object(name={"type": "string", "maxLength": 30}, age={"type": "integer", "minimum": 0})
_NODE: Final[Schema] = _object(
    value={"type": "integer"}, children={"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}
)
_LINK: Final[Schema] = _object(value=_TEXT, next={"anyOf": [{"type": "null"}, {"$ref": "#/$defs/link"}]})

SCHEMAS: Final[dict[str, Schema]] = {
    "two fields": _object(city=_TEXT, days={"type": "integer", "minimum": 1, "maximum": 14}),
    "open object": _open(city=_TEXT),
    "optional fields": {"type": "object", "properties": {"a": _TEXT, "b": _NUMBER, "c": {"type": "boolean"}}},
    "optional before required": {"type": "object", "properties": {"a": _TEXT, "b": _NUMBER}, "required": ["b"]},
    "nested three deep": _object(a=_object(b=_object(c={"type": "boolean"}))),
    "many fields": _object(**{f"field_{i}": {"type": "integer", "minimum": 0, "maximum": 9} for i in range(12)}),
    "enum of words": _object(unit={"enum": ["celsius", "fahrenheit", "kelvin"]}),
    "enum of everything": _object(any={"enum": ["a", 3, 2.5, None, True, {"x": [1]}]}),
    "const": _object(kind={"const": "order"}, urgent={"type": "boolean"}),
    "long enum": _object(code={"enum": [f"ZP-{i:03d}" for i in range(200)]}),
    "text, number or null": _object(value={"anyOf": [{"type": "string", "maxLength": 5}, _NUMBER, {"type": "null"}]}),
    "list of types": _object(value={"type": ["string", "null", "integer"]}),
    "one of two shapes": {
        "oneOf": [_object(kind={"const": "a"}, n=_NUMBER), _object(kind={"const": "b"}, s=_TEXT)],
    },
    "one of, deeper": _object(shape={"oneOf": [_object(radius=_NUMBER), _object(width=_NUMBER, height=_NUMBER)]}),
    "all of": {"allOf": [_open(a={"type": "integer"}), _open(b={"type": "boolean"})]},
    "reference": {"$defs": {"p": _PERSON}, **_object(owner={"$ref": "#/$defs/p"}, guest={"$ref": "#/$defs/p"})},
    "list of references": {
        "$defs": {"p": _PERSON},
        **_object(people={"type": "array", "items": {"$ref": "#/$defs/p"}, "minItems": 1, "maxItems": 3}),
    },
    "tree": {"$defs": {"node": _NODE}, "$ref": "#/$defs/node"},
    "linked list": {"$defs": {"link": _LINK}, "$ref": "#/$defs/link"},
    "pattern": _object(id={"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}),
    "pattern inside": _object(id={"type": "string", "pattern": "ab+c"}),
    "pattern and length": _object(id={"type": "string", "pattern": "^[a-z]+$", "minLength": 3, "maxLength": 6}),
    "catastrophic pattern": _object(id={"type": "string", "pattern": "^(a+)+$"}),
    "short text": _object(text={"type": "string", "minLength": 2, "maxLength": 10}),
    "long text": _object(text={"type": "string", "minLength": 40, "maxLength": 120}),
    "date": _object(day={"type": "string", "format": "date"}),
    "date and time": _object(at={"type": "string", "format": "date-time"}),
    "mail and address": _object(mail={"type": "string", "format": "email"}, ip={"type": "string", "format": "ipv4"}),
    "uuid": _object(id={"type": "string", "format": "uuid"}),
    "bounded numbers": _object(
        x={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        y={"type": "integer", "minimum": -5, "maximum": 1_000_000},
    ),
    "multiple": _object(step={"type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 100}),
    "unbounded integer": _object(n={"type": "integer"}),
    "list of numbers": _object(xs={"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 4}),
    "unbounded list": _object(xs={"type": "array", "items": _TEXT}),
    "list of lists": _object(
        rows={"type": "array", "items": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}, "maxItems": 3}
    ),
    "tuple": _object(
        pair={"type": "array", "prefixItems": [_TEXT, {"type": "integer"}], "items": False, "minItems": 2}
    ),
    "top-level list": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 5},
    "top-level text": {"type": "string", "maxLength": 20},
    "top-level number": {"type": "integer", "minimum": 0, "maximum": 99},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 3},
    "names by pattern": {
        "type": "object",
        "patternProperties": {"^x-[a-z]{1,5}$": _TEXT},
        "additionalProperties": False,
    },
    "any object": {"type": "object"},
    "anything": {},
    "unicode names": _object(grüße={"enum": ["日本", "🎉", 'é"\\']}, naïve={"type": "boolean"}),
    "quotes in names": _object(**{'a"b': {"type": "boolean"}, "c\\d": {"type": "null"}}),
    "annotations": {"title": "T", "x-order": 3, "examples": [{}], **_object(a={"type": "boolean", "example": True})},
    "no types": {"properties": {"a": {"minLength": 1, "maxLength": 4}, "b": {"minimum": 3}}, "required": ["a", "b"]},
}
