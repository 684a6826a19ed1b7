"""What a GPT's Agent Card says, and to whom it is shown."""

import json

import pytest
from a2a.client.card_resolver import parse_agent_card
from django.test import Client

from tests.web.api.conftest import bearer, expired_key_of, key_of, revoked_key_of
from web.builder.access import open_link
from web.builder.services import delete_gpt, set_sharing

CARD = "/a2a/pump-doctor/.well-known/agent-card.json"
OLD_CARD = "/a2a/pump-doctor/.well-known/agent.json"
CALL = "/a2a/pump-doctor"


def test_a_card_says_what_the_published_gpt_is(gpt, settings):
    settings.SITE_URL = "https://gpts.example.org"
    gpt.description = "A draft that nobody has published."
    gpt.save()
    told = Client().get(CARD).json()
    card = parse_agent_card(json.loads(json.dumps(told)))
    assert (card.name, card.version, card.provider.organization) == ("Pump Doctor", "1", "Alice")
    assert card.description == "Pump Doctor"  # the published version has no description
    assert {each.url for each in card.supported_interfaces} == {"https://gpts.example.org/a2a/pump-doctor"}
    interfaces = [(each.protocol_binding, each.protocol_version) for each in card.supported_interfaces]
    assert interfaces == [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("JSONRPC", "0.3")]
    assert card.capabilities.streaming
    assert list(card.skills[0].examples) == ["It leaks."]
    assert card.security_schemes["key"].http_auth_security_scheme.scheme == "bearer"
    assert not {"url", "preferredTransport", "protocolVersion", "security"} & set(told)  # of version 0.3


def test_clients_of_version_0_3_have_a_card_of_their_own(gpt, settings):
    settings.SITE_URL = "https://gpts.example.org"
    told = Client().get(OLD_CARD).json()
    assert (told["url"], told["protocolVersion"]) == ("https://gpts.example.org/a2a/pump-doctor", "0.3")
    assert told["security"] == [{"key": []}]
    assert "supportedInterfaces" not in told
    assert parse_agent_card(told).supported_interfaces[0].protocol_version == "0.3"


def test_a_card_can_be_kept_for_a_while_and_asked_for_again(gpt, bob):
    first = Client().get(CARD)
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert Client().get(CARD, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    open_link(bob, set_sharing(gpt, "link", by=gpt.owner).link_secret)
    kept = bearer(key_of(bob)).get(CARD)
    assert (kept.headers["Cache-Control"], kept.headers["Vary"]) == (
        "private, max-age=300",
        "Authorization, Accept-Encoding",
    )
    gpt.published.number = 2
    gpt.published.save()
    again = bearer(key_of(bob)).get(CARD, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200


@pytest.fixture
def callers(gpt, alice, bob, charlie) -> dict[str, Client]:
    """Bob has the link, Charlie has nothing."""
    link = set_sharing(gpt, "link", by=gpt.owner).link_secret
    open_link(bob, link)
    keys = {"alice": key_of(alice), "bob": key_of(bob), "charlie": key_of(charlie)}
    keys |= {"revoked": revoked_key_of(alice), "expired": expired_key_of(alice), "wrong": "gh_wrong"}
    return {"anonymous": Client(), **{name: bearer(key) for name, key in keys.items()}}


def statuses(callers: dict[str, Client]) -> dict[str, int]:
    return {name: client.get(CARD).status_code for name, client in callers.items()}


def test_the_card_of_a_shared_link_is_for_keys_of_those_who_may_chat(callers):
    found = statuses(callers)
    assert {name for name, status in found.items() if status == 200} == {"alice", "bob"}
    assert set(found.values()) == {200, 404}


def test_the_card_in_the_store_is_for_everyone(callers, gpt):
    set_sharing(gpt, "store", by=gpt.owner)
    assert set(statuses(callers).values()) == {200}


@pytest.mark.parametrize("hide", ["off", "draft", "deleted"])
def test_there_is_no_card_of_a_gpt_that_programs_may_not_call(callers, gpt, hide):
    if hide == "deleted":
        delete_gpt(gpt)
    else:
        gpt.a2a, gpt.published = hide != "off", None if hide == "draft" else gpt.published
        gpt.save()
    assert set(statuses(callers).values()) == {404}


@pytest.mark.django_db(transaction=True)
def test_calling_needs_a_key_of_someone_who_may_chat(callers):
    body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "1"}}
    headers = {"A2A-Version": "1.0"}
    found = {
        name: client.post(CALL, body, "application/json", headers=headers).status_code
        for name, client in callers.items()
    }
    assert found == {
        **dict.fromkeys(("anonymous", "revoked", "expired", "wrong"), 401),
        "alice": 200,
        "bob": 200,
        "charlie": 404,
    }


@pytest.mark.django_db(transaction=True)
def test_a_session_opens_nothing_here(gpt, alice):
    client = Client()
    client.force_login(alice)
    assert client.post(CALL, {}, "application/json").status_code == 401
    set_sharing(gpt, "me", by=gpt.owner)
    assert client.get(CARD).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'{"jsonrpc": "2.0"}', b'{"jsonrpc": "1.0", "id": 1, "method": "x"}', b"\xff"]
)
def test_nonsense_is_an_error_of_the_protocol(callers, body):
    response = callers["bob"].post(CALL, body, "application/json")
    assert (response.status_code, response.json()["error"]["code"] < 0) == (200, True)
    assert (
        callers["bob"].post(f"{CALL}/", body, "application/json").json() == response.json()
    )  # as some clients join URLs


@pytest.mark.django_db(transaction=True)
def test_what_breaks_here_is_not_told(callers, monkeypatch):
    def broken(*_: object) -> None:
        raise RuntimeError("the database password is swordfish")

    monkeypatch.setattr("web.runs.programs.access_run", broken)
    body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "00000000-0000-0000-0000-000000000000"}}
    told = callers["bob"].post(CALL, body, "application/json", headers={"A2A-Version": "1.0"}).content.decode()
    assert "Something went wrong" in told
    assert "swordfish" not in told


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body", [b" " * 2_600_000, b"[" + b"{}," * 300_000 + b"{}]"], ids=["long", "many values"])
def test_a_huge_request_is_refused(callers, settings, body):
    """A request may be long for its files; that many objects would take a thousand times the memory of a message."""
    settings.MAX_ATTACHMENT_BYTES = 1_000
    response = callers["bob"].post(CALL, body, "application/json")
    assert response.status_code == 413
