"""What others see of a GPT is its live version: nothing that its creator has typed since, and no draft at all."""

import pytest

from tests.web.api.conftest import bearer, key_of
from web.builder.services import create_gpt, update_gpt
from web.runs.models import Permission

# Every page and address that shows a GPT to people who may chat with it.
PLACES = (
    *("/api/gpts/pump-doctor", "/api/gpts?scope=store", "/v1/models", "/v1/models/pump-doctor"),
    *("/", "/?q=pump", "/?q=merger", "/g/pump-doctor/", "/chats/", "/chats/?q=merger", "/permissions/"),
    *(
        "/api/conversations",
        "/api/permissions",
        "/c/{conversation}/",
        "/runs/{run}/tree",
        "/api/runs/{run}",
        "/api/runs/{run}/tree",
    ),
)
DRAFT = {
    "name": "Secret merger",
    "description": "The secret merger plan.",
    "starters": ["Tell me the secret."],
    "capabilities": ["code_interpreter"],
}


@pytest.fixture
def renamed(gpt, bob, run):
    """Alice's published GPT, whose draft she is rewriting, and which Bob uses."""
    Permission.objects.create(user=bob, gpt=gpt, tool="send", host="mail.example.org", title="Send mail")
    return update_gpt(gpt, DRAFT, by=gpt.owner)


def test_a_draft_of_a_published_gpt_is_shown_to_its_editor_only(client, renamed, alice, bob, run):
    bobs, seen = bearer(key_of(bob)), ""
    client.force_login(bob)
    for place in PLACES:
        url = place.format(conversation=run.message.conversation_id, run=run.id)
        response = (bobs if url.startswith(("/api", "/v1")) else client).get(url)
        assert response.status_code == 200, url
        assert "secret" not in response.content.decode().lower(), url
        seen += response.content.decode()
    assert "It leaks." in seen
    assert "Which seal fits" not in client.get("/chats/?q=merger").content.decode()

    card = bobs.get("/api/gpts/pump-doctor").json()
    assert (card["name"], card["description"], card["capabilities"]) == ("Pump Doctor", "", [])
    alices = bearer(key_of(alice))
    assert alices.get("/api/gpts/pump-doctor").json()["name"] == "Secret merger"  # it says: "the whole draft"
    assert alices.get("/v1/models/pump-doctor").json()["name"] == "Pump Doctor"
    assert alices.get("/api/gpts?scope=own").json()["items"][0]["name"] == "Pump Doctor"


def test_a_gpt_that_was_never_published_is_not_found(alice, bob):
    create_gpt(alice, {"name": "Idea"}).link_grants.create(user=bob)
    for sharing in ("link", "store"):
        alice.gpts.update(sharing=sharing)
        for url in ("/api/gpts/idea", "/v1/models/idea", "/g/idea/", "/api/gpts/idea/agent-card"):
            assert bearer(key_of(bob)).get(url).status_code == 404
    assert bearer(key_of(alice)).get("/v1/models").json()["data"] == []
    assert bearer(key_of(alice)).get("/api/gpts").json()["items"][0]["published"] is None
