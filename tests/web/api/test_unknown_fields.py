"""A field that a request of `/api` doesn't have is refused by name, wherever it is."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter

from tests.web.api.conftest import bearer, key_of
from web.api.native import native


def shapes(kind: Any) -> Iterator[type]:
    """The classes of objects in a value of this type."""
    if not isinstance(kind, type) or get_args(kind):
        for each in get_args(kind):
            yield from shapes(each)
    elif issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from shapes(field.annotation)
    elif is_dataclass(kind):
        yield kind


def test_no_body_takes_fields_that_it_does_not_have() -> None:
    operations = [
        operation
        for _, router in native._routers
        for view in router.path_operations.values()
        for operation in view.operations
    ]
    bodies = [each for operation in operations for each in operation.models if each.__ninja_param_source__ == "body"]
    found = {shape for body in bodies for field in body.model_fields.values() for shape in shapes(field.annotation)}
    assert len(found) > 60
    lax = {shape for shape in found if TypeAdapter(shape).json_schema().get("additionalProperties") is not False}
    assert lax == set()


@pytest.mark.parametrize(
    ("method", "path", "sent", "field"),
    [
        ("post", "shares", {"email": "bob@example.org", "role": "edit"}, "role"),
        ("patch", "widget", {"enabled": True}, "enabled"),
        ("patch", "", {"nam": "Pump"}, "nam"),
        ("post", "actions", {"url": "https://example.org/openapi.json", "auth": {}}, "auth"),
    ],
)
def test_an_unknown_field_is_named(gpt, alice, method, path, sent, field):
    client = bearer(key_of(alice))
    answer = getattr(client, method)(
        f"/api/gpts/{gpt.slug}/{path}".rstrip("/"), sent, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["detail"] == f"{field}: This request has no such field. Check its spelling, or leave it out."
    assert not gpt.shares.exists()
