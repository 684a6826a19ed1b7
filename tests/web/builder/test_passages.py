"""A creator sees the passages of a file in the form, and corrects them there and over the API."""

import pytest

from web import rpc
from web.builder.files import add_file
from web.builder.models_files import KnowledgeFile

from .conftest import JSON

READ = "The purnp needs oil."


@pytest.fixture
def file(gpt, monkeypatch) -> KnowledgeFile:
    """A file that was read, with one passage of which a worker tells."""
    file = add_file(gpt, "manual.pdf", [b"words"])
    KnowledgeFile.objects.update(status="ready", segment="5e9", n_chunks=1)
    found = {"passages": [{"text": READ, "heading": "Care <b>", "page": 3}], "next": 40}
    monkeypatch.setattr(rpc, "call", lambda *args, **options: found)
    return KnowledgeFile.objects.get(id=file.id)


def correct(client, file: KnowledgeFile, **fields):
    return client.post(f"/gpts/pump-doctor/files/{file.id}/correct", fields, headers=JSON)


def shown(client, file: KnowledgeFile, start: int = 0) -> str:
    return client.get(f"/gpts/pump-doctor/files/{file.id}/passages?start={start}").json()["html"]


def test_passages_are_shown_with_their_place_and_a_way_to_more(as_alice, file):
    html = shown(as_alice, file)

    assert READ in html
    assert "data-also-asked></textarea>" in html
    assert "{{" not in html
    assert "page 3 · Care &lt;b&gt;" in html
    assert "passages?start=40" in html


def test_a_correction_is_shown_in_place_of_the_original(as_alice, file):
    told = correct(
        as_alice, file, original=READ, text="The pump needs oil.", also_asked="Oil?\n\nWhich oil?\n"
    ).json()

    assert told["file"]["status"] == "received"
    assert "Passages, 1 corrected" in " ".join(told["file"]["html"].split())
    html = shown(as_alice, file)
    assert "The pump needs oil." in html
    assert "Also asked as: Oil? · Which oil?" in html
    assert "data-also-asked>Oil?\nWhich oil?\n</textarea>" in html


def test_a_dropped_passage_can_be_restored(as_alice, file):
    correct(as_alice, file, original="Gone.", dropped="yes")
    assert "data-restore" in shown(as_alice, file)
    assert "Gone." not in shown(as_alice, file, start=30)

    correct(as_alice, file, original="Gone.")
    file.refresh_from_db()
    assert file.corrections == {}


def test_a_pinned_passage_is_marked_until_it_is_saved_without(as_alice, file):
    assert "checked" not in shown(as_alice, file)
    correct(as_alice, file, original=READ, text=READ, pinned="yes")
    assert "checked" in shown(as_alice, file)

    correct(as_alice, file, original=READ, text=READ)
    file.refresh_from_db()
    assert file.corrections == {}


def test_a_correction_of_nothing_is_refused_in_words(as_alice, file):
    response = correct(as_alice, file, original="", text="x")

    assert response.status_code == 400
    assert "1 to 20,000 characters" in response.json()["error"]


def test_the_api_lists_and_corrects_passages(as_alice, file):
    url = f"/api/gpts/pump-doctor/files/{file.id}/passages"
    body = {"original": READ, "text": "The pump needs oil.", "also_asked": ["Oil?"]}
    assert as_alice.post(url, body, content_type="application/json").json()["status"] == "received"

    told = as_alice.get(url).json()
    assert told["next"] == 40
    assert [(each["original"], each["text"], each["also_asked"]) for each in told["items"]] == [
        (READ, "The pump needs oil.", ["Oil?"])
    ]
