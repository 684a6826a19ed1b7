"""Programs that sign in with OAuth: the official client against a live site, and what others may try."""

import asyncio
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import httpx2
import pytest
from django.test import Client as Browser
from django.utils import timezone
from mcp.client import Client
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from tests.web.api.conftest import ANSWER, key_of
from tests.web.mcp.conftest import TOOL
from web import rpc
from web.accounts import grants
from web.accounts.models import Grant, GrantToken, Program
from web.mcp import oauth_documents

BACK = "http://127.0.0.1:33418/callback"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


class Memory:
    """Keeps what the client learns."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.program: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.program

    async def set_client_info(self, info: Any) -> None:
        self.program = info


class Desktop:
    """A program with the SDK's OAuth client, whose person clicks Allow in the browser where they are signed in."""

    def __init__(self, url: str, person: Any, redirect: str = BACK) -> None:
        self.url, self.memory, self.redirect, self.n_asked = url, Memory(), redirect, 0
        self._person, self._back = person, ""

    async def _open(self, url: str) -> None:
        self.n_asked += 1
        self._back = await asyncio.to_thread(self._click, url)

    def _click(self, url: str) -> str:
        session = Browser()
        session.force_login(self._person)
        with httpx.Client(cookies={"sessionid": session.cookies["sessionid"].value}) as browser:
            page = browser.get(url).raise_for_status()
            fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page.text))
            origin = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
            sent = browser.post(f"{origin}/authorize", data={**fields, "decision": "allow"})
            assert sent.status_code == 302, sent.text
            return sent.headers["Location"]

    async def _returned(self) -> AuthorizationCodeResult:
        sent = {name: values[0] for name, values in parse_qs(urlsplit(self._back).query).items()}
        return AuthorizationCodeResult.model_validate(sent)

    def run(self, talk: Callable[[Client], Any]) -> Any:
        """What `talk` gives, which gets a connected client."""

        async def go() -> Any:
            metadata = OAuthClientMetadata(client_name="Claude", redirect_uris=[self.redirect])
            self.auth = OAuthClientProvider(f"{self.url}/mcp", metadata, self.memory, self._open, self._returned)
            http = httpx2.AsyncClient(auth=self.auth, timeout=30)
            async with http, Client(streamable_http_client(f"{self.url}/mcp", http_client=http)) as client:
                return await asyncio.wait_for(talk(client), 30)

        return asyncio.run(go())

    def tools(self) -> list[str]:
        """The names of the tools that it sees."""
        return [tool.name for tool in self.run(lambda client: client.list_tools()).tools]


@pytest.fixture
def desktop(live, gpt, bob) -> Desktop:
    return Desktop(live, bob)


def test_the_official_client_signs_in_asks_a_gpt_refreshes_and_is_disconnected(desktop, bob, worker, meanwhile):
    meanwhile(worker.answer)
    result = desktop.run(lambda client: client.call_tool(TOOL, {"question": "Which seal?"}))
    assert result.structured_content["answer"] == ANSWER
    granted = Grant.objects.get()
    assert (granted.user, granted.program.name, desktop.n_asked) == (bob, "Claude", 1)
    first = desktop.memory.tokens
    assert (first.scope, first.expires_in) == ("chat", 3600)
    assert desktop.tools() == [TOOL]  # with the token that it kept

    async def an_hour_later(client: Client) -> None:
        desktop.auth.context.token_expiry_time = 1
        assert (await client.list_tools()).tools[0].name == TOOL

    desktop.run(an_hour_later)
    assert desktop.n_asked == 1  # it refreshed
    assert desktop.memory.tokens.refresh_token != first.refresh_token
    session = Browser()
    session.force_login(bob)
    assert b"Claude" in session.get("/account/keys/").content
    session.post(f"/account/programs/{granted.id}/disconnect")
    assert not GrantToken.objects.exists()
    assert desktop.tools() == [TOOL]
    assert desktop.n_asked == 2  # it had to ask again


