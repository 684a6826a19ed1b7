"""Who may chat: only me, a secret link, the store; and what happens when that changes."""

import pytest

from web.builder.models import Gpt, Sharing
from web.builder.services import set_sharing

from .conftest import JSON


@pytest.fixture
def link(gpt) -> str:
    """The path of the secret link to Alice's GPT."""
    return f"/l/{set_sharing(gpt, Sharing.LINK).link_secret}/"


def test_choosing_the_link_shows_it_in_the_form(as_alice, gpt, fields):
    response = as_alice.post("/gpts/pump-doctor/edit", {**fields, "sharing": "link"}, headers=JSON)

    assert f"/l/{Gpt.objects.get().link_secret}/" in response.json()["parts"]["link"]


def test_who_opens_the_link_may_chat(client, link, bob, charlie):
    assert client.get(link).url.startswith("/account/login/?next=/l/")
    client.force_login(bob)
    assert client.get(link).url == "/g/pump-doctor/"
    assert client.get("/g/pump-doctor/").status_code == 200
    client.force_login(charlie)
    assert client.get("/g/pump-doctor/").status_code == 404
    assert client.get("/l/guessed/").status_code == 404


def test_a_new_link_ends_the_old_one_and_who_came_by_it(client, link, alice, bob):
    client.force_login(bob)
    client.get(link)
    client.force_login(alice)

    response = client.post("/gpts/pump-doctor/link", headers=JSON)

    fresh = f"/l/{Gpt.objects.get().link_secret}/"
    assert fresh != link
    assert fresh in response.json()["parts"]["link"]
    client.force_login(bob)
    assert client.get(link).status_code == 404
    assert client.get("/g/pump-doctor/").status_code == 404
    assert client.get(fresh).status_code == 302


def test_only_a_gpt_shared_by_link_has_a_link_to_renew(as_alice, gpt):
    assert as_alice.post("/gpts/pump-doctor/link").status_code == 404


def test_keeping_it_to_oneself_again_shuts_everyone_out(client, link, alice, bob, fields):
    client.force_login(bob)
    client.get(link)
    client.force_login(alice)
    client.post("/gpts/pump-doctor/edit", {**fields, "sharing": "me"}, headers=JSON)

    client.force_login(bob)
    assert client.get("/g/pump-doctor/").status_code == 404
    assert client.get(link).status_code == 404


def test_the_link_of_an_unpublished_gpt_leads_nowhere_yet(client, alice, bob):
    from web.builder.services import create_gpt

    secret = set_sharing(create_gpt(alice, {"name": "Idea"}), Sharing.LINK).link_secret
    client.force_login(bob)

    assert client.get(f"/l/{secret}/").status_code == 404
