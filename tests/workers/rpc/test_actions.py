"""What the creator's form asks of a worker about actions, through the tasks that it sends."""

import json
from functools import partial

import pytest

from tests.workers.tools.actions.conftest import Service, service  # noqa: F401
from web.builder import auth
from web.builder.auth import AuthSetting
from web.builder.models_actions import Action, McpServerRow
from workers import tasks
from workers.rpc.sign_ins import find_credential

SECRET = "sk-a-long-secret-42"
DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "T", "version": "1"},
    "paths": {"/a": {"get": {"operationId": "a"}}},
}


@pytest.fixture(autouse=True)
def reached(request, monkeypatch) -> None:
    """The service is open to the tasks of those tests that have one, which find credentials as workers do."""
    if "service" in request.fixturenames:
        served = request.getfixturevalue("service")
        served.find_credential = partial(find_credential, served.settings.egress)
        monkeypatch.setattr(tasks, "tool_settings", lambda: served.settings)


def test_a_document_is_fetched_through_the_guard(service):  # noqa: F811
    service.says(DOCUMENT)
    payload = tasks.import_action("", f"{service.url}/openapi.json", "{}")
    assert payload["imported"]["base_url"] == service.url
    assert json.loads(payload["document"]) == DOCUMENT


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/o.json", "file:///etc/passwd", "http://169.254.169.254/", "nonsense"]
)
def test_an_address_that_may_not_be_reached_is_refused_in_a_sentence(url):
    assert tasks.import_action("", url, "{}")["refused"]


def test_an_address_without_a_document_is_refused(service):  # noqa: F811
    service.says({}, status=404)
    assert "status 404" in tasks.import_action("", service.url, "{}")["refused"]


@pytest.fixture
def action(gpt, service: Service) -> Action:  # noqa: F811
    operation = {"name": "a", "method": "GET", "path": "/a"}
    row = Action.objects.create(gpt=gpt, name="T", base_url=service.url, operations=[operation])
    return auth.set_auth(row, AuthSetting("bearer", SECRET), by=row.gpt.owner)


def test_a_call_is_tried_with_the_key_and_told_without_it(service, action, alice):  # noqa: F811
    service.respond = lambda asked: (
        201,
        {"Content-Type": "text/plain"},
        f"you sent {asked.headers['authorization']}".encode(),
    )
    payload = tasks.try_operation(str(action.id), str(alice.pk), "a", "{}")
    assert service.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (payload["status"], payload["error"]) == (201, "")
    assert payload["response"].startswith("you sent Bearer")
    assert payload["request"].startswith(f"GET {service.url}/a")
    assert SECRET not in json.dumps(payload)


def test_a_call_that_fails_says_why(action, alice):
    assert "in the draft" in tasks.try_operation(str(action.id), str(alice.pk), "nothing", "{}")["error"]


def test_a_server_that_cannot_be_reached_says_why(gpt):
    server = McpServerRow.objects.create(gpt=gpt, name="N", url="http://127.0.0.1:1/mcp")
    assert "Couldn't connect to N" in tasks.list_mcp_tools(str(server.id))["refused"]


def test_a_sign_in_that_is_not_under_way_is_refused(db):
    assert tasks.exchange_code("77") == {"refused": "No sign-in in progress."}
    assert tasks.revoke_sign_in("77") == {"revoked": False}
