"""Who may do what at the machine door: every address and method × every kind of caller, from the URL patterns."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.urls import URLPattern, URLResolver

from tests.web.api.conftest import bearer, expired_key_of, key_of, revoked_key_of
from web.a2a.urls import urlpatterns as a2a_patterns
from web.api.urls import urlpatterns as api_patterns
from web.builder.delegates import add
from web.builder.models import KnowledgeFile
from web.builder.models_actions import Action, McpServerRow, RemoteAgentRow, SignIn
from web.builder.services import create_gpt, open_link, set_sharing
from web.runs.files import attach
from web.runs.models import CreatorQuestion, Permission
from web.runs.services import start_conversation, start_run

CALLERS = ("anonymous", "charlie", "bob", "alice", "revoked", "expired")
PUBLIC = dict.fromkeys(CALLERS, 200)


def row(charlie: int, bob: int, alice: int) -> dict[str, int]:
    """What each caller gets where a key is needed."""
    return {"anonymous": 401, "revoked": 401, "expired": 401, "charlie": charlie, "bob": bob, "alice": alice}


# The GPT is Alice's, shared by link; Bob opened the link. The run and its conversation are Bob's.
EXPECTED = {
    "GET healthz": PUBLIC,
    "GET readyz": dict.fromkeys(CALLERS, 503),  # no Redis in these tests
    "GET api/docs": PUBLIC,
    "GET v1/": dict.fromkeys(CALLERS, 404),
    "GET api/": dict.fromkeys(CALLERS, 404),
    "GET v1/openapi.json": PUBLIC,
    "GET v1/models": row(200, 200, 200),
    "GET v1/models/<model>": row(404, 200, 200),
    "POST v1/chat/completions": row(404, 429, 429),  # 429: the last check before a run begins
    "GET api/openapi.json": PUBLIC,
    "GET api/gpts": row(200, 200, 200),
    "POST api/gpts": row(201, 201, 201),
    "GET api/gpts/<slug>": row(404, 200, 200),
    "PATCH api/gpts/<slug>": row(404, 404, 200),
    "DELETE api/gpts/<slug>": row(404, 404, 204),
    "POST api/gpts/<slug>/publish": row(404, 404, 422),  # 422: its file is not ready
    "GET api/gpts/<slug>/versions": row(404, 404, 200),
    "POST api/gpts/<slug>/versions/<int:number>/restore": row(404, 404, 200),
    "GET api/gpts/<slug>/files": row(404, 404, 200),
    "POST api/gpts/<slug>/files": row(404, 404, 201),
    "GET api/gpts/<slug>/files/<uuid:file_id>": row(404, 404, 200),
    "DELETE api/gpts/<slug>/files/<uuid:file_id>": row(404, 404, 204),
    "POST api/gpts/<slug>/files/<uuid:file_id>/retry": row(404, 404, 409),  # 409: it has not failed
    "POST api/gpts/<slug>/files/<uuid:file_id>/cancel": row(404, 404, 200),
    "POST api/gpts/<slug>/files/<uuid:file_id>/replace": row(404, 404, 201),
    "POST api/gpts/<slug>/files/<uuid:file_id>/decide": row(404, 404, 422),  # 422: nothing was found in it
    "GET api/gpts/<slug>/knowledge": row(404, 404, 503),  # no worker in these tests
    "POST api/gpts/<slug>/knowledge/ask": row(404, 404, 422),  # 422: no file is ready
    "GET api/gpts/<slug>/actions": row(404, 404, 200),
    "POST api/gpts/<slug>/actions": row(404, 404, 503),  # no worker in these tests
    "POST api/gpts/<slug>/actions/preview": row(404, 404, 503),
    "GET api/gpts/<slug>/actions/<uuid:service_id>": row(404, 404, 200),
    "PATCH api/gpts/<slug>/actions/<uuid:service_id>": row(404, 404, 200),
    "DELETE api/gpts/<slug>/actions/<uuid:service_id>": row(404, 404, 204),
    "POST api/gpts/<slug>/actions/<uuid:service_id>/auth": row(404, 404, 200),
    "POST api/gpts/<slug>/actions/<uuid:service_id>/test": row(404, 404, 503),
    "GET api/gpts/<slug>/mcp-servers": row(404, 404, 200),
    "POST api/gpts/<slug>/mcp-servers": row(404, 404, 201),
    "PATCH api/gpts/<slug>/mcp-servers/<uuid:service_id>": row(404, 404, 200),
    "DELETE api/gpts/<slug>/mcp-servers/<uuid:service_id>": row(404, 404, 204),
    "POST api/gpts/<slug>/mcp-servers/<uuid:service_id>/refresh": row(404, 404, 200),
    "POST api/gpts/<slug>/mcp-servers/<uuid:service_id>/auth": row(404, 404, 200),
    "POST api/gpts/<slug>/mcp-servers/<uuid:service_id>/accept": row(404, 404, 200),
    "GET api/gpts/<slug>/delegates": row(404, 404, 200),
    "PUT api/gpts/<slug>/delegates": row(404, 404, 200),
    "POST api/gpts/<slug>/delegates": row(404, 404, 201),
    "PATCH api/gpts/<slug>/delegates/<delegate>": row(404, 404, 200),
    "POST api/gpts/<slug>/delegates/<delegate>/accept": row(404, 404, 200),
    "DELETE api/gpts/<slug>/delegates/<delegate>": row(404, 404, 204),
    "GET api/gpts/<slug>/usage": row(404, 404, 200),
    "GET api/gpts/<slug>/agents": row(404, 404, 200),
    "POST api/gpts/<slug>/agents": row(404, 404, 503),  # no worker in these tests
    "PATCH api/gpts/<slug>/agents/<uuid:service_id>": row(404, 404, 200),
    "DELETE api/gpts/<slug>/agents/<uuid:service_id>": row(404, 404, 204),
    "POST api/gpts/<slug>/agents/<uuid:service_id>/refresh": row(404, 404, 200),
    "POST api/gpts/<slug>/agents/<uuid:service_id>/auth": row(404, 404, 200),
    "POST api/gpts/<slug>/agents/<uuid:service_id>/accept": row(404, 404, 200),
    "GET api/sign-ins": row(200, 200, 200),
    "DELETE api/sign-ins/<uuid:action_id>": row(404, 204, 404),  # Bob is signed in
    "POST api/gpts/<slug>/runs": row(404, 429, 429),
    "GET api/runs/<uuid:run_id>": row(404, 200, 404),
    "GET api/runs/<uuid:run_id>/tree": row(404, 200, 404),
    "GET api/runs/<uuid:run_id>/events": row(404, 200, 404),
    "POST api/runs/<uuid:run_id>/cancel": row(404, 200, 404),
    "POST api/runs/<uuid:run_id>/approve": row(403, 403, 403),  # keys without the scope
    "POST api/runs/<uuid:run_id>/creator-question": row(404, 400, 404),  # 400: it was not declined
    "GET api/gpts/<slug>/questions": row(404, 404, 200),
    "POST api/gpts/<slug>/questions/<uuid:question_id>": row(404, 404, 200),
    "DELETE api/gpts/<slug>/questions/<uuid:question_id>": row(404, 404, 204),
    "POST api/attachments": row(201, 201, 201),
    "GET api/attachments/<uuid:attachment_id>": row(404, 200, 404),
    "DELETE api/attachments/<uuid:attachment_id>": row(404, 204, 404),
    "GET api/attachments/<uuid:attachment_id>/status": row(404, 200, 404),
    "GET api/permissions": row(200, 200, 200),
    "DELETE api/permissions/<int:permission_id>": row(404, 204, 404),
    # 404 for Bob too: his run has no answer yet. What it cites once it has one is the matter of test_citations.
    "GET api/runs/<uuid:run_id>/citations/<int:number>": row(404, 404, 404),
    "GET api/runs/<uuid:run_id>/citations/<int:number>/pages/<int:page>": row(404, 404, 404),
    "GET api/runs/<uuid:run_id>/citations/<int:number>/download": row(404, 404, 404),
    "GET api/conversations": row(200, 200, 200),
    "GET api/conversations/<uuid:conversation_id>": row(404, 200, 404),
    "PATCH api/conversations/<uuid:conversation_id>": row(404, 200, 404),
    "DELETE api/conversations/<uuid:conversation_id>": row(404, 204, 404),
    "DELETE api/conversations/<uuid:conversation_id>/guest": row(404, 204, 404),
    # Of a GPT in the store the card is for everyone, see tests/web/a2a/test_cards.py.
    "GET a2a/<slug:slug>/.well-known/agent-card.json": {**dict.fromkeys(CALLERS, 404), "bob": 200, "alice": 200},
    "POST a2a/<slug:slug>": row(404, 200, 200),
}
OPERATION = {"name": "listParts", "method": "GET", "path": "/parts"}
BODIES = {
    "v1/chat/completions": {"model": "pump-doctor", "messages": [{"role": "user", "content": "Hello"}]},
    "api/gpts": {"name": "New"},
    "api/gpts/<slug>": {"description": "Changed"},
    "api/gpts/<slug>/files/<uuid:file_id>/decide": {"decisions": {"3f9a0c1b2d4e": "drop"}},
    "api/gpts/<slug>/knowledge/ask": {"question": "Which seal?"},
    "api/gpts/<slug>/actions": {"document": "openapi: 3.1.0"},
    "api/gpts/<slug>/actions/preview": {"document": "openapi: 3.1.0"},
    "api/gpts/<slug>/actions/<uuid:service_id>": {"name": "Changed"},
    "api/gpts/<slug>/actions/<uuid:service_id>/auth": {"kind": "bearer", "secret": "another-key"},
    "api/gpts/<slug>/actions/<uuid:service_id>/test": {"operation": "listParts"},
    "api/gpts/<slug>/mcp-servers": {"url": "https://mcp.example.org/mcp"},
    "api/gpts/<slug>/mcp-servers/<uuid:service_id>": {"trusted": True},
    "api/gpts/<slug>/mcp-servers/<uuid:service_id>/auth": {"kind": "bearer", "secret": "another-key"},
    "POST api/gpts/<slug>/delegates": {"gpt": "stock-clerk"},
    "PUT api/gpts/<slug>/delegates": [{"gpt": "stock-clerk", "when": "Prices"}],
    "api/gpts/<slug>/delegates/<delegate>": {"when": "Prices"},
    "api/gpts/<slug>/agents": {"card_url": "https://agents.example.org"},
    "api/gpts/<slug>/agents/<uuid:service_id>": {"when": "For parts."},
    "api/gpts/<slug>/agents/<uuid:service_id>/auth": {"kind": "bearer", "secret": "another-key"},
    "api/gpts/<slug>/runs": {"text": "Hello"},
    "api/runs/<uuid:run_id>/approve": {"call_id": "call_0", "allowed": True},
    "api/runs/<uuid:run_id>/creator-question": {"text": "Which seal?"},
    "api/gpts/<slug>/questions/<uuid:question_id>": {"answer": "ZP-771."},
    "api/conversations/<uuid:conversation_id>": {"title": "Changed"},
}


DOORS = [*api_patterns, *a2a_patterns]


def routes(patterns: list[URLPattern | URLResolver] = DOORS, before: str = "") -> Iterator[str]:
    """Yield "METHOD route" for each operation of the machine door."""
    for pattern in patterns:
        route = (before + str(pattern.pattern)).replace("<uuidstr:", "<uuid:")  # ninja's own converter
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif pattern.name != "api_nowhere":  # it answers 404 to everyone, see test_errors
            yield from (f"{method} {route}" for method in methods_of(pattern, route))


def methods_of(pattern: URLPattern, route: str) -> list[str]:
    """The methods that the view takes, in its own words of refusal."""
    path = (
        re.sub("<uuid:[^>]*>", str(uuid4()), route)
        .replace("<slug:slug>", "x")
        .replace("<int:number>", "1")
        .replace("<int:page>", "1")
        .replace("<int:permission_id>", "1")
    )
    response = Client().trace(f"/{path}")
    assert response.status_code == 405
    return [method for method in response.headers["Allow"].split(", ") if method != "HEAD"]


@dataclass
class Scene:
    """One GPT, one file, one run, and a client for each caller."""

    clients: dict[str, Client]
    values: dict[str, str]


@pytest.fixture
def scene(gpt, alice, bob, charlie, settings) -> Scene:
    open_link(bob, set_sharing(gpt, "link").link_secret)
    gpt.a2a = True
    gpt.save()
    file = KnowledgeFile.objects.create(gpt=gpt, name="a.txt", sha256="0" * 64, size=1)
    run = start_run(start_conversation(bob, gpt), "Hello")
    other = start_run(start_conversation(bob, gpt), "Hello")
    question = CreatorQuestion.objects.create(gpt=gpt, owner=bob, message=other.message, text="Which seal?")
    settings.MAX_ACTIVE_RUNS = 0
    action = Action.objects.create(gpt=gpt, name="Parts", base_url="https://api.example.org", operations=[OPERATION])
    SignIn.objects.create(user=bob, action=action, host="api.example.org")
    server = McpServerRow.objects.create(gpt=gpt, name="Notes", url="https://mcp.example.org/mcp")
    add(gpt, create_gpt(alice, {"name": "Price Clerk"}).slug)
    create_gpt(alice, {"name": "Stock Clerk"})
    url = "https://agents.example.org/a2a"
    agent = RemoteAgentRow.objects.create(gpt=gpt, name="Clerk", card_url=url, url=url)
    values = {
        "<delegate>": "price-clerk",
        "<slug>": gpt.slug,
        "<slug:slug>": gpt.slug,
        "<model>": gpt.slug,
        "<int:number>": "1",
        "<int:page>": "1",
        "<uuid:file_id>": str(file.id),
        "<uuid:action_id>": str(action.id),
        "actions/<uuid:service_id>": f"actions/{action.id}",
        "mcp-servers/<uuid:service_id>": f"mcp-servers/{server.id}",
        "agents/<uuid:service_id>": f"agents/{agent.id}",
        "<uuid:run_id>": str(run.id),
        "<uuid:question_id>": str(question.id),
        "<uuid:conversation_id>": str(run.message.conversation_id),
        "<uuid:attachment_id>": str(attach(bob, "sales.csv", [b"a,b"]).id),
        "<int:permission_id>": str(Permission.objects.create(user=bob, gpt=gpt, tool="reserve").id),
    }
    keys = {"alice": key_of(alice), "bob": key_of(bob), "charlie": key_of(charlie)}
    keys |= {"revoked": revoked_key_of(alice), "expired": expired_key_of(alice)}
    return Scene({"anonymous": Client(), **{name: bearer(key) for name, key in keys.items()}}, values)


def test_every_route_has_a_row_and_every_row_a_route():
    assert sorted(EXPECTED) == sorted(set(routes()))  # ninja lists an address once per method


@pytest.mark.django_db(transaction=True)  # asynchronous views ask the database from threads of their own
@pytest.mark.parametrize("operation", EXPECTED)
def test_access(scene, operation):
    """Who is refused goes first, while nothing has been changed yet."""
    expected = EXPECTED[operation]
    callers = sorted(CALLERS, key=lambda caller: -expected[caller])
    assert {caller: request(scene, operation, caller).status_code for caller in callers} == expected


def request(scene: Scene, operation: str, caller: str):
    method, route = operation.split()
    path = route
    for place, value in scene.values.items():
        path = path.replace(place, value)
    client = scene.clients[caller]
    if route.endswith(("/files", "/replace", "/attachments")) and method == "POST":
        return client.post(f"/{path}", {"file": SimpleUploadedFile("b.txt", b"text")})
    body = json.dumps(BODIES.get(operation, BODIES.get(route, {}))) if method in ("POST", "PUT", "PATCH") else ""
    return client.generic(method, f"/{path}", body, content_type="application/json")


@pytest.mark.django_db
def test_a_key_of_someone_who_was_deactivated_opens_nothing(scene, bob):
    bob.is_active = False
    bob.save()
    assert request(scene, "GET v1/models", "bob").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_an_unknown_id_is_not_found_for_alice(scene, alice):
    scene.clients["alice"] = bearer(key_of(alice, may_approve=True))
    for place in scene.values:
        folder, parameter, _ = place.partition("<uuid:")
        if parameter:
            scene.values[place] = f"{folder}{uuid4()}"
    operations = [operation for operation in EXPECTED if "<uuid:" in operation]
    assert {request(scene, operation, "alice").status_code for operation in operations} == {404}


class TestSessions:
    """A browser's session opens /api, writes only with its CSRF token; it never opens /v1."""

    @pytest.fixture
    def browser(self, alice) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        return client

    def test_reading_needs_only_the_session(self, browser):
        assert browser.get("/api/gpts").status_code == 200

    def test_writing_without_the_token_is_refused(self, browser):
        response = browser.post("/api/gpts", {"name": "New"}, content_type="application/json")
        assert (response.status_code, response.json()["error"]["code"]) == (403, "csrf")

    def test_writing_with_the_token_works(self, browser):
        token = browser.cookies["csrftoken"] = _get_new_csrf_string()
        headers = {"X-CSRFToken": token}
        response = browser.post("/api/gpts", {"name": "New"}, content_type="application/json", headers=headers)
        assert response.status_code == 201

    def test_a_bad_key_is_not_helped_by_a_session(self, browser):
        assert browser.get("/api/gpts", headers={"Authorization": "Bearer gh_wrong"}).status_code == 401

    def test_it_does_not_open_v1(self, browser):
        assert browser.get("/v1/models").status_code == 401