def test_a_site_is_reached_by_every_name_that_operators_allow(live, gpt, bob):
    other = Desktop(live.replace("127.0.0.1", "localhost"), bob)
    assert other.tools() == [TOOL]
    assert Grant.objects.get().resource == f"{other.url}/mcp"


def test_a_token_opens_the_mcp_server_alone_and_ends_with_its_person_or_password(desktop, live, bob, gpt):
    desktop.tools()
    headers = {"Authorization": f"Bearer {desktop.memory.tokens.access_token}"}
    for path in ("/v1/models", "/api/gpts", "/a2a/pump-doctor", "/api/usage"):
        assert httpx.get(live + path, headers=headers).status_code in (401, 404, 405), path
    assert httpx.post(f"{live}/v1/chat/completions", json={}, headers=headers).status_code == 401
    refused = httpx.post(f"{live}/mcp", headers={"Authorization": "Bearer gh_access_no"})
    assert refused.headers["WWW-Authenticate"] == (
        f'Bearer resource_metadata="{live}/.well-known/oauth-protected-resource/mcp", scope="chat",'
        ' error="invalid_token"'
    )
    secret = desktop.memory.tokens.access_token
    bob.is_active = False
    bob.save()
    assert grants.access(secret) is None
    assert grants.token("refresh", desktop.memory.tokens.refresh_token) is None
    bob.is_active = True
    bob.save()
    assert grants.access(secret)
    bob.set_password("another-secret-1")
    assert not Grant.objects.exists()


@pytest.fixture
def program(db) -> Program:
    """A program that registered itself."""
    return grants.register("p-1", {"client_name": "Editor", "redirect_uris": [BACK, "https://app.example/back"]})


def request_of(**changed: str | None) -> str:
    asked = {
        "response_type": "code",
        "client_id": "p-1",
        "redirect_uri": BACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s&1",
        "scope": "chat",
        "resource": "http://testserver/mcp",
        **changed,
    }
    return "/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})


@pytest.fixture
def browser(bob) -> Browser:
    session = Browser()
    session.force_login(bob)
    return session


def decided(browser: Browser, decision: str = "allow", **changed: str) -> dict[str, str]:
    """What the program is told after the person decided."""
    page = browser.get(request_of(**changed))
    assert page.status_code == 200, page.content
    signed = re.search(r'name="request" value="([^"]+)"', page.content.decode())[1]
    back = browser.post("/authorize", {"request": signed, "decision": decision})["Location"]
    assert back.startswith(changed.get("redirect_uri", BACK))
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def tokens(browser: Browser, **fields: str) -> Any:
    """The response of the token endpoint."""
    sent = {"grant_type": "authorization_code", "client_id": "p-1", "redirect_uri": BACK, "code_verifier": VERIFIER}
    body = urlencode({**sent, **fields})
    return browser.post("/token", body, content_type="application/x-www-form-urlencoded")


def test_the_person_is_asked_by_a_page_that_says_where_they_return(browser, program):
    page = browser.get(request_of())
    text = page.content.decode()
    assert "Editor" in text
    assert "a program on this computer" in text
    assert "127.0.0.1:33418" in text
    assert "form-action 'self' http://127.0.0.1:33418" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]
    assert "/account/login/" in Browser().get(request_of())["Location"]
    assert decided(browser, "cancel") == {"error": "access_denied", "state": "s&1", "iss": "http://testserver"}
    assert Browser(enforce_csrf_checks=True).post("/authorize").status_code == 403
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": "https://evil.example/"},
        {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": "http://127.0.0.1:33418/other"},
        {"redirect_uri": "http://127.0.0.1:33418@evil.example/callback"},
        {"redirect_uri": "https://app.example/back/../other"},
        {"redirect_uri": "https://app.example:444/back"},
        {"redirect_uri": None},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_programs(browser, program, changed):
    page = browser.get(request_of(**changed))
    assert page.status_code == 400
    assert "Location" not in page
    assert "Can’t connect this program" in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"resource": "http://testserver/v1"}, "invalid_target"),
        ({"resource": "https://other.example/mcp"}, "invalid_target"),
    ],
)
def test_other_mistakes_are_told_to_the_program_once_the_person_has_connected_it(browser, program, changed, error):
    stopped = browser.get(request_of(**changed))  # a link of a stranger who registered a program goes nowhere
    assert (stopped.status_code, "Location" in stopped) == (400, False)
    assert "Can’t connect this program" in stopped.content.decode()
    tokens(browser, code=decided(browser)["code"])
    back = browser.get(request_of(**changed))
    told = parse_qs(urlsplit(back["Location"]).query)
    assert back["Location"].startswith(BACK)
    assert (told["error"], told["state"], told["iss"]) == ([error], ["s&1"], ["http://testserver"])


