"""Remote agents over the API, which the form uses too: read from their cards, and what becomes of their keys."""

import json
from typing import Any

import pytest

from gpts.spec.gpt import RemoteAgent
from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of
from web import rpc
from web.builder import actions, versions
from web.builder.changes import differences
from web.builder.models_actions import RemoteAgentRow
from workers.egress import EgressConfig
from workers.rpc.sign_ins import find_credential
from workers.tools import ToolError

SECRET = "sk-a-long-secret-42"
URL = "/api/gpts/pump-doctor/agents"
CARD_URL = "https://agents.example.org/.well-known/agent-card.json"
CARD = {
    "name": "Parts Clerk",
    "url": "https://agents.example.org/a2a",
    "description": "Knows spare parts.\nParts: Finds parts.",
    "examples": ["Which seal?"],
    "auth": {"kind": "bearer"},
}


@pytest.fixture
def asked() -> list[tuple[str, ...]]:
    """What the worker was asked."""
    return []


@pytest.fixture
def secrets() -> list[str]:
    """The keys that were there when the worker looked."""
    return []


@pytest.fixture
def answers() -> dict[str, Any]:
    """What the worker answers."""
    return {"card": CARD}


@pytest.fixture
def client(gpt, alice, monkeypatch, asked, answers, secrets):
    """Alice's program, with a worker that answers calls at once."""

    def ask(task: str, *args: str, queue: str, timeout_s: float) -> Any:
        assert (task, queue) == ("workers.tasks.read_agent_card", "tools")
        asked.append(args)
        if args[1]:
            secrets.append(RemoteAgentRow.objects.get(id=args[1]).open_secret())
        return answers

    monkeypatch.setattr(rpc, "call", ask)
    return bearer(key_of(alice))


def post(client, path: str, body: dict):
    return client.post(path, json.dumps(body), content_type="application/json")


@pytest.fixture
def agent(client) -> dict:
    response = post(client, URL, {"card_url": f" {CARD_URL} ", "when": "For parts.", "timeout_s": 60})
    assert response.status_code == 201
    return response.json()


def test_an_agent_is_what_its_card_says(client, agent, asked):
    assert (agent["name"], agent["url"], agent["host"]) == ("Parts Clerk", CARD["url"], "agents.example.org")
    assert (agent["description"], agent["examples"]) == (CARD["description"], ["Which seal?"])
    assert (agent["when"], agent["timeout_s"], agent["trouble"]) == ("For parts.", 60, "")
    assert (agent["auth"], agent["hint"]["kind"]) == ("none", "bearer")
    assert asked == [(CARD_URL, "")]
    assert [each["id"] for each in client.get(URL).json()["items"]] == [agent["id"]]


def test_the_draft_and_what_is_published_have_it(client, agent, gpt):
    expected = RemoteAgent(
        agent_id=agent["id"],
        name="Parts Clerk",
        card_url=CARD_URL,
        url=CARD["url"],
        description=CARD["description"],
        when="For parts.",
        examples=("Which seal?",),
        timeout_s=60,
    )
    assert gpt.draft_spec().remote_agents == (expected,)


def test_a_card_behind_a_sign_in_is_read_with_the_key(client, asked, secrets):
    told = post(client, URL, {"card_url": CARD_URL, "auth": {"kind": "bearer", "secret": SECRET}}).json()
    assert (told["auth"], told["secret_set"]) == ("bearer", True)
    assert (asked, secrets) == ([(CARD_URL, told["id"])], [SECRET])
    assert SECRET not in json.dumps(told)
    assert SECRET not in RemoteAgentRow.objects.get().secret


@pytest.mark.parametrize("auth", [{}, {"auth": {"kind": "bearer", "secret": SECRET}}])
def test_an_agent_whose_card_cannot_be_read_is_not_added(client, answers, auth):
    answers.clear()
    answers["refused"] = "It sends calls elsewhere."
    refused = post(client, URL, {"card_url": CARD_URL, **auth})
    assert (refused.status_code, refused.json()["field"]) == (422, "card_url")
    assert refused.json()["detail"] == "card_url: It sends calls elsewhere."
    assert not RemoteAgentRow.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"card_url": "agents.example.org"}, "card_url"),
        ({"card_url": "file:///etc/passwd"}, "card_url"),
        ({"card_url": "https://"}, "card_url"),
        ({"card_url": ""}, "card_url"),
        ({"card_url": CARD_URL, "timeout_s": 0}, "timeout_s"),
        ({"card_url": CARD_URL, "timeout_s": 601}, "timeout_s"),
        ({"card_url": CARD_URL, "when": "x" * 301}, "when"),
        ({"card_url": CARD_URL, "auth": {"kind": "oauth", "secret": "x"}}, "kind"),
        ({"card_url": CARD_URL, "auth": {"kind": "bearer", "secret": "two\nlines"}}, "secret"),
    ],
)
def test_bad_input_is_refused_by_field(client, body, field):
    refused = post(client, URL, body)
    assert refused.status_code == 422
    assert refused.json()["field"].split(".")[-1] == field
    assert not RemoteAgentRow.objects.exists()


