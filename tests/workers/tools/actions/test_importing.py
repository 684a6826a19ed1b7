"""OpenAPI documents become operations; hostile, broken and foreign ones become a sentence that says where."""

import json
import time
from dataclasses import replace

import pytest

from gpts.spec.actions import MAX_OPERATIONS
from workers.tools.actions.importing import ImportRefused, confined, import_document

PETS = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "https://{region}.pets.example/v2/", variables: {region: {default: eu}}}]
paths:
  /pets/{petId}:
    parameters: [{$ref: "#/components/parameters/PetId"}]
    get:
      operationId: get pet!
      summary: Read a pet
      parameters:
        - {name: petId, in: query, schema: {type: integer, minimum: 1}}
        - {name: filter, in: query, style: deepObject, schema: {type: object, properties: {age: {type: integer}}}}
        - {name: Authorization, in: header, schema: {type: string}}
    put:
      x-openai-isConsequential: false
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
    delete: {deprecated: true, x-openai-isConsequential: true}
components:
  parameters:
    PetId: {name: petId, in: path, required: true, description: Which one, schema: {type: string}}
  schemas:
    Pet:
      type: object
      required: [name, petId]
      properties:
        name: {type: string, maxLength: 20, pattern: "(a+)+$"}
        petId: {type: integer}
        kind: {enum: [cat, dog], default: cat}
        id: {type: string, readOnly: true}
        parent: {$ref: "#/components/schemas/Pet"}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Pet-Key}