def test_a_code_works_once_with_its_verifier_and_a_second_use_ends_the_grant(browser, program):
    sent = decided(browser, redirect_uri="http://127.0.0.1:5000/callback")  # any port of the computer itself
    code = {"code": sent["code"], "redirect_uri": "http://127.0.0.1:5000/callback"}
    for wrong in ({"code_verifier": "x" * 64}, {"redirect_uri": BACK}, {"client_id": "p-2"}, {"code": "no"}):
        assert tokens(browser, **{**code, **wrong}).status_code in (400, 401)
    assert tokens(browser, **code, resource="http://testserver/v1").json()["error"] == "invalid_target"
    given = tokens(browser, **code, resource="http://testserver/mcp")
    assert given["Cache-Control"] == "no-store"
    assert given.json()["token_type"] == "Bearer"
    assert tokens(browser, **code).json()["error"] == "invalid_grant"
    assert Grant.objects.exists()  # a retry
    GrantToken.objects.filter(kind="code").update(used=timezone.now() - timedelta(minutes=1))
    assert tokens(browser, **code).json()["error"] == "invalid_grant"
    assert not Grant.objects.exists()
    assert grants.access(given.json()["access_token"]) is None


def test_a_refresh_token_rotates_and_a_stolen_one_ends_the_grant(browser, program):
    first = tokens(browser, code=decided(browser)["code"]).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = tokens(browser, **refresh).json()
    assert grants.access(first["access_token"]) is None
    assert grants.access(second["access_token"])
    grants.register("p-2", {"client_name": "Other", "redirect_uris": [BACK]})
    others = {**refresh, "refresh_token": second["refresh_token"], "client_id": "p-2"}
    assert tokens(browser, **others).json()["error"] == "invalid_grant"
    GrantToken.objects.filter(kind="refresh", used__isnull=False).update(used=timezone.now() - timedelta(minutes=1))
    assert tokens(browser, **refresh).json()["error"] == "invalid_grant"
    assert grants.access(second["access_token"]) is None


def test_a_program_that_says_it_is_done_is_disconnected(browser, program):
    given = tokens(browser, code=decided(browser)["code"]).json()
    body = urlencode({"token": given["refresh_token"], "client_id": "p-2"})
    form = "application/x-www-form-urlencoded"
    browser.post("/revoke", body, content_type=form)
    assert Grant.objects.exists()
    assert browser.post("/revoke", body.replace("p-2", "p-1"), content_type=form).status_code == 200
    assert not Grant.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "a=" + "b" * 100, "grant_type=password&client_id=p-1"])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "application/json"])
def test_nonsense_at_the_token_endpoints_is_an_error_of_the_program(client, program, body, kind):
    for path in ("token", "revoke", "register"):
        assert client.post(f"/{path}", body, content_type=kind).status_code in (400, 401), path


def registered(client: Any, *uris: str, **fields: Any) -> Any:
    body = {"client_name": "Tool\u202e\n x", "redirect_uris": list(uris), **fields}
    return client.post("/register", body, content_type="application/json")


