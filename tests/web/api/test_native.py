"""`/api`: a GPT's whole life, and talk with it, over HTTP."""

import json

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from gpts.runs.steps import ApprovalRequest
from tests.web.api.conftest import ANSWER, bearer, key_of
from web.builder.models_files import KnowledgeFile
from web.runs import fair_queue, log
from web.runs.models import Conversation, ConversationFile, Run
from web.runs.services import cancel_run, start_conversation, start_run

JSON = "application/json"


@pytest.fixture
def alices(alice) -> Client:
    return bearer(key_of(alice))


@pytest.fixture
def bobs(bob) -> Client:
    return bearer(key_of(bob, may_approve=True))


def test_a_gpt_is_made_changed_published_found_restored_and_deleted(alices, bobs):
    made = alices.post("/api/gpts", {"name": "Tea Master", "instructions": "One."}, content_type=JSON).json()
    assert (made["slug"], made["sharing"], made["published"], made["link"]) == ("tea-master", "me", None, None)
    assert bobs.get("/api/gpts/tea-master").status_code == 404

    refused = alices.post("/api/gpts/tea-master/publish", {"sharing": "store"}, content_type=JSON).json()
    assert "Add a description" in refused["detail"]
    alices.patch("/api/gpts/tea-master", {"description": "Brews."}, content_type=JSON)
    published = alices.post("/api/gpts/tea-master/publish", {"sharing": "store"}, content_type=JSON)
    assert (published.status_code, published.json()["number"], published.json()["current"]) == (201, 1, True)
    card = bobs.get("/api/gpts/tea-master").json()
    assert (card["name"], card["creator"], card["published"]) == ("Tea Master", "Alice", 1)
    assert "instructions" not in card
    assert "link" not in card
    assert [gpt["slug"] for gpt in bobs.get("/api/gpts?scope=store").json()["items"]] == ["tea-master"]
    assert bobs.get("/api/gpts").json() == {"items": [], "next": None}

    change = {"instructions": "Two.", "starters": ["Green?"], "temperature": 1, "category": "home"}
    changed = alices.patch("/api/gpts/tea-master", change, content_type=JSON).json()
    assert {name: changed[name] for name in change} == change
    alices.post("/api/gpts/tea-master/publish", {}, content_type=JSON)
    versions = alices.get("/api/gpts/tea-master/versions").json()["items"]
    assert [(version["number"], version["current"]) for version in versions] == [(2, True), (1, False)]
    assert alices.post("/api/gpts/tea-master/versions/1/restore").json()["instructions"] == "One."

    assert alices.delete("/api/gpts/tea-master").status_code == 204
    assert bobs.get("/api/gpts/tea-master").status_code == 404
    assert alices.get("/api/gpts").json()["items"] == []


def test_a_secret_link_comes_with_sharing_and_goes_with_it(alices, gpt, settings):
    shared = alices.patch("/api/gpts/pump-doctor", {"sharing": "link"}, content_type=JSON).json()
    assert shared["link"].startswith(f"{settings.SITE_URL}/g/pump-doctor/?link=")
    published = alices.post("/api/gpts/pump-doctor/publish", {"sharing": "me"}, content_type=JSON)
    assert published.status_code == 201
    assert alices.get("/api/gpts/pump-doctor").json()["link"] is None


def test_files_are_added_seen_retried_and_removed(alices, gpt, sent_tasks):
    upload = SimpleUploadedFile("../../notes.txt", b"The seal is ZP-771.")
    added = alices.post("/api/gpts/pump-doctor/files", {"file": upload})
    file = added.json()
    assert (added.status_code, file["name"], file["size"], file["status"]) == (201, "notes.txt", 19, "received")
    again = alices.post("/api/gpts/pump-doctor/files", {"file": SimpleUploadedFile("b.txt", b"The seal is ZP-771.")})
    assert again.json()["id"] == file["id"]
    assert alices.post("/api/gpts/pump-doctor/publish", {}, content_type=JSON).status_code == 422

    KnowledgeFile.objects.update(status="failed", error="unreadable")
    address = f"/api/gpts/pump-doctor/files/{file['id']}"
    assert alices.get(address).json()["error"] == "unreadable"
    assert alices.post(f"{address}/retry").json()["status"] == "received"
    assert alices.delete(address).status_code == 204
    assert alices.get("/api/gpts/pump-doctor/files").json()["items"] == []


def test_a_message_starts_a_run_whose_conversation_goes_on(bobs, gpt):
    started = bobs.post("/api/gpts/pump-doctor/runs", {"text": "Which seal?"}, content_type=JSON)
    run = started.json()
    assert (started.status_code, run["status"], run["answer"]) == (202, "queued", None)
    assert [step["kind"] for step in run["steps"]] == ["user_message"]

    more = {"text": "And the pump?", "conversation": run["conversation"]}
    refused = bobs.post("/api/gpts/pump-doctor/runs", more, content_type=JSON)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert bobs.post(f"/api/runs/{run['id']}/cancel").json() == {"cancelled": True}
    assert bobs.post(f"/api/runs/{run['id']}/cancel").json() == {"cancelled": False}
    assert bobs.post("/api/gpts/pump-doctor/runs", more, content_type=JSON).status_code == 202

    talk = bobs.get(f"/api/conversations/{run['conversation']}").json()
    assert [(turn["text"], turn["status"]) for turn in talk["messages"]] == [
        ("Which seal?", "cancelled"),
        ("And the pump?", "queued"),
    ]


