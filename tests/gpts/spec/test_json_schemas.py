"""Which schemas can hold a reply, and where the others are wrong."""

import pytest

from gpts.spec.json_schemas import fault_in

GOOD = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "pattern": "^[A-Z]"},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 3},
        "place": {"anyOf": [{"$ref": "#/$defs/place"}, {"type": "null"}]},
        "size": {"type": ["integer", "null"], "minimum": 0},
        "not": {"type": "string"},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "properties": {"next": {"$ref": "#"}}}},
}


def test_a_schema_with_all_that_is_usual_is_fine():
    assert fault_in(GOOD) is None
    assert fault_in({}) is None


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "thing"}, "type"),
        ({"type": []}, "type"),
        ({"properties": []}, "properties"),
        ({"properties": {"a": 1}}, "properties.a"),
        ({"properties": {"a": {"items": {"type": 3}}}}, "properties.a.items.type"),
        ({"anyOf": []}, "anyOf"),
        ({"anyOf": [{}, {"enum": []}]}, "anyOf.1.enum"),
        ({"required": [1]}, "required"),
        ({"minLength": -1}, "minLength"),
        ({"maxItems": True}, "maxItems"),
        ({"minimum": "1"}, "minimum"),
        ({"$ref": "https://example.org/schema"}, "$ref"),
        ({"$ref": "#/$defs/missing"}, "$ref"),
        ({"if": {"type": "thing"}}, "if.type"),
        ({"items": [{}, {"type": "thing"}]}, "items.1.type"),
        ({"$ref": "#unnamed"}, "$ref"),
    ],
)
def test_what_is_wrong_is_found_with_its_place(schema, place):
    assert fault_in(schema)[0] == place


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "propertyNames": {"enum": ["a"]}, "additionalProperties": {"type": "integer"}},
        {"not": {}},
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False},
        {"type": "array", "contains": {"const": 1}, "minContains": 2},
        {"unevaluatedProperties": False, "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {}}},
        {"items": [{"type": "string"}, {"$ref": "#/items/0"}], "additionalItems": False},
        {"minimum": 0, "exclusiveMinimum": True, "dependencies": {"a": ["b"]}},
        {"$defs": {"a b": {"$anchor": "x"}}, "anyOf": [{"$ref": "#x"}, {"$ref": "#/$defs/a%20b"}]},
        {"$id": "https://example.org/tree", "properties": {"next": {"$ref": "https://example.org/tree"}}},
    ],
)
def test_a_schema_may_use_every_keyword_of_any_draft(schema):
    assert fault_in(schema) is None


def test_a_schema_that_is_too_deep_or_too_large_is_refused():
    deep: dict = {}
    for _ in range(40):
        deep = {"items": deep}
    assert "too large" in fault_in(deep)[1]
    assert "too large" in fault_in({"enum": list(range(5000))})[1]