"""


def test_operations_are_mapped_with_names_places_and_wires():
    pets = import_document(PETS)
    assert (pets.title, pets.base_url) == ("Pets", "https://eu.pets.example/v2")
    read, change = pets.operations
    assert (read.name, read.method, read.summary) == ("get_pet", "GET", "Read a pet")
    assert read.places == {"petId": "path", "petId_query": "query", "filter": "query"}
    assert read.wires["petId_query"].name == "petId"
    assert read.wires["filter"].style == "deepObject"
    assert read.parameters["required"] == ["petId"]
    assert read.parameters["properties"]["petId"]["description"] == "Which one"
    assert change.name == "put_pets_petId"
    assert change.places["petId_body"] == "body"
    assert change.parameters["required"] == ["petId", "name", "petId_body"]


def test_what_a_model_cannot_use_or_abuse_is_left_out():
    change = import_document(PETS).operations[1].parameters["properties"]
    assert "id" not in change
    assert "pattern" not in change["name"]
    assert change["parent"] == {}  # it contains itself
    assert change["kind"] == {"enum": ["cat", "dog"], "default": "cat"}


def test_effects_and_hints_are_read():
    pets = import_document(PETS, enabled=["get_pet", "put_pets_petId", "delete_pets_petId"])
    assert [each.consequential for each in pets.operations] == [None, False, True]
    assert [each.reads_only for each in pets.operations] == [True, False, False]
    assert [each.asks for each in pets.listed] == [False, True, True]
    assert (pets.auth.kind, pets.auth.header) == ("header", "X-Pet-Key")


def test_deprecated_operations_are_listed_but_not_taken_unasked():
    pets = import_document(PETS)
    assert [each.name for each in pets.operations] == ["get_pet", "put_pets_petId"]
    assert pets.listed[2].warnings == ("Deprecated.",)


def document(**paths) -> dict:
    return {
        "openapi": "3.0.3",
        "info": {"title": "T", "version": "1"},
        "servers": [{"url": "https://t.example"}],
        "paths": paths or {"/a": {"get": {"responses": {}}}},
    }


def imported(value: dict, **options):
    return import_document(json.dumps(value), **options)


def test_many_operations_leave_the_choice_to_the_creator():
    many = document(**{f"/p{n}": {"get": {"responses": {}}} for n in range(40)})
    told = imported(many)
    assert len(told.operations) == MAX_OPERATIONS
    assert len(told.listed) == 40
    assert "Choose yours" in told.warnings[-1]
    assert [each.name for each in imported(many, enabled=["get_p39"]).operations] == ["get_p39"]
    with pytest.raises(ImportRefused, match="31 of 30"):
        imported(many, enabled=[f"get_p{n}" for n in range(31)])
    with pytest.raises(ImportRefused, match="no usable operation “nothing”"):
        imported(many, enabled=["nothing"])


def test_names_are_unique_and_valid():
    twice = {"get": {"operationId": "a b", "responses": {}}}
    told = imported(document(**{"/a": twice, "/b": twice, "/c": {"get": {"operationId": "ü" * 99, "responses": {}}}}))
    assert [each.name for each in told.operations] == ["a_b", "a_b_2", "get"]


def test_long_texts_are_shortened_and_it_is_said():
    parameter = {"name": "q", "in": "query", "description": "d" * 701, "schema": {"type": "string"}}
    told = imported(document(**{"/a": {"get": {"summary": "s" * 301, "parameters": [parameter], "responses": {}}}}))
    assert len(told.operations[0].summary) == 300
    assert len(told.operations[0].parameters["properties"]["q"]["description"]) == 700
    assert "301 characters" in told.listed[0].warnings[0]
    assert "701 characters" in told.listed[0].warnings[1]


def test_descriptions_are_read_as_people_see_them():
    told = imported(document(**{"/a": {"get": {"summary": "Read\U000e0041 all\u202e", "responses": {}}}}))
    assert told.operations[0].summary == "Read all"


def test_nullable_and_exclusive_bounds_of_3_0_become_json_schema():
    schema = {"type": "number", "nullable": True, "minimum": 1, "exclusiveMinimum": True}
    told = imported(document(**{"/a": {"get": {"parameters": [{"name": "n", "in": "query", "schema": schema}]}}}))
    assert told.operations[0].parameters["properties"]["n"] == {"type": ["number", "null"], "exclusiveMinimum": 1}


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data", "application/vnd.a+json"]
)
def test_bodies_of_forms_and_json_become_arguments(kind):
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    body = {"required": True, "content": {"image/png": {}, kind: {"schema": schema}}}
    [operation] = imported(document(**{"/a": {"post": {"requestBody": body}}})).operations
    assert operation.content_type == kind
    assert operation.parameters["required"] == ["a"]


def test_a_body_that_is_no_object_is_one_argument():
    body = {"required": True, "content": {"application/json": {"schema": {"type": "array", "items": {}}}}}
    [operation] = imported(document(**{"/a": {"post": {"requestBody": body}}})).operations
    assert operation.whole_body == "body"
    assert operation.parameters["required"] == ["body"]


def test_what_cannot_be_called_is_listed_with_its_reason():
    picture = {"requestBody": {"required": True, "content": {"image/png": {}}}}
    elsewhere = {"servers": [{"url": "https://other.example"}]}
    lost = {"parameters": [{"$ref": "#/components/parameters/Nothing"}]}
    remote = {"parameters": [{"$ref": "https://evil.example/p.json"}]}
    told = imported(document(**{"/ok": {"get": {}}, "/a": {"post": picture}, "/b": {"get": elsewhere},
                                "/c": {"get": lost}, "/d": {"get": remote}, "/e/{id}": {"get": {}}}))  # fmt: skip
    reasons = {each.path: each.warnings[0] for each in told.listed if not each.usable}
    assert "image/png" in reasons["/a"]
    assert "another server" in reasons["/b"]
    assert "#/components/parameters/Nothing" in reasons["/c"]
    assert "in another document" in reasons["/d"]
    assert "needs “id”" in reasons["/e/{id}"]


def test_servers_may_be_relative_to_the_document_or_chosen():
    relative = {**document(), "servers": [{"url": "/api/v1"}]}
    assert imported(relative, document_url="https://h.example/docs/o.json").base_url == "https://h.example/api/v1"
    told = imported(relative)
    assert told.base_url == ""
    assert any("At “servers”" in each for each in told.warnings)
    assert imported(relative, server="https://chosen.example/").base_url == "https://chosen.example"
    with pytest.raises(ImportRefused, match="must begin with https"):
        imported(relative, server="ftp://x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("<html></html>", "web page"),
        ('{"openapi" "3.0.0"}', "line 1, column 12"),
        ("openapi: 3.0.0\n  paths: [", "line 2"),
        ("just words", "Not an OpenAPI document"),
        ("[1, 2]", "Not an OpenAPI document"),
        ('{"swagger": "2.0", "paths": {}}', "Convert it to OpenAPI 3"),
        ('{"openapi": "4.0.0"}', "version 4.0.0 is not supported"),
        ('{"openapi": "3.0.0"}', "At “paths”"),
        ('{"openapi": "3.0.0", "info": {}, "paths": {"/a": {"got": 1}}}', "At “info”"),
        ("a: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("openapi: 3.0.0\n? [a, b]\n: c", "must be text"),
        ("[" * 100_000, "nested deeper|not valid JSON"),
        ("a: " + "[" * 500, "nested deeper"),
        ('{"openapi": "3.0.0", "n": ' + "9" * 5_000 + "}", "too many digits"),
        ("x" * 2_000_001, "larger than 2 MB"),
    ],
)
def test_a_document_that_is_none_says_so(text, sentence):
    with pytest.raises(ImportRefused, match=sentence):
        import_document(text)


def test_aliases_of_aliases_end_early():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    began = time.monotonic()
    with pytest.raises(ImportRefused, match="more than"):
        import_document("\n".join(["openapi: 3.0.0", *lines]))
    assert time.monotonic() - began < 5


def test_merged_mappings_of_mappings_end_early():
    lines = ["b0: &b0 {k: v}"]
    lines += [f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    began = time.monotonic()
    with pytest.raises(ImportRefused):
        import_document("\n".join(["openapi: 3.0.0", *lines]))
    assert time.monotonic() - began < 5


def nested_merges(levels: int) -> dict:
    """A document of 3 kB with 28 levels: each merges the one below twice, which doubles the work."""
    schemas = {f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n - 1}"}] * 2} for n in range(1, levels + 1)}
    schemas["S0"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/S{levels}"}}}}
    post = {"post": {"operationId": "a", "requestBody": body, "responses": {}}}
    return document(**{"/a": post}) | {"components": {"schemas": schemas}}


def test_merges_of_merges_count_like_other_schemas():
    began = time.monotonic()
    told = imported(nested_merges(19))
    assert "too deep or are too many" in told.listed[0].warnings[0]
    assert time.monotonic() - began < 2  # it took 10 s, and each further level twice as long


def test_ordinary_merges_keep_their_fields():
    told = imported(nested_merges(3))
    assert told.operations[0].parameters["properties"] == {"a": {"type": "string"}}
    assert not told.listed[0].warnings


@pytest.mark.parametrize("limits", [{"wall_s": 0}, {"answer_bytes": 100}])
def test_a_document_that_takes_too_long_or_says_too_much_ends_in_a_sentence(monkeypatch, limits):
    monkeypatch.setattr(confined, "LIMITS", replace(confined.LIMITS, **limits))
    with pytest.raises(ImportRefused, match="Remove unused parts"):
        confined.read_confined(PETS, None, "", "")


def test_schemas_that_multiply_end_in_any_value():
    schemas = {
        f"S{n}": {
            "type": "object",
            "properties": {f"p{k}": {"$ref": f"#/components/schemas/S{n + 1}"} for k in range(10)},
        }
        for n in range(20)
    }
    schemas["S20"] = {"type": "string"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S0"}}}}
    value = {**document(**{"/a": {"post": {"requestBody": body}}}), "components": {"schemas": schemas}}
    began = time.monotonic()
    told = imported(value)
    assert time.monotonic() - began < 5
    assert "accept any value" in told.listed[0].warnings[0]
    assert len(json.dumps(told.operations[0].parameters)) < 100_000


def test_no_reference_leaves_the_document(monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("something was opened")

    monkeypatch.setattr("urllib.request.urlopen", forbidden)
    monkeypatch.setattr("socket.create_connection", forbidden)
    schema = {"$ref": "file:///etc/passwd", "$id": "http://evil.example/"}
    parameters = [{"name": "q", "in": "query", "schema": schema}]
    told = imported(document(**{"/a": {"get": {"parameters": parameters}}}))
    assert told.operations[0].parameters["properties"]["q"] == {}
    assert "in another document" in told.listed[0].warnings[0]


def test_yaml_keeps_its_texts():
    parameter = "{name: q, in: query, schema: {enum: [no, on, 2020-01-01]}}"
    text = f"openapi: 3.0.0\npaths: {{/a: {{get: {{parameters: [{parameter}]}}}}}}"
    [operation] = import_document(text).operations
    assert operation.parameters["properties"]["q"]["enum"] == ["no", "on", "2020-01-01"]
