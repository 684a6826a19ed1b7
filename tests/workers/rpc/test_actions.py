"""What the creator's form asks of a worker about actions, through the tasks that it sends."""

import json
from functools import partial
from typing import Any

import pytest

from tests.workers.tools.actions.conftest import Service, service  # noqa: F401
from web import errands
from web.builder import auth
from web.builder.auth import AuthChoice
from web.builder.models_actions import Action, McpServerRow
from workers import tasks
from workers.rpc.sign_ins import lend
from workers.tools.settings import ToolSettings

SECRET = "sk-a-long-secret-42"
DOCUMENT = {
    "openapi": "3.0.0",
    "info": {"title": "T", "version": "1"},
    "paths": {"/a": {"get": {"operationId": "a"}}},
}


@pytest.fixture
def answers(monkeypatch) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(errands, "answer", lambda errand_id, data: told.append(json.loads(json.dumps(data))))
    monkeypatch.setattr(tasks, "tool_settings", ToolSettings)
    return told


@pytest.fixture(autouse=True)
def reached(request, answers, monkeypatch) -> None:
    """The service is open to the tasks of those tests that have one, which lend as workers do."""
    if "service" in request.fixturenames:
        served = request.getfixturevalue("service")
        served.lend = partial(lend, served.settings.egress)
        monkeypatch.setattr(tasks, "tool_settings", lambda: served.settings)


def test_a_document_is_fetched_through_the_guard(service, answers):  # noqa: F811
    service.says(DOCUMENT)
    tasks.import_action("e", "", f"{service.url}/openapi.json", "{}")
    [told] = answers
    assert told["imported"]["base_url"] == service.url
    assert json.loads(told["document"]) == DOCUMENT


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/o.json", "file:///etc/passwd", "http://169.254.169.254/", "nonsense"]
)
def test_an_address_that_may_not_be_reached_is_refused_in_a_sentence(answers, url):
    tasks.import_action("e", "", url, "{}")
    assert answers[0]["refused"]


def test_an_address_without_a_document_is_refused(service, answers):  # noqa: F811
    service.says({}, status=404)
    tasks.import_action("e", "", service.url, "{}")
    assert "status 404" in answers[0]["refused"]


@pytest.fixture
def action(gpt, service: Service) -> Action:  # noqa: F811
    operation = {"name": "a", "method": "GET", "path": "/a"}
    row = Action.objects.create(gpt=gpt, name="T", base_url=service.url, operations=[operation])
    return auth.set_auth(row, AuthChoice("bearer", SECRET))


def test_a_call_is_tried_with_the_key_and_told_without_it(service, answers, action, alice):  # noqa: F811
    service.respond = lambda asked: (
        201,
        {"Content-Type": "text/plain"},
        f"you sent {asked.headers['authorization']}".encode(),
    )
    tasks.try_operation("e", str(action.id), str(alice.pk), "a", "{}")
    [told] = answers
    assert service.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert (told["status"], told["error"]) == (201, "")
    assert told["response"].startswith("you sent Bearer")
    assert told["request"].startswith(f"GET {service.url}/a")
    assert SECRET not in json.dumps(told)


def test_a_call_that_fails_says_why(answers, action, alice):
    tasks.try_operation("e", str(action.id), str(alice.pk), "a", '{"x": [}'.replace("[}", "1}"))
    tasks.try_operation("e", str(action.id), str(alice.pk), "nothing", "{}")
    assert "not among" in answers[1]["error"]


def test_a_server_that_cannot_be_reached_says_why(answers, gpt):
    server = McpServerRow.objects.create(gpt=gpt, name="N", url="http://127.0.0.1:1/mcp")
    tasks.list_mcp_tools("e", str(server.id))
    assert "Couldn't connect to N" in answers[0]["refused"]


def test_a_sign_in_that_is_not_under_way_is_refused(db, answers):
    tasks.exchange_code("e", "77")
    tasks.revoke_sign_in("e", "77")
    assert answers == [{"refused": "There is no sign-in under way."}, {"revoked": False}]
