"""The page of a GPT: for whom it opens and what it gives away."""

import pytest

from tests.publishing import publish
from web.builder import delegates
from web.builder.access import open_link
from web.builder.files import add_file, file_became_ready
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing, update_gpt
from web.runs.services import start_conversation


@pytest.fixture
def with_file(gpt):
    """Alice's GPT, published again with a knowledge file."""
    file = add_file(gpt, "price-list-secret.pdf", [b"%PDF"])
    gpt.files.update(status="ready", segment="s1", n_pages=12)
    file_became_ready(file)
    publish(gpt)
    return gpt


@pytest.mark.parametrize("person", [None, "alice", "bob", "charlie"])
def test_a_gpt_in_the_store_opens_for_everyone(client, request, gpt, person):
    if person:
        client.force_login(request.getfixturevalue(person))

    response = client.get("/g/pump-doctor/")

    assert response.status_code == 200
    assert b"It leaks." in response.content
    assert b'action="/g/pump-doctor/chat"' in response.content


@pytest.mark.parametrize(("person", "status"), [(None, 404), ("alice", 200), ("bob", 200), ("charlie", 404)])
def test_a_gpt_shared_by_link_opens_for_those_who_came_by_it(client, request, gpt, bob, person, status):
    set_sharing(gpt, Sharing.LINK, by=gpt.owner)
    open_link(bob, gpt.link_secret)
    if person:
        client.force_login(request.getfixturevalue(person))

    assert client.get("/g/pump-doctor/").status_code == status


@pytest.mark.parametrize(("person", "status"), [(None, 404), ("alice", 200), ("bob", 404), ("charlie", 404)])
def test_a_draft_opens_for_its_owner_only(client, request, alice, person, status):
    create_gpt(alice, {"name": "Idea", "instructions": "Hidden words."})
    if person:
        client.force_login(request.getfixturevalue(person))

    response = client.get("/g/idea/")

    assert response.status_code == status
    assert b"Hidden words" not in response.content


def test_file_names_and_instructions_are_the_owners(client, with_file, alice, bob):
    client.force_login(bob)
    page = client.get("/g/pump-doctor/").content
    assert b"1 file, 12 pages" in page
    assert b"price-list-secret" not in page
    assert b"Help with pumps" not in page

    client.force_login(alice)
    assert b"price-list-secret.pdf" in client.get("/g/pump-doctor/").content


def test_counts_are_of_people_and_chats(client, gpt, bob, charlie):
    for person in (bob, bob, charlie):
        start_conversation(person, gpt).save()

    page = " ".join(client.get("/g/pump-doctor/").content.decode().split())

    assert "<dt>People</dt><dd>2</dd>" in page
    assert "<dt>Chats</dt><dd>3</dd>" in page


def test_the_secret_link_is_its_owners_to_give(client, gpt, alice, bob):
    set_sharing(gpt, Sharing.LINK, by=gpt.owner)
    open_link(bob, gpt.link_secret)

    client.force_login(bob)
    assert gpt.link_secret.encode() not in client.get("/g/pump-doctor/").content
    client.force_login(alice)
    assert gpt.link_secret.encode() in client.get("/g/pump-doctor/").content


class TestWhomItMayAsk:
    """The GPTs that it may ask, for each reader those that they may chat with."""

    @pytest.fixture
    def asking(self, gpt, alice):
        """Alice's GPT, which may ask one in the store, a private one of hers and a draft."""
        for name, sharing in (("Price Clerk", Sharing.STORE), ("Ledger", Sharing.ME), ("Idea", None)):
            other = create_gpt(alice, {"name": name})
            if sharing:
                publish(other, sharing)
            delegates.add(gpt, other.slug, "A line for the model", by=gpt.owner)
        publish(gpt)
        return gpt

    @pytest.mark.parametrize(("person", "named"), [(None, 1), ("bob", 1), ("alice", 2)])
    def test_each_reader_sees_those_they_may_chat_with(self, client, request, asking, person, named):
        if person:
            client.force_login(request.getfixturevalue(person))
        page = client.get("/g/pump-doctor/").content.decode()
        assert 'href="/g/price-clerk/"' in page
        assert ("Ledger" in page) == (named == 2)
        assert "Idea" not in page
        assert "A line for the model" not in page

    def test_nothing_tells_of_private_ones(self, client, asking, bob):
        delegates.replace(asking, [("ledger", "")], by=asking.owner)
        publish(asking)
        client.force_login(bob)
        page = client.get("/g/pump-doctor/").content.decode()
        assert "Can ask other GPTs" not in page
        assert "No web and no other services." in page

    def test_looking_in_the_store_is_said(self, client, gpt):
        publish(update_gpt(gpt, {"delegates_to_store": True}, by=gpt.owner))
        page = client.get("/g/pump-doctor/").content.decode()
        assert "Any GPT in the store." in page
        assert "No web and no other services." not in page

    def test_the_draft_is_not_told(self, client, gpt, alice, bob):
        clerk = create_gpt(bob, {"name": "Price Clerk"})
        publish(clerk, Sharing.STORE)
        delegates.add(gpt, clerk.slug, by=gpt.owner)
        client.force_login(bob)
        assert b"Price Clerk" not in client.get("/g/pump-doctor/").content
