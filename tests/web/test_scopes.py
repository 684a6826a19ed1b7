"""What keys may do: every address of the APIs has its scope, and a key without it is refused before any view."""

import pytest

from tests.web.api.conftest import bearer
from tests.web.test_access_matrix import MACHINES, ONLY_SESSIONS, TABLE, operations
from web.accounts.models import Scope
from web.accounts.services import create_key
from web.scopes import needed

ROOTS = ("/api/", "/v1/")  # where there is nothing


def path_of(route: str) -> str:
    """An address of the route."""
    return "/".join("x" if part.startswith("<") else part for part in route.split("/"))


def test_every_operation_needs_a_scope():
    machines = {
        (method, route)
        for route, row in TABLE.rows.items()
        if route.startswith(MACHINES) and route not in ROOTS
        for method in row
    }
    every = set(operations()) | machines
    of_directories = {each for each in machines if each[1].startswith("/scim/")}  # whose tokens are no keys
    assert {each for each in every if not needed(each[0], path_of(each[1]))} == {*ONLY_SESSIONS, *of_directories}


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("POST", "/v1/chat/completions", "chat"),
        ("GET", "/v1/chat/completions/x", "chat read"),
        ("POST", "/a2a/pump", "chat"),
        ("POST", "/mcp", "chat"),
        ("GET", "/v1/models", "chat read"),
        ("POST", "/v1/vector_stores", "manage"),
        ("POST", "/v1/vector_stores/x/search", "read"),
        ("GET", "/api/gpts", "read"),
        ("PATCH", "/api/gpts/x", "manage"),
        ("POST", "/api/gpts/x/runs", "chat"),
        ("POST", "/api/gpts/runs", "manage"),
        ("POST", "/api/runs/x/approve", "approve"),
        ("POST", "/api/runs/x/approved", "chat"),
        ("GET", "/api/operate/models", "read"),
        ("PUT", "/api/operate/categories", "approve"),
        ("GET", "/api/operate/people", "approve"),
        ("GET", "/api/operate/audit", "approve"),
        ("POST", "/api/operate/models/use", "approve"),
        ("POST", "/api/unknown", ""),
        ("TRACE", "/api/gpts", ""),
    ],
)
def test_an_address_needs_its_scope(method, path, scopes):
    assert needed(method, path) == set(scopes.split())


def test_a_key_does_what_its_scopes_say_and_nothing_else(alice, gpt):
    def status(scope: str, method: str, path: str) -> int:
        client = bearer(create_key(alice, "k", scopes=[scope])[1])
        return getattr(client, method)(path, {}, content_type="application/json").status_code

    may = {scope: {status(scope, "get", "/api/gpts"), status(scope, "get", "/api/keys")} for scope in Scope}
    assert may == {"chat": {403}, "read": {200}, "manage": {403}, "approve": {403}}
    assert {scope: status(scope, "patch", f"/api/gpts/{gpt.slug}") for scope in Scope} == {
        **dict.fromkeys(Scope, 403),
        "manage": 200,
    }
    refused = bearer(create_key(alice, "k", scopes=["read"])[1]).post("/v1/chat/completions", {}, "application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "missing_scope")
    assert status("chat", "get", "/api/nowhere") == 404
