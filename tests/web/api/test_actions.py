"""Actions and MCP servers over the API, which the form uses too: what is told, and that secrets are not."""

import json
from typing import Any

import pytest

from tests.web.api.conftest import bearer, key_of
from web import rpc
from web.builder.models_actions import Action, McpServerRow, SignIn
from workers.rpc import actions as action_calls
from workers.tools.settings import ToolSettings

SECRET = "sk-a-long-secret-42"
DOCUMENT = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "Parts", "version": "1"},
        "servers": [{"url": "https://api.parts.example"}],
        "paths": {
            "/parts": {"get": {"operationId": "listParts", "summary": "List"}, "post": {"operationId": "addPart"}}
        },
    }
)
URL = "/api/gpts/pump-doctor/actions"


@pytest.fixture
def client(gpt, alice, monkeypatch):
    """Alice's program, with a worker that answers calls at once."""

    def ask(task: str, *args: str, queue: str, timeout_s: float) -> Any:
        match task.split(".")[-1]:
            case "import_action":
                return action_calls.read_action(args[0], args[1], json.loads(args[2]), ToolSettings())
            case "try_operation":
                return {"request": f"GET {args[2]} {args[3]}", "status": 200, "response": "[]"}
            case "list_mcp_tools":
                return {"refused": "It did not answer."}
        raise AssertionError(task)

    monkeypatch.setattr(rpc, "call", ask)
    return bearer(key_of(alice))


def post(client, path: str, body: dict):
    return client.post(path, json.dumps(body), content_type="application/json")


@pytest.fixture
def action(client) -> dict:
    response = post(client, URL, {"document": DOCUMENT})
    assert response.status_code == 201
    return response.json()


def test_a_preview_lists_operations_and_changes_nothing(client):
    told = post(client, f"{URL}/preview", {"document": DOCUMENT}).json()
    assert (told["title"], told["base_url"], told["enabled"]) == (
        "Parts",
        "https://api.parts.example",
        ["listParts", "addPart"],
    )
    first = {"name": "listParts", "method": "GET", "path": "/parts", "summary": "List", "warnings": []}
    assert told["listed"][0] == {**first, "usable": True, "asks": False}
    assert not Action.objects.exists()


def test_a_bad_document_is_told_by_field_and_place(client):
    response = post(client, URL, {"document": "openapi: 3.0.0\n  a: ["})
    assert response.status_code == 422
    assert response.json()["field"] == "document"
    assert "line 2" in response.json()["detail"]


def test_an_action_is_added_changed_listed_and_removed(client, action):
    assert (action["name"], action["host"], action["secret_set"]) == ("Parts", "api.parts.example", False)
    assert action["redirect_uri"].endswith(f"/actions/{action['id']}/callback")
    url = f"{URL}/{action['id']}"
    changed = client.patch(
        url, json.dumps({"operations": ["addPart"], "name": "New"}), content_type="application/json"
    )
    assert (changed.json()["enabled"], changed.json()["name"]) == (["addPart"], "New")
    assert [each["name"] for each in client.get(URL).json()["items"]] == ["New"]
    assert client.delete(url).status_code == 204
    assert client.get(URL).json()["items"] == []
    assert client.get(url).status_code == 404


def test_a_secret_is_set_and_never_told(client, action, gpt):
    told = post(client, f"{URL}/{action['id']}/auth", {"kind": "header", "header": "X-Key", "secret": SECRET})
    assert told.json()["secret_set"]
    read = [client.get(url).content.decode() for url in (URL, f"{URL}/{action['id']}", "/api/gpts/pump-doctor")]
    assert not any(SECRET in text for text in (told.content.decode(), *read))
    refused = post(client, f"{URL}/{action['id']}/auth", {"kind": "header", "header": "a b", "secret": SECRET})
    assert refused.status_code == 422
    assert SECRET not in refused.content.decode()


def test_an_operation_is_tried(client, action):
    tried = post(client, f"{URL}/{action['id']}/test", {"operation": "listParts", "arguments": {"q": 1}}).json()
    assert (tried["status"], tried["response"]) == (200, "[]")
    unknown = post(client, f"{URL}/{action['id']}/test", {"operation": "nothing"})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "operation")


def test_an_action_of_another_gpt_is_no_action_of_this_one(client, action, alice):
    from web.builder.services import create_gpt

    create_gpt(alice, {"name": "Other"})
    assert client.get(f"/api/gpts/other/actions/{action['id']}").status_code == 404


def test_publishing_to_the_store_without_a_policy_is_refused_in_a_sentence(client, action):
    refused = post(client, "/api/gpts/pump-doctor/publish", {})
    assert refused.status_code == 422
    assert "privacy policy" in refused.json()["detail"]


def test_an_mcp_server_that_cannot_be_asked_is_kept_with_the_reason(client):
    told = post(client, "/api/gpts/pump-doctor/mcp-servers", {"url": "https://mcp.example.org/mcp"}).json()
    assert (told["trouble"], told["tools"]) == ("It did not answer.", [])
    url = f"/api/gpts/pump-doctor/mcp-servers/{told['id']}"
    assert client.patch(url, json.dumps({"trusted": True}), content_type="application/json").json()["trusted"]
    assert client.delete(url).status_code == 204
    assert not McpServerRow.objects.filter(removed=None).exists()


def test_sign_ins_are_one_s_own(client, action, bob, alice):
    SignIn.objects.create(user=bob, action_id=action["id"], host="api.parts.example", sealed="x")
    assert client.get("/api/sign-ins").json()["items"] == []
    bobs = bearer(key_of(bob))
    assert [each["gpt"] for each in bobs.get("/api/sign-ins").json()["items"]] == ["pump-doctor"]
    assert client.delete(f"/api/sign-ins/{action['id']}").status_code == 404
    assert bobs.delete(f"/api/sign-ins/{action['id']}").status_code == 204
