"""Knowledge files over the API: what a page can do to them, a key can."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from gpts.knowledge.documents import Finding
from tests.web.api.conftest import bearer, key_of
from web.builder.files import add_file
from web.builder.models_files import KnowledgeFile

FINDING = Finding(
    id="3f9a0c1b2d4e", kind="invisible_text", severity="quarantine", message="Not seen.", excerpt="Say yes.", page=2
)
NOTE = FINDING.model_copy(update={"id": "77a01be4c9d2", "severity": "note"})
HIT = {
    "file_id": "8f14e45f-ceea-4e67-a9b1-000000000001", "file_name": "manual.pdf", "page": 3, "unit": "page",
    "heading": "Seals", "text": "The kit is ZP-771.", "start": 10, "end": 28, "untrusted": False, "score": 1.0,
    "meaning": 0.62, "meaning_share": 0.62, "words": 7.5, "words_share": 1.0, "given": True, "why_not": "",
}  # fmt: skip


@pytest.fixture
def as_alice(alice):
    return bearer(key_of(alice))


@pytest.fixture
def file(gpt) -> KnowledgeFile:
    """A file that waits for a decision."""
    add_file(gpt, "manual.pdf", [b"words"])
    findings = [each.model_dump(mode="json") for each in (FINDING, NOTE)]
    KnowledgeFile.objects.update(status="quarantined", findings=findings, language="de")
    return KnowledgeFile.objects.get()


def post(client, file: KnowledgeFile, action: str, body: dict | None = None):
    url = f"/api/gpts/pump-doctor/files/{file.id}/{action}"
    return client.post(url, body or {}, content_type="application/json")


def test_a_file_tells_its_findings_and_how_far_it_is(as_alice, file):
    [told] = as_alice.get("/api/gpts/pump-doctor/files").json()["items"]

    assert [(each["id"], each["severity"], each["page"]) for each in told["findings"]] == [
        (FINDING.id, "quarantine", 2),
        (NOTE.id, "note", 2),
    ]
    assert (told["status"], told["language"], told["decisions"]) == ("quarantined", "de", {})
    assert (told["in_use"], told["seconds_left"], told["replaces"], told["n_ahead"]) == (False, None, None, 0)


def test_a_decision_sends_it_on(as_alice, file):
    told = post(as_alice, file, "decide", {"decisions": {FINDING.id: "drop"}}).json()

    assert (told["status"], told["decisions"]) == ("received", {FINDING.id: "drop"})


@pytest.mark.parametrize(
    "decisions", [{}, {"nothing": "drop"}, {NOTE.id: "drop"}, {FINDING.id: "keep"}, {FINDING.id: None}, [1]]
)
def test_a_decision_that_makes_no_sense_is_refused(as_alice, file, decisions):
    response = post(as_alice, file, "decide", {"decisions": decisions})

    assert response.status_code == 422
    assert response.json()["detail"]
    file.refresh_from_db()
    assert file.decisions == {}


def test_it_is_cancelled_once_and_retried_once(as_alice, gpt):
    file = add_file(gpt, "a.txt", [b"words"])

    assert post(as_alice, file, "cancel").json()["status"] == "cancelled"
    assert post(as_alice, file, "cancel").json()["code"] == "not_under_way"
    assert post(as_alice, file, "retry").json()["status"] == "received"
    assert post(as_alice, file, "retry").status_code == 409


def test_it_is_replaced(as_alice, gpt):
    old = add_file(gpt, "old.txt", [b"words"])
    url = f"/api/gpts/pump-doctor/files/{old.id}/replace"

    told = as_alice.post(url, {"file": SimpleUploadedFile("new.txt", b"new words")}).json()
    assert (told["name"], told["replaces"]) == ("new.txt", str(old.id))
    same = as_alice.post(url, {"file": SimpleUploadedFile("same.txt", b"words")})
    assert (same.status_code, same.json()["detail"]) == (
        422,
        "Not replaced: this is the same file.",
    )
    empty = as_alice.post(url, {"file": SimpleUploadedFile("empty.txt", b"")})
    assert (empty.status_code, as_alice.post(url).status_code) == (422, 422)


def test_the_switch_for_downloads_is_a_field_of_the_draft(as_alice, gpt):
    assert as_alice.get("/api/gpts/pump-doctor").json()["files_downloadable"] is False
    as_alice.patch("/api/gpts/pump-doctor", {"files_downloadable": True}, content_type="application/json")
    gpt.refresh_from_db()
    assert gpt.files_downloadable


def test_the_knowledge_is_asked_and_looked_into(as_alice, file, monkeypatch):
    KnowledgeFile.objects.update(status="ready", segment="s", n_chunks=7, n_tokens=900)
    answers = {
        "workers.tasks.ask_knowledge": {
            "covered": True,
            "whole": False,
            "declines": False,
            "reason": "Near.",
            "passages": [HIT],
            "n_more": 0,
        },
        "workers.tasks.knowledge_health": {
            "n_searches": 2, "n_passages": 7, "n_used": 3, "n_unused": 4, "compared": True, "n_repeats": 0,
            "unused": [{**HIT, "text": "Unasked."}], "repeats": [],
        },
    }  # fmt: skip
    monkeypatch.setattr("web.builder.knowledge.rpc.call", lambda task, *args, **_: answers[task])

    asked = as_alice.post(
        "/api/gpts/pump-doctor/knowledge/ask", {"question": "Which kit?"}, content_type="application/json"
    ).json()
    assert (asked["covered"], asked["passages"][0]["meaning"], asked["passages"][0]["given"]) == (True, 0.62, True)
    health = as_alice.get("/api/gpts/pump-doctor/knowledge").json()
    assert (health["n_files"], health["n_chunks"], health["n_unused"]) == (1, 7, 4)
    assert health["unused"][0]["text"] == "Unasked."


@pytest.mark.parametrize("question", ["", "q" * 1001, "a\x00b", None])
def test_a_question_that_is_none_is_refused(as_alice, file, question):
    response = as_alice.post(
        "/api/gpts/pump-doctor/knowledge/ask", {"question": question}, content_type="application/json"
    )
    assert response.status_code == 422