def test_a_refused_message_leaves_no_conversation(bobs, gpt):
    assert bobs.post("/api/gpts/pump-doctor/runs", {"text": "  "}, content_type=JSON).status_code == 400
    assert not Conversation.objects.exists()


def test_a_preview_is_the_owners_and_no_history(alices, bobs, gpt):
    body = {"text": "Try it", "preview": True}
    assert bobs.post("/api/gpts/pump-doctor/runs", body, content_type=JSON).status_code == 404
    assert alices.post("/api/gpts/pump-doctor/runs", body, content_type=JSON).status_code == 202
    assert alices.get("/api/conversations").json()["items"] == []


def test_a_conversation_belongs_to_its_gpt(alices, bobs, gpt, run):
    alices.post("/api/gpts", {"name": "Other"}, content_type=JSON)
    alices.post("/api/gpts/other/publish", {"sharing": "store"}, content_type=JSON)
    body = {"text": "Hello", "conversation": str(run.message.conversation_id)}
    assert bobs.post("/api/gpts/other/runs", body, content_type=JSON).status_code == 404
    assert alices.post("/api/gpts/pump-doctor/runs", body, content_type=JSON).status_code == 404


def test_conversations_are_listed_renamed_and_deleted(bobs, run):
    address = f"/api/conversations/{run.message.conversation_id}"
    assert [talk["gpt"] for talk in bobs.get("/api/conversations").json()["items"]] == ["pump-doctor"]
    assert bobs.patch(address, {"title": "Seals"}, content_type=JSON).json()["title"] == "Seals"
    assert bobs.patch(address, {"title": "  "}, content_type=JSON).status_code == 400
    assert bobs.delete(address).status_code == 204
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    assert bobs.get(address).status_code == 404


def test_runs_that_wait_for_approval_are_found_and_answered_by_program(alices, bobs, bob, gpt, run):
    other = start_run(start_conversation(bob, gpt, Conversation.Origin.API), "From a program")
    log.append(other.id, ApprovalRequest(call_id="call_0", name="send", digest="d"))
    first = bobs.get("/api/runs?limit=1").json()
    assert [each["id"] for each in first["items"]] == [str(other.id)]
    rest = bobs.get(f"/api/runs?limit=1&cursor={first['next']}").json()
    assert [(each["id"], each["approvals"]) for each in rest["items"]] == [(str(run.id), [])]
    (waiting,) = bobs.get("/api/runs?status=requires_action").json()["items"]
    (asked,) = waiting["approvals"]
    assert (waiting["id"], waiting["gpt"], asked["call_id"]) == (str(other.id), "pump-doctor", "call_0")
    answer = {"call_id": asked["call_id"], "digest": asked["digest"], "allowed": False}
    assert bobs.post(f"/api/runs/{asked['run']}/approve", answer, content_type=JSON).status_code == 200
    assert bobs.get("/api/runs?status=requires_action").json()["items"] == []
    assert bobs.get("/api/runs?status=lost").status_code == 422
    assert alices.get("/api/runs").json()["items"] == []  # the creator of the GPT sees nobody else's


def test_an_approval_answers_the_very_call_once(bobs, run):
    log.append(run.id, ApprovalRequest(call_id="call_0", name="send", digest="d"))
    assert bobs.get(f"/api/runs/{run.id}").json()["status"] == "requires_action"
    assert [request["call_id"] for request in bobs.get(f"/api/runs/{run.id}").json()["approvals"]] == ["call_0"]

    def answer(**told):
        return bobs.post(f"/api/runs/{run.id}/approve", {"call_id": "call_0", **told}, content_type=JSON)

    assert answer(allowed=True, digest="another").status_code == 400
    assert answer(allowed=True, remember=True).status_code == 400  # nothing of the kind was offered
    assert answer(allowed=False, digest="d").json()["allowed"] is False
    assert answer(allowed=True).status_code == 400
    assert bobs.get(f"/api/runs/{run.id}").json()["approvals"] == []
    bobs.post(f"/api/runs/{run.id}/cancel")
    assert answer(allowed=True).status_code == 400


