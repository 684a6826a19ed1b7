"""An OpenAPI document as a person reads it: operations with their fields, in the order of the document."""

from dataclasses import dataclass, field
from typing import Any, Final

Schema = dict[str, Any]

METHODS: Final = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A parameter, or a field of a body."""

    name: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class DocumentedOperation:
    """What one method of one address does."""

    method: str
    path: str
    summary: str
    paragraphs: list[str]
    fields: list[FieldRow]
    answers: list[FieldRow]
    statuses: list[str]
    anchor: str


@dataclass(slots=True)
class ReferenceSection:
    """The operations under one tag."""

    title: str
    operations: list[DocumentedOperation] = field(default_factory=list)


def sections(document: Schema) -> list[ReferenceSection]:
    """The operations of an OpenAPI document by tag."""
    found: dict[str, ReferenceSection] = {}
    for path, methods in document["paths"].items():
        for method in (m for m in METHODS if m in methods):
            raw = methods[method]
            title = (raw.get("tags") or [document["info"]["title"]])[0]
            found.setdefault(title, ReferenceSection(title)).operations.append(
                _operation(document, path, method, raw)
            )
    return list(found.values())


def _operation(document: Schema, path: str, method: str, raw: Schema) -> DocumentedOperation:
    good = next(answer for status, answer in raw["responses"].items() if str(status).startswith("2"))
    return DocumentedOperation(
        method=method.upper(),
        path=path,
        summary=raw["summary"].capitalize().replace("gpt", "GPT"),
        paragraphs=[part for part in raw.get("description", "").replace("`", "").split("\n\n") if part.strip()],
        fields=[_parameter(p) for p in raw.get("parameters", [])]
        + _rows(document, _content(raw.get("requestBody", {}))),
        answers=_rows(document, _content(good)),
        statuses=[str(status) for status in raw["responses"]],
        anchor=raw["operationId"],
    )


def _content(message: Schema) -> Schema:
    """The schema of a request's or an answer's body, empty without one."""
    for content in message.get("content", {}).values():
        schema: Schema = content["schema"]
        return schema
    return {}


def _parameter(raw: Schema) -> FieldRow:
    return FieldRow(raw["name"], kind_of(raw["schema"]), raw.get("required", False), raw.get("description", ""))


def _rows(document: Schema, schema: Schema) -> list[FieldRow]:
    """The fields of the object that `schema` describes, of the first where it may be one of several."""
    schema = _resolve(document, schema)
    if "anyOf" in schema:
        return _rows(document, schema["anyOf"][0])
    if schema.get("type") == "array":
        return _rows(document, schema["items"])
    required = schema.get("required", [])
    return [
        FieldRow(name, kind_of(raw), name in required, _resolve(document, raw).get("description", ""))
        for name, raw in schema.get("properties", {}).items()
    ]


def _resolve(document: Schema, schema: Schema) -> Schema:
    """What `schema` refers to; its own description goes before that of its target."""
    if "$ref" not in schema:
        return schema
    target: Schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return {**target, **({"description": schema["description"]} if "description" in schema else {})}


def kind_of(schema: Schema) -> str:
    """The type of a value in a few words: "text", "list of File", "me | link | store"."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(kind_of(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    name = str(schema.get("format") or schema.get("type") or "anything")
    return _KINDS.get(name, name)


_KINDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "date-time": "time",
    "uuid": "id",
    "binary": "file",
    "null": "null",
    "object": "object",
}
