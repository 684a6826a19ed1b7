"""Every address of the creator's pages, for everyone: only the owner gets in."""

from uuid import uuid4

import pytest

from web.builder.files import add_file
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile
from web.builder.services import delete_gpt

GETS = ["edit", "history", "delete", "files", "knowledge/"]
POSTS = ["edit", "delete", "files", "picture", "link", "cancel-publishing", "restore/1", "knowledge/ask"]


@pytest.mark.parametrize("path", GETS)
def test_pages_of_a_gpt_open_for_its_owner_only(client, alice, bob, charlie, gpt, path):
    url = f"/gpts/{gpt.slug}/{path}"

    assert client.get(url).url.startswith("/account/login/?next=")
    for person, status in ((bob, 404), (charlie, 404), (alice, 200)):
        client.force_login(person)
        assert client.get(url).status_code == status


@pytest.mark.parametrize("path", POSTS)
def test_nobody_else_changes_a_gpt(client, bob, gpt, path):
    before = Gpt.objects.values().get()

    assert client.post(f"/gpts/{gpt.slug}/{path}").url.startswith("/account/login/")
    client.force_login(bob)
    assert client.post(f"/gpts/{gpt.slug}/{path}").status_code == 404
    assert Gpt.objects.values().get() == before


@pytest.mark.parametrize("action", ["remove", "retry", "cancel", "replace", "decide"])
def test_nobody_else_touches_a_file(client, bob, charlie, gpt, action):
    file = add_file(gpt, "a.txt", [b"words"])
    before = KnowledgeFile.objects.values().get()
    url = f"/gpts/{gpt.slug}/files/{file.id}/{action}"

    assert client.post(url).url.startswith("/account/login/")
    for person in (bob, charlie):
        client.force_login(person)
        assert client.post(url).status_code == 404
    assert KnowledgeFile.objects.values().get() == before


def test_what_a_worker_found_is_for_the_owner_only(client, alice, bob, gpt, monkeypatch):
    monkeypatch.setattr(
        "web.builder.views_knowledge.read_health", lambda gpt, person: {"n_searches": 0, "repeats": []}
    )
    url = f"/gpts/{gpt.slug}/knowledge/health"

    assert client.get(url).url.startswith("/account/login/")
    for person, status in ((bob, 404), (alice, 200)):
        client.force_login(person)
        assert client.get(url).status_code == status


def test_a_file_of_another_gpt_is_no_file_of_this_one(as_alice, gpt):
    assert as_alice.post(f"/gpts/{gpt.slug}/files/{uuid4()}/remove").status_code == 404


@pytest.mark.parametrize("path", ["edit", "delete", "restore/1", "files/x/remove", "picture", "link"])
def test_changes_need_the_token_of_the_form(alice, gpt, path):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    assert strict.post(f"/gpts/{gpt.slug}/{path}").status_code in {403, 404}
    assert Gpt.objects.get().deleted is None


@pytest.mark.parametrize("path", ["picture", "link", "cancel-publishing", "knowledge/ask"])
def test_looking_changes_nothing(as_alice, gpt, path):
    assert as_alice.get(f"/gpts/{gpt.slug}/{path}").status_code == 405


def test_the_list_holds_ones_own(client, alice, bob, gpt):
    assert client.get("/gpts/").url.startswith("/account/login/")
    client.force_login(alice)
    assert b"Pump Doctor" in client.get("/gpts/").content
    client.force_login(bob)
    assert b"Pump Doctor" not in client.get("/gpts/").content


def test_a_deleted_gpt_is_gone_for_its_owner_too(as_alice, gpt):
    assert b"Delete Pump Doctor?" in as_alice.get(f"/gpts/{gpt.slug}/delete").content
    as_alice.post(f"/gpts/{gpt.slug}/delete")

    assert as_alice.get(f"/gpts/{gpt.slug}/edit").status_code == 404
    assert as_alice.get(f"/g/{gpt.slug}/").status_code == 404
    assert b"Pump Doctor" not in as_alice.get("/gpts/").content.replace(b"Pump Doctor is deleted.", b"")
    delete_gpt(gpt)  # once more is no error