def test_a_message_takes_the_files_of_its_sender_along(bobs, bob, gpt, charlie):
    upload = SimpleUploadedFile("sales.csv", b"a,b\n1,2\n")
    file = bobs.post("/api/attachments", {"file": upload}).json()
    assert (file["name"], file["size"], file["mime"]) == ("sales.csv", 8, "application/octet-stream")
    assert (file["status"], file["error"], file["n_pages"], file["notices"]) == ("reading", None, 0, [])
    message = {"text": "Sum them.", "attachments": [file["id"]]}
    too_soon = bobs.post("/api/gpts/pump-doctor/runs", message, content_type=JSON)
    assert (too_soon.status_code, "still being read" in too_soon.json()["detail"]) == (409, True)
    ConversationFile.objects.update(status="ready", segment="00ff", n_pages=2)
    status = bobs.get(f"/api/attachments/{file['id']}/status").json()
    assert (status["status"], status["n_pages"]) == ("ready", 2)
    assert bearer(key_of(charlie)).get(f"/api/attachments/{file['id']}/status").status_code == 404
    refused = bearer(key_of(charlie)).post("/api/gpts/pump-doctor/runs", message, content_type=JSON)
    assert refused.status_code == 400
    run = bobs.post("/api/gpts/pump-doctor/runs", message, content_type=JSON).json()
    assert run["steps"][0]["data"]["attachments"][0]["name"] == "sales.csv"
    download = bobs.get(f"/api/attachments/{file['id']}")
    assert b"".join(download.streaming_content) == b"a,b\n1,2\n"
    assert download["Content-Disposition"].startswith("attachment")
    assert bobs.delete(f"/api/attachments/{file['id']}").status_code == 404  # it is sent


@pytest.mark.process
def test_events_end_with_done_and_resume_after_the_last_one_seen(live, bob, gpt, worker, meanwhile):
    with httpx.Client(base_url=live, headers={"Authorization": f"Bearer {key_of(bob)}"}, timeout=20) as bobs:
        run = bobs.post("/api/gpts/pump-doctor/runs", json={"text": "Which seal?"}).json()
        meanwhile(worker.answer)
        seen = events(bobs, run["id"])
        assert [event["type"] for _, event in seen][-1] == "done"
        assert "".join(event["text"] for _, event in seen if event["type"] == "token").strip() == ANSWER

        rest = events(bobs, run["id"], after=seen[2][0])
        assert rest == seen[3:]

        state = bobs.get(f"/api/runs/{run['id']}").json()
        assert (state["status"], state["answer"], state["coverage"]) == ("completed", ANSWER, "covered")
        assert state["citations"][0]["file_name"] == "manual.pdf"
        assert (state["usage"]["total_tokens"], state["first_token_ms"]) == (49, 12)
        assert [step["kind"] for step in state["steps"]] == ["user_message", "retrieval", "model_reply", "finished"]
        talk = bobs.get(f"/api/conversations/{run['conversation']}").json()
        assert talk["messages"][0]["answer"] == ANSWER


@pytest.mark.process
def test_a_waiting_run_tells_its_place_in_its_events_and_its_state(live, alice, bob, gpt, worker, meanwhile):
    for n in range(3):
        start_run(start_conversation(bob, gpt), f"Question {n}")
    taken = fair_queue.take("model")
    fair_queue.learn_duration(taken, 30)
    run = start_run(start_conversation(bob, gpt), "The last of Bob's")
    with httpx.Client(base_url=live, headers={"Authorization": f"Bearer {key_of(bob)}"}, timeout=20) as bobs:
        assert bobs.get(f"/api/runs/{run.id}").json()["queue"] == {"ahead": 2, "wait_s": 90}
        assert bobs.get(f"/api/runs/{taken.run_id}").json()["queue"] is None
        with bobs.stream("GET", f"/api/runs/{run.id}/events") as response:
            lines = (line for line in response.iter_lines() if line.startswith("data: "))
            place = {"type": "queue", "ahead": 2, "wait_s": 90, "text": "Queued · 2 ahead of you · about 2 minutes"}
            assert json.loads(next(lines).removeprefix("data: ")) == place
            fair_queue.take("model")
            assert json.loads(next(lines).removeprefix("data: "))["ahead"] == 1
            cancel_run(run)
            assert '"done"' in list(lines)[-1]


def events(client: httpx.Client, run_id: str, after: str = "") -> list[tuple[str, dict]]:
    """The (id, event) pairs of the stream, to its end."""
    found, last = [], ""
    headers = {"Last-Event-ID": after} if after else {}
    with client.stream("GET", f"/api/runs/{run_id}/events", headers=headers) as response:
        for line in response.iter_lines():
            if line.startswith("id: "):
                last = line.removeprefix("id: ")
            elif line.startswith("data: "):
                found.append((last, json.loads(line.removeprefix("data: "))))
    return found


def test_a_preview_of_another_version_is_asked_by_its_number(alices, gpt):
    body = {"text": "Try it", "preview": True, "version": 1}
    run = alices.post("/api/gpts/pump-doctor/runs", body, content_type=JSON).json()
    assert Run.objects.get(id=run["id"]).version.number == 1
    missing = alices.post("/api/gpts/pump-doctor/runs", body | {"version": 99}, content_type=JSON)
    assert missing.status_code == 404