def test_a_gpt_can_have_twenty(client, agent, gpt):
    for _ in range(19):
        RemoteAgentRow.objects.create(gpt=gpt, name="x", card_url=CARD_URL, url=CARD_URL)
    refused = post(client, URL, {"card_url": CARD_URL})
    assert "can have up to 20 remote agents" in refused.json()["detail"]


def test_it_is_changed_read_again_and_removed(client, agent, answers, gpt):
    url = f"{URL}/{agent['id']}"
    changed = client.patch(url, json.dumps({"when": "", "timeout_s": 30}), content_type="application/json").json()
    assert (changed["when"], changed["timeout_s"], changed["name"]) == ("", 30, "Parts Clerk")
    assert client.patch(url, json.dumps({"read_only": True}), content_type="application/json").json()["read_only"]
    assert gpt.draft_spec().remote_agents[0].read_only
    assert post(client, f"{url}/refresh", {}).json()["changes"] == []
    answers["card"] = {**CARD, "name": "Clerk of Parts"}
    read = post(client, f"{url}/refresh", {}).json()
    change = {"what": "name", "before": "Parts Clerk", "after": "Clerk of Parts"}
    assert (read["name"], read["changes"]) == ("Parts Clerk", [change])
    assert gpt.draft_spec().remote_agents[0].name == "Parts Clerk"
    accepted = post(client, f"{url}/accept", {}).json()
    assert (accepted["name"], accepted["changes"]) == ("Clerk of Parts", [])
    assert post(client, f"{url}/accept", {}).json()["name"] == "Clerk of Parts"
    answers["refused"] = "It is away."
    troubled = post(client, f"{url}/refresh", {}).json()
    assert (troubled["trouble"], troubled["name"]) == ("It is away.", "Clerk of Parts")
    assert client.delete(url).status_code == 204
    assert gpt.draft_spec().remote_agents == ()


def test_the_store_asks_for_its_privacy_policy(client, agent, gpt):
    assert "Parts Clerk" in actions.privacy_missing(gpt)
    assert post(client, "/api/gpts/pump-doctor/publish", {}).status_code == 422


def test_a_gpt_is_made_an_agent_itself(client, gpt, settings):
    settings.SITE_URL = "https://gpts.example.org"
    url = "/api/gpts/pump-doctor"
    assert (client.get(url).json()["a2a"], client.get(url).json()["agent_card"]) == (False, None)
    told = client.patch(url, json.dumps({"a2a": True}), content_type="application/json").json()
    assert told["a2a"]
    assert told["agent_card"] == "https://gpts.example.org/a2a/pump-doctor/.well-known/agent-card.json"


class TestKeys:
    """A key is good for its host, for as long as the draft or the published version asks the agent."""

    @pytest.fixture
    def row(self, client, gpt) -> RemoteAgentRow:
        body = {"card_url": CARD_URL, "privacy_url": "https://agents.example.org/privacy"}
        post(client, URL, {**body, "auth": {"kind": "bearer", "secret": SECRET}})
        publish(gpt)
        return RemoteAgentRow.objects.get()

    def test_it_is_lent_to_its_own_host_alone(self, row, alice):
        assert find_credential(EgressConfig(), str(row.id), alice.id, "agents.example.org").headers == {
            "Authorization": f"Bearer {SECRET}"
        }
        with pytest.raises(ToolError, match="not evil"):
            find_credential(EgressConfig(), str(row.id), alice.id, "evil.example.org")

    def test_it_goes_with_the_last_version_that_uses_it(self, row, gpt, alice):
        actions.remove(row)
        assert RemoteAgentRow.objects.get().secret
        assert find_credential(EgressConfig(), str(row.id), alice.id, "agents.example.org").secrets
        publish(gpt)
        assert not RemoteAgentRow.objects.get().secret
        with pytest.raises(ToolError, match="was removed"):
            find_credential(EgressConfig(), str(row.id), alice.id, "agents.example.org")

    def test_a_version_brings_it_back(self, row, gpt):
        before = gpt.draft_spec()
        RemoteAgentRow.objects.update(when="Never.", name="Else", url="https://agents.example.org/other")
        actions.remove(RemoteAgentRow.objects.get())
        versions.restore_version(gpt, 2, by=gpt.owner)
        assert gpt.draft_spec() == before

    def test_the_history_tells_of_it(self, row, gpt):
        first, second = (gpt.versions.get(number=n).spec() for n in (1, 2))
        (change,) = differences(first, second)
        assert (change.label, change.words) == ("Remote agents", "1 added")
