"""People sign in at an action's service: one of the test's own on loopback, with everybody's hostile variations."""

import base64
import hashlib
import html
import json
import re
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.db import close_old_connections
from django.template.loader import render_to_string
from django.test import Client

from gpts.runs.steps import ApprovalRequest
from gpts.spec.actions import Operation, host_of
from tests.publishing import publish
from web import rpc
from web.builder import auth, sign_ins
from web.builder.auth import AuthSetting
from web.builder.models_actions import Action, SignIn
from web.builder.services import set_sharing
from web.chat.approvals import card
from workers.egress import EgressConfig
from workers.rpc import sign_ins as lending
from workers.tools import SignInNeeded, ToolError

CLIENT_SECRET = "client-secret-123"


@dataclass
class Provider:
    """An authorization server that takes each code and each refresh token once."""

    url: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)
    n_renewals: int = 0
    lasts: int = 3600
    broken: bool = False

    @property
    def egress(self) -> EgressConfig:
        """What opens the server, on loopback."""
        return EgressConfig(allow=(self.url.removeprefix("http://"),))

    def authorize(self, url: str) -> dict[str, str]:
        """What a person who consents sends back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = secrets.token_hex(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.broken or form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client", "error_description": CLIENT_SECRET}
        if form["grant_type"] == "authorization_code":
            return self._first(form)
        if form["refresh_token"] not in self.refresh:
            return 400, {"error": "invalid_grant"}
        self.refresh.remove(form["refresh_token"])
        self.n_renewals += 1
        return 200, self._tokens()

    def _first(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not asked or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, self._tokens()

    def _tokens(self) -> dict[str, Any]:
        refresh = secrets.token_hex(8)
        self.refresh.add(refresh)
        token = f"access-{secrets.token_hex(8)}"
        return {"access_token": token, "refresh_token": refresh, "token_type": "Bearer", "expires_in": self.lasts}


@pytest.fixture
def provider() -> Iterator[Provider]:
    served = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if self.path == "/revoke":
                served.revoked.append(form["token"])
                status, told = 200, {}
            else:
                status, told = served.token(form)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"127.0.0.1:{server.server_address[1]}"
    served.url = f"http://{address}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def action(gpt, provider, monkeypatch) -> Action:
    """An action of the published GPT at which each person signs in."""

    def ask(task: str, *args: str, **_: Any) -> dict[str, Any]:
        work = {"exchange_code": lending.exchange_code, "revoke_sign_in": lending.revoke}[task.split(".")[-1]]
        return work(int(args[0]), provider.egress)

    monkeypatch.setattr(rpc, "call", ask)
    operations = [Operation(name=name, method="GET", path="/").model_dump(mode="json") for name in ("list", "read")]
    row = Action.objects.create(
        gpt=gpt,
        name="CRM",
        base_url="https://crm.example",
        operations=operations,
        privacy_url="https://crm.example/p",
    )
    choice = AuthSetting(
        "oauth",
        CLIENT_SECRET,
        client_id="guildhall",
        authorize_url=f"{provider.url}/authorize?tenant=1",
        token_url=f"{provider.url}/token",
        revoke_url=f"{provider.url}/revoke",
        scope="read write",
    )
    auth.set_auth(row, choice, by=row.gpt.owner)
    publish(gpt)
    return row


def browser(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def begin(client: Client, action: Action, **query: str) -> str:
    """The service's URL, from the page that names its hosts: they are not the API's."""
    response = client.get(f"/actions/{action.id}/sign-in", query)
    assert response.status_code == 200
    return html.unescape(re.search(r'href="([^"]+)">Continue to', response.content.decode())[1])


def come_back(client: Client, action: Action, answer: dict[str, str]):
    return client.get(f"/actions/{action.id}/callback", answer)


def said(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def signed_in(user, action: Action, provider: Provider) -> Client:
    client = browser(user)
    response = come_back(client, action, provider.authorize(begin(client, action)))
    assert "Signed in to crm.example" in said(response)
    return client


def token(action: Action, user, host: str = "crm.example") -> str:
    egress = EgressConfig(allow=(host_of(action.oauth["token_url"]),))
    return (
        lending.find_credential(egress, str(action.id), user.pk, host)
        .headers["Authorization"]
        .removeprefix("Bearer ")
    )


def test_the_way_there_carries_state_and_challenge(bob, action, provider):
    url = begin(browser(bob), action)
    asked = dict(parse_qsl(urlsplit(url).query))
    assert url.startswith(f"{provider.url}/authorize?tenant=1&")
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", "guildhall", "read write")
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == sign_ins.redirect_uri(action)
    assert len(asked["state"]) >= 40
    assert CLIENT_SECRET not in url


def test_every_host_of_a_sign_in_is_named_before_the_person_goes_there(bob, action, run):
    """The creator's token URL gets codes and could keep the access: the API's host alone says nothing about it."""
    fields = {**action.oauth, "authorize_url": "https://id.example/go", "token_url": "https://evil.example/t"}
    auth.set_auth(action, AuthSetting("oauth", CLIENT_SECRET, **(fields | {"revoke_url": ""})), by=action.gpt.owner)

    page = browser(bob).get(f"/actions/{action.id}/sign-in").content.decode()
    request = ApprovalRequest(call_id="c", digest="d", name="list", sign_in="crm.example")
    shown = card(run, action.gpt.draft_spec(), request)

    assert [page.index(f"<b>{host}</b>") for host in ("id.example", "evil.example", "crm.example")]
    assert "Continue to id.example" in page
    assert shown.others == ("id.example", "evil.example")
    assert "<b>id.example</b> and <b>evil.example</b>" in render_to_string("chat/approval.html", {"card": shown})
    fields |= {"authorize_url": "https://crm.example/go", "token_url": "https://crm.example/t", "revoke_url": ""}
    auth.set_auth(action, AuthSetting("oauth", CLIENT_SECRET, **fields), by=action.gpt.owner)
    assert browser(bob).get(f"/actions/{action.id}/sign-in").url.startswith("https://crm.example/go?")
    assert card(run, action.gpt.draft_spec(), request).others == ()


def test_a_code_is_not_sent_to_a_host_that_was_changed_meanwhile(bob, action, provider):
    client = browser(bob)
    answer = provider.authorize(begin(client, action))
    auth.set_auth(
        action,
        AuthSetting("oauth", CLIENT_SECRET, **(action.oauth | {"token_url": f"{provider.url}/evil"})),
        by=action.gpt.owner,
    )

    assert "changed this service meanwhile" in said(come_back(client, action, answer))
    assert provider.codes  # nobody has seen the code
    assert not SignIn.objects.exclude(sealed="").exists()


def test_the_client_secret_stays_with_the_hosts_that_it_was_entered_for(action, provider):
    auth.set_auth(action, AuthSetting("oauth", **(action.oauth | {"scope": "read"})), by=action.gpt.owner)
    assert action.open_secret() == CLIENT_SECRET
    auth.set_auth(
        action,
        AuthSetting("oauth", **(action.oauth | {"token_url": "https://evil.example/token"})),
        by=action.gpt.owner,
    )
    assert action.open_secret() == ""


def test_a_person_signs_in_and_only_that_person_s_runs_have_the_token(bob, charlie, alice, action, provider):
    spec = action.gpt.draft_spec()
    assert sign_ins.sign_in_needed(spec, bob) == {"list": "crm.example", "read": "crm.example"}
    signed_in(bob, action, provider)
    assert sign_ins.sign_in_needed(spec, bob) == {}
    assert token(action, bob).startswith("access-")
    for other in (charlie, alice):
        assert sign_ins.sign_in_needed(spec, other) == {"list": "crm.example", "read": "crm.example"}
        with pytest.raises(SignInNeeded):
            token(action, other)


def test_tokens_lie_sealed_and_open_for_nobody_else(bob, charlie, action, provider):
    signed_in(bob, action, provider)
    row = SignIn.objects.get()
    assert token(action, bob) not in str(SignIn.objects.values().get())
    SignIn.objects.create(user=charlie, action=action, host=row.host, sealed=row.sealed)
    with pytest.raises(SignInNeeded):
        token(action, charlie)


def test_one_comes_back_to_the_page_of_this_site(bob, action, provider):
    for wanted, leads_to in (
        ("/c/1/", "/c/1/"),
        ("https://evil.example/", "/g/pump-doctor/"),
        ("//evil.example", "/g/pump-doctor/"),
    ):
        client = browser(bob)
        response = come_back(client, action, provider.authorize(begin(client, action, next=wanted)))
        assert response.url == leads_to


@pytest.mark.parametrize("state", ["", "guessed"])
def test_a_wrong_state_signs_nobody_in(bob, action, provider, state):
    client = browser(bob)
    answer = provider.authorize(begin(client, action)) | {"state": state}
    assert "began in another browser" in said(come_back(client, action, answer))
    assert not SignIn.objects.exists()


def test_an_answer_counts_once(bob, action, provider):
    client = browser(bob)
    answer = provider.authorize(begin(client, action))
    come_back(client, action, answer)
    first = SignIn.objects.get().sealed
    assert "began in another browser" in said(come_back(client, action, answer))
    assert SignIn.objects.get().sealed == first


def test_another_person_s_answer_is_refused(bob, charlie, action, provider):
    """The attacker signs in as themselves and gives the victim the address to come back to."""
    answer = provider.authorize(begin(browser(charlie), action))
    victim = browser(bob)
    begin(victim, action)
    assert "began in another browser" in said(come_back(victim, action, answer))
    assert not SignIn.objects.exists()


def test_one_who_signs_out_here_and_in_as_another_begins_anew(bob, charlie, action, provider):
    client = browser(bob)
    answer = provider.authorize(begin(client, action))
    client.force_login(charlie)
    assert "began in another browser" in said(come_back(client, action, answer))
    assert not SignIn.objects.exists()


def test_one_service_s_answer_is_not_taken_for_another_s(bob, action, provider):
    """A mix-up: the answer for one action comes back at the address of another."""
    other = Action.objects.create(gpt=action.gpt, name="Other", base_url="https://other.example", auth="oauth",
                                  oauth=action.oauth)  # fmt: skip
    client = browser(bob)
    answer = provider.authorize(begin(client, action))
    assert "began in another browser" in said(come_back(client, other, answer))
    assert not SignIn.objects.exists()


def test_a_late_answer_is_refused(bob, action, provider, monkeypatch):
    client = browser(bob)
    answer = provider.authorize(begin(client, action))
    monkeypatch.setattr("web.chat.views_sign_in.PENDING_S", -1)
    assert "began in another browser" in said(come_back(client, action, answer))


def test_a_stolen_code_is_worthless_without_the_verifier(bob, charlie, action, provider):
    stolen = provider.authorize(begin(browser(bob), action))["code"]
    thief = browser(charlie)
    state = dict(parse_qsl(urlsplit(begin(thief, action)).query))["state"]
    assert "rejected the sign-in" in said(come_back(thief, action, {"code": stolen, "state": state}))
    with pytest.raises(SignInNeeded):
        token(action, charlie)


def test_who_declines_is_not_signed_in(bob, action, provider):
    client = browser(bob)
    state = provider.authorize(begin(client, action))["state"]
    assert "didn’t sign in" in said(come_back(client, action, {"error": "access_denied", "state": state}))


def test_what_a_broken_service_says_is_not_repeated(bob, action, provider):
    provider.broken = True
    client = browser(bob)
    told = said(come_back(client, action, provider.authorize(begin(client, action))))
    assert "rejected the sign-in (status 401)" in told
    assert CLIENT_SECRET not in told


def test_who_may_not_chat_may_not_sign_in(bob, alice, action):
    set_sharing(action.gpt, "me", by=action.gpt.owner)
    assert browser(bob).get(f"/actions/{action.id}/sign-in").status_code == 404
    assert browser(bob).get(f"/actions/{action.id}/callback").status_code == 404
    assert browser(alice).get(f"/actions/{action.id}/sign-in").status_code == 200
    assert Client().get(f"/actions/{action.id}/sign-in").url.startswith("/account/login/")


def test_another_site_cannot_begin_a_sign_in(bob, action):
    response = browser(bob).get(f"/actions/{action.id}/sign-in", headers={"Sec-Fetch-Site": "cross-site"})
    assert response.url == "/g/pump-doctor/"


def test_a_token_is_for_the_host_that_it_was_given_for(bob, action, provider):
    signed_in(bob, action, provider)
    with pytest.raises(SignInNeeded):
        token(action, bob, "evil.example")
    action.base_url = "https://evil.example"
    action.save()
    assert sign_ins.sign_in_needed(action.gpt.draft_spec(), bob) == {"list": "evil.example", "read": "evil.example"}


def test_another_client_or_service_ends_every_sign_in(bob, action, provider):
    signed_in(bob, action, provider)
    auth.set_auth(
        action,
        AuthSetting(**{"kind": "oauth", **action.oauth, "token_url": "https://evil.example/token"}),
        by=action.gpt.owner,
    )
    assert not SignIn.objects.exists()


class TestRenewal:
    """Tokens that are about to end."""

    @pytest.fixture
    def ending(self, bob, action, provider) -> None:
        provider.lasts = 1
        signed_in(bob, action, provider)
        provider.lasts = 3600

    def test_they_are_renewed_in_time(self, bob, action, provider, ending):
        first = token(action, bob)
        assert token(action, bob) == first
        assert provider.n_renewals == 1

    def test_one_that_cannot_be_renewed_asks_anew(self, bob, action, provider, ending):
        provider.refresh.clear()
        with pytest.raises(SignInNeeded):
            token(action, bob)
        assert sign_ins.sign_in_needed(action.gpt.draft_spec(), bob)

    def test_a_service_that_is_down_ends_no_sign_in(self, bob, action, provider, ending, monkeypatch):
        monkeypatch.setattr(provider, "token", lambda form: (503, {}))
        with pytest.raises(ToolError, match="Try again later"):
            token(action, bob)
        assert SignIn.objects.get().sealed


@pytest.mark.django_db(transaction=True)
def test_side_by_side_calls_renew_once(bob, action, provider):
    provider.lasts = 1
    signed_in(bob, action, provider)
    provider.lasts = 3600

    def call(_: int) -> str:
        try:
            return token(action, bob)
        finally:
            close_old_connections()

    with ThreadPoolExecutor(4) as pool:
        tokens = set(pool.map(call, range(4)))
    assert len(tokens) == 1
    assert provider.n_renewals == 1


def test_signing_out_revokes_and_forgets(bob, charlie, action, provider):
    client = signed_in(bob, action, provider)
    out = f"/actions/{action.id}/sign-out"
    assert browser(charlie).post(out).status_code == 404
    assert out in client.get("/permissions/").text
    assert out not in browser(charlie).get("/permissions/").text
    assert client.post(out).headers["Location"] == "/permissions/"
    assert out not in client.get("/permissions/").text
    assert len(provider.revoked) == 1
    assert not SignIn.objects.exists()
    with pytest.raises(SignInNeeded):
        token(action, bob)


def test_without_a_worker_one_is_told(bob, action, provider, monkeypatch):
    def nobody(*args, **kwargs):
        raise rpc.NoResult(rpc.TOO_LATE)

    client = browser(bob)
    answer = provider.authorize(begin(client, action))
    monkeypatch.setattr(rpc, "call", nobody)
    assert rpc.TOO_LATE in said(come_back(client, action, answer))
