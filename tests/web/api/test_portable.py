"""Copies, exports and imports over the API."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.web.runs.test_chat_imports import conversation
from workers.tasks import import_next


@pytest.fixture
def as_alice(client, alice):
    client.force_login(alice)
    return client


def chats() -> SimpleUploadedFile:
    return SimpleUploadedFile("conversations.json", json.dumps([conversation()]).encode())


def test_a_gpt_is_exported_imported_and_copied(as_alice, gpt):
    data = b"".join(as_alice.get(f"/api/gpts/{gpt.slug}/export"))
    sent = as_alice.post("/api/import", {"file": SimpleUploadedFile("a.gpt.zip", data)})
    assert sent.status_code == 201
    [made] = sent.json()["gpts"]
    assert (made["name"], made["imported"]) == (gpt.name, {"origin": "Imported from a GPT file.", "todo": []})
    assert as_alice.delete(f"/api/gpts/{made['slug']}/imported").status_code == 204
    assert as_alice.get(f"/api/gpts/{made['slug']}").json()["imported"] is None
    assert as_alice.post(f"/api/gpts/{gpt.slug}/duplicate").json()["name"] == f"{gpt.name} (copy)"
    assert as_alice.get(f"/api/gpts/{gpt.slug}/export?version=9").status_code == 404


def test_a_text_and_several_files_are_imported_together(as_alice):
    files = [SimpleUploadedFile(name, b"# Notes") for name in ("a.md",)]
    sent = as_alice.post("/api/import", {"text": "Name\nDesk\nInstructions\nHelp.", "file": [*files, chats()]})
    assert sent.status_code == 201
    assert [gpt["name"] for gpt in sent.json()["gpts"]] == ["Desk"]
    [row] = sent.json()["chats"]
    import_next()
    assert as_alice.get(f"/api/imports/{row['id']}").json()["n_new"] == 1
    assert [each["id"] for each in as_alice.get("/api/imports").json()["items"]] == [row["id"]]


def test_what_is_wrong_is_named_with_its_field(as_alice):
    for body, field in (({}, "text"), ({"file": SimpleUploadedFile("a.zip", b"PK\x03\x04")}, "file")):
        sent = as_alice.post("/api/import", body)
        assert (sent.status_code, sent.json()["field"]) == (422, field)


def test_an_import_of_chats_is_taken_back(as_alice):
    [row] = as_alice.post("/api/import", {"file": chats()}).json()["chats"]
    url = f"/api/imports/{row['id']}"
    assert as_alice.delete(url).json()["detail"] == "Wait until the import is done."
    import_next()
    sent = as_alice.delete(url)
    assert (sent.status_code, sent.json()) == (200, {"n_deleted": 1, "n_kept": 0})
    assert as_alice.get(url).status_code == 404
