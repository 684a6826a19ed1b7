"""The page of a GPT: for whom it opens and what it gives away."""

import pytest

from web.builder.files import add_file, file_became_ready
from web.builder.models import Sharing
from web.builder.services import create_gpt, open_link, publish, set_sharing
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
    set_sharing(gpt, Sharing.LINK)
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
        start_conversation(person, gpt)

    page = " ".join(client.get("/g/pump-doctor/").content.decode().split())

    assert "<dt>People</dt><dd>2</dd>" in page
    assert "<dt>Chats</dt><dd>3</dd>" in page


def test_the_secret_link_is_its_owners_to_give(client, gpt, alice, bob):
    set_sharing(gpt, Sharing.LINK)
    open_link(bob, gpt.link_secret)

    client.force_login(bob)
    assert gpt.link_secret.encode() not in client.get("/g/pump-doctor/").content
    client.force_login(alice)
    assert gpt.link_secret.encode() in client.get("/g/pump-doctor/").content