def test_programs_register_as_public_clients_with_safe_addresses(client, db):
    given = registered(client, BACK, "cursor://anysphere.cursor/callback", "http://[::1]:80/x", scope="openid admin")
    assert given.status_code == 201
    told = given.json()
    assert (told["token_endpoint_auth_method"], told["scope"], told["client_name"]) == ("none", "chat", "Tool x")
    assert "client_secret" not in told
    unsafe = (
        "http://evil.example/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://*.example/x",
        "https://a;script-src/x",
        "https://a/x#y",
    )
    for uri in (*unsafe, "https://user@app.example/x", "http://127.0.0.1.evil.example/x", "https://a/" + "x" * 600):
        assert registered(client, uri).status_code == 400, uri
    assert registered(client).status_code == 400
    assert registered(client, *[BACK] * 11).status_code == 400


@pytest.mark.usefixtures("with_valkey")
def test_registrations_and_questions_are_limited_by_address(client, browser, program, settings):
    settings.SIGN_INS_A_MINUTE = 2
    assert [registered(client, BACK).status_code for _ in range(3)] == [201, 201, 429]
    assert browser.get(request_of()).status_code == 429


def test_a_flood_of_programs_displaces_only_those_that_nobody_uses(client, browser, program, monkeypatch):
    decided(browser)
    monkeypatch.setattr(grants, "MAX_UNUSED", 3)
    for _ in range(6):
        assert registered(client, BACK).status_code == 201
    assert Program.objects.count() == 4
    assert Program.objects.filter(id="p-1").exists()
    Program.objects.update(read=timezone.now() - timedelta(days=31))
    GrantToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    grants.forget_grants()
    assert not Program.objects.exists()


def test_more_programs_than_a_person_may_have_keys_are_refused_on_the_page(browser, program, settings, bob):
    settings.MAX_KEYS_PER_PERSON = 1
    key_of(bob)
    page = browser.get(request_of())
    signed = re.search(r'name="request" value="([^"]+)"', page.content.decode())[1]
    refused = browser.post("/authorize", {"request": signed, "decision": "allow"})
    assert refused.status_code == 409
    assert "limit of 1 API keys" in refused.content.decode()
    assert browser.post("/authorize", {"request": signed + "x", "decision": "allow"}).status_code == 400


URL = "https://app.example/oauth/client.json"


def test_the_document_at_a_programs_address_describes_it(browser, monkeypatch):
    said = {"client_id": URL, "client_name": "App", "redirect_uris": ["https://app.example/back"]}
    found = {"document": json.dumps(said)}
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(rpc, "call_for", lambda *args, **options: asked.append(args) or dict(found))
    ours = {"client_id": URL, "redirect_uri": "https://app.example/back"}
    Browser().get(request_of(**ours))
    assert asked == []  # nobody is signed in: nothing is fetched
    assert "app.example describes the program" in browser.get(request_of(**ours)).content.decode()
    assert decided(browser, **ours)["code"]
    assert len(asked) == 1  # it is kept for a while
    Program.objects.update(read=timezone.now() - oauth_documents.FRESH_FOR)
    found["document"] = found["document"].replace("https://app.example/back", "https://app.example/new")
    assert browser.get(request_of(**ours)).status_code == 400
    for wrong in ('{"client_id": "https://evil.example/x"}', "[1]", "{", json.dumps({"client_id": URL}), "[" * 9_000):
        Program.objects.all().delete()
        found["document"] = wrong
        assert browser.get(request_of(**ours)).status_code == 400


@pytest.mark.parametrize(
    "url",
    ["http://a.example/x", "https://a.example", "https://a.example/", "https://a.example/x/../y", "https://[x/y"],
)
def test_only_plain_https_addresses_are_documents(url):
    assert not oauth_documents.is_document(url)


def test_the_metadata_is_that_of_the_specification(client, settings):
    resource = client.get("/.well-known/oauth-protected-resource/mcp")
    assert resource.json() == client.get("/.well-known/oauth-protected-resource").json()
    assert resource.json()["resource"] == "http://testserver/mcp"
    assert resource.json()["authorization_servers"] == ["http://testserver"]
    assert resource["Access-Control-Allow-Origin"] == "*"
    server = client.get("/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == "http://testserver"
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["authorization_response_iss_parameter_supported"]
    settings.SITE_URL = "https://testserver"  # a proxy may not say so
    assert client.get("/.well-known/oauth-authorization-server").json()["issuer"] == "https://testserver"
