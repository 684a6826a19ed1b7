"""`/v1/batches`: requests in a file, run while nobody waits, once each, however often a worker is killed."""

import json
from datetime import timedelta

import openai
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.http import JsonResponse
from django.utils import timezone

from gpts.runs.steps import Finished
from tests.web.api.conftest import ANSWER
from tests.web.api.official import checked, official
from web.accounts import quotas
from web.api import batch_work, program_runs
from web.api.errors import ApiError
from web.api.models_batches import Batch, BatchLine
from web.api.repeats import RepeatableRequest
from web.runs import connections, fair_queue, services
from web.runs.events import ApprovalNeeded
from web.runs.models import ConversationFile, Run
from web.runs.services import start_conversation, start_run

pytestmark = pytest.mark.django_db
CHAT = "/v1/chat/completions"


def line(name: str, url: str = CHAT, **body: object) -> bytes:
    question = {"model": "pump-doctor", "messages": [{"role": "user", "content": f"Question {name}?"}]}
    return (
        json.dumps({"custom_id": name, "method": "POST", "url": url, "body": {**question, **body}}).encode() + b"\n"
    )


def created(client, *lines: bytes, **more) -> Batch:
    file = client.files.create(file=("in.jsonl", b"".join(lines)), purpose="batch")
    more = {"endpoint": CHAT, "completion_window": "24h", **more}
    return checked(client.batches.create(input_file_id=file.id, **more))


def results(client, name: str | None) -> dict:
    lines = client.files.content(name).text.splitlines() if name else []
    return {each["custom_id"]: each for each in map(json.loads, lines)}


@pytest.fixture
def sent(monkeypatch) -> list[dict]:
    """The bodies of the requests that were run, each answered at once with its question."""
    bodies: list[dict] = []

    async def respond(owner, url, body, key):
        assert fair_queue.is_low()
        bodies.append(body)
        status = body.get("status", 200)
        headers = {"Retry-After": "60"} if status == 429 else {}
        return JsonResponse({"said": body["messages"][0]["content"]}, status=status, headers=headers)

    monkeypatch.setattr(batch_work, "respond", respond)
    return bodies


@pytest.mark.django_db(transaction=True)
def test_a_run_that_would_wait_for_a_person_is_stopped(bob, gpt, sent_tasks, monkeypatch):
    run = start_run(start_conversation(bob, gpt), "Send it.")

    async def events(run_id):
        raise ApprovalNeeded(run_id)
        yield {}

    monkeypatch.setattr(program_runs, "events", events)
    asked = RepeatableRequest(bob, "k", "b")
    with pytest.raises(ApiError, match="batch") as refused, fair_queue.at_low_priority():
        async_to_sync(program_runs.finished_steps)(run, asked)
    assert (refused.value.problem.status, refused.value.problem.code) == (403, "approval_required")
    assert Run.objects.get().status == Run.Status.CANCELLED
    other = start_run(start_conversation(bob, gpt), "Send it.")
    with pytest.raises(ApiError, match="send this request again"):
        async_to_sync(program_runs.finished_steps)(other, asked)
    assert Run.objects.get(id=other.id).status == Run.Status.QUEUED


def test_every_line_is_run_once_and_bad_ones_go_to_the_errors_with_their_line(
    bob, charlie, gpt, sent, sent_tasks, django_capture_on_commit_callbacks
):
    bobs = official(bob)
    bad = [b"{not json\n", b"[]\n", b'{"custom_id": "x"}\n', line("a"), line("s", stream=True), line("u", "/v1/x")]
    with django_capture_on_commit_callbacks(execute=True):
        batch = created(bobs, line("a"), b"\n", *bad, line("b", status=404), line("c"), metadata={"k": "v"})
    assert sent_tasks == [("workers.tasks.work_batches", "", "tools")]
    assert (batch.status, batch.endpoint, batch.metadata) == ("validating", CHAT, {"k": "v"})

    batch_work.work()
    done = checked(bobs.batches.retrieve(batch.id))
    assert (done.status, done.request_counts.to_dict()) == ("completed", {"total": 9, "completed": 2, "failed": 7})
    assert done.completed_at >= done.in_progress_at >= done.created_at
    assert [body["messages"][0]["content"] for body in sent] == ["Question a?", "Question b?", "Question c?"]
    output = results(bobs, done.output_file_id)
    assert set(output) == {"a", "c"}
    assert output["a"]["response"]["body"] == {"said": "Question a?"}
    assert (output["a"]["response"]["status_code"], output["a"]["error"]) == (200, None)
    errors = list(map(json.loads, bobs.files.content(done.error_file_id).text.splitlines()))
    wrong = {each["error"]["line"]: each["error"] for each in errors if each["error"]}
    assert sorted(wrong) == [3, 4, 5, 6, 7, 8]
    assert (wrong[3]["input"], "not JSON" in wrong[3]["message"]) == ("{not json", True)
    [refused] = [each for each in errors if not each["error"]]
    assert (refused["custom_id"], refused["response"]["status_code"]) == ("b", 404)
    assert bobs.files.retrieve(done.output_file_id).purpose == "batch_output"
    assert not BatchLine.objects.exists()

    assert [each.id for each in bobs.batches.list()] == [batch.id]
    charlies = official(charlie)
    assert list(charlies.batches.list()) == []
    for ask in (charlies.batches.retrieve, charlies.batches.cancel, lambda name: charlies.batches.list(after=name)):
        with pytest.raises(openai.NotFoundError):
            ask(batch.id)
    with pytest.raises(openai.NotFoundError):
        charlies.batches.create(input_file_id=batch.input_file_id, endpoint=CHAT, completion_window="24h")


def test_what_cannot_be_a_batch_is_refused_or_fails(bob, settings, monkeypatch):
    bobs = official(bob)
    notes = bobs.files.create(file=("a.txt", b"x"), purpose="user_data")
    for wrong in ({"endpoint": "/v1/files"}, {"completion_window": "1h"}, {"input_file_id": notes.id}):
        file = bobs.files.create(file=("in.jsonl", line("a")), purpose="batch")
        given = {"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h", **wrong}
        with pytest.raises(openai.BadRequestError):
            bobs.batches.create(**given)
    monkeypatch.setattr("web.api.batch_lines.MAX_LINES", 1)
    empty, many, gone = created(bobs, b"\n \n"), created(bobs, line("a"), line("b")), created(bobs, line("a"))
    bobs.files.delete(gone.input_file_id)
    while batch_work.work():
        pass
    for batch, code in ((empty, "empty_file"), (many, "too_many_requests"), (gone, "file_not_found")):
        failed = checked(bobs.batches.retrieve(batch.id))
        assert (failed.status, failed.errors.data[0].code, bool(failed.failed_at)) == ("failed", code, True)
    monkeypatch.setattr("web.api.batches.MAX_OPEN", 0)
    with pytest.raises(openai.BadRequestError, match="in progress"):
        created(bobs, line("a"))


def test_new_batches_of_many_are_read_in_turns_and_their_lines_count_as_storage(bob, charlie, sent):
    for _ in range(3):
        created(official(bob), line("a"))
    other = created(official(charlie), line("c"))
    assert batch_work.work()
    assert batch_work.work()
    assert official(charlie).batches.retrieve(other.id).status != "validating"
    assert Batch.objects.filter(owner=bob, status="validating").count() == 2
    quotas.set_limit("storage_mb", 0, bob)
    again = f"file-{Batch.objects.filter(owner=bob)[0].input.hex}"
    with pytest.raises(openai.RateLimitError):
        official(bob).batches.create(input_file_id=again, endpoint=CHAT, completion_window="24h")


def test_a_batch_waits_for_people_and_takes_turns_with_others(bob, charlie, alice, gpt, sent):
    first, second = created(official(bob), line("a"), line("b")), created(official(charlie), line("c"))
    waiting = start_run(start_conversation(alice, gpt), "Hello")
    batch_work.work()
    assert (sent, official(bob).batches.retrieve(first.id).status) == ([], "in_progress")
    services.cancel_run(waiting)
    batch_work.work()
    assert [body["messages"][0]["content"] for body in sent] == ["Question a?", "Question c?", "Question b?"]
    assert official(charlie).batches.retrieve(second.id).status == "completed"


def test_a_run_of_a_batch_is_taken_last_and_takes_no_place_from_its_owner(bob, alice, gpt, settings):
    settings.MAX_ACTIVE_RUNS = 1
    with fair_queue.at_low_priority():
        low = start_run(start_conversation(bob, gpt), "Later")
    assert not fair_queue.people_wait("model")
    own = start_run(start_conversation(bob, gpt), "Now")  # though one answer at once is his limit
    others = start_run(start_conversation(alice, gpt), "Now")
    assert fair_queue.people_wait("model")
    taken = [claimed.run_id for _ in range(3) if (claimed := fair_queue.take("model"))]
    assert set(taken[:2]) == {own.id, others.id}
    assert taken[2:] == [low.id]


@pytest.fixture
def one_connection(monkeypatch) -> None:
    """Asynchronous views use the test's connection."""
    monkeypatch.setattr(connections, "sync_to_async", lambda query, thread_sensitive=True: sync_to_async(query))
    monkeypatch.setattr(connections, "close_old_connections", lambda: None)
    monkeypatch.setattr(connections.connections, "close_all", lambda: None)


@pytest.mark.usefixtures("one_connection")
def test_a_worker_killed_at_any_moment_loses_and_doubles_nothing(bob, gpt, monkeypatch):
    """The real requests: the first worker dies once its run has begun, the second one once it is over."""
    bobs = official(bob)
    batch = created(bobs, line("a"))
    batch_work._read(Batch.objects.get())
    batch_work._read(Batch.objects.get())  # a worker died before the status was written
    assert BatchLine.objects.count() == 1
    ends: list[str] = []

    async def killed(run, asked):
        ends.append(str(run.id))
        raise SystemExit

    def after_a_minute() -> BatchLine:
        assert batch_work.take() is None  # somebody has it
        BatchLine.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
        found = batch_work.take()
        assert found is not None
        return found

    found = batch_work.take()
    with monkeypatch.context() as during:
        during.setattr("web.api.program_runs.finished_steps", killed)
        for _ in range(2):
            with pytest.raises(SystemExit):
                batch_work.run(found)
            found = after_a_minute()
    assert len(set(ends)) == Run.objects.count() == 1
    run = Run.objects.get()
    assert run.is_low
    lease = fair_queue.take("model").lease
    services.finish_run(run.id, Finished(text="ZP-771."), lease)

    batch_work.run(found)
    with monkeypatch.context() as during:
        during.setattr(batch_work, "_written", lambda *_: 1 / 0)
        batch_work.work()  # which logs it
    assert (Batch.objects.get().status, BatchLine.objects.get().status) == ("in_progress", "done")
    batch_work.work()
    batch_work.work()
    done = bobs.batches.retrieve(batch.id)
    assert done.status == "completed"
    [result] = results(bobs, done.output_file_id).values()
    assert result["response"]["body"]["choices"][0]["message"]["content"] == "ZP-771."
    assert ConversationFile.objects.filter(purpose="batch_output").count() == Run.objects.count() == 1


@pytest.mark.process
@pytest.mark.parametrize("url", [CHAT, "/v1/responses"])
def test_a_line_is_answered_as_over_the_api(url, transactional_db, with_valkey, gpt, bob, worker, meanwhile):
    """In a worker's thread, with a real stream of the run's events."""
    bobs, body = official(bob), {"model": gpt.slug, "messages": [{"role": "user", "content": "Which seal?"}]}
    body = body if url == CHAT else {"model": gpt.slug, "input": "Which seal?"}
    request = {"custom_id": "a", "method": "POST", "url": url, "body": body}
    batch = created(bobs, json.dumps(request).encode(), endpoint=url)
    meanwhile(worker.answer)
    batch_work.work()
    [result] = results(bobs, bobs.batches.retrieve(batch.id).output_file_id).values()
    whole = result["response"]["body"]
    text = whole["choices"][0]["message"]["content"] if url == CHAT else whole["output"][-1]["content"][0]["text"]
    assert (text, Run.objects.get().is_low) == (ANSWER, True)


def test_over_quota_it_goes_on_later_and_what_kills_its_worker_is_given_up(bob, gpt, sent):
    bobs = official(bob)
    batch = created(bobs, line("a", status=429), line("b"))
    batch_work.work()
    assert (len(sent), bobs.batches.retrieve(batch.id).status) == (1, "in_progress")
    assert Batch.objects.get().resumes > timezone.now()
    Batch.objects.update(resumes=None)
    BatchLine.objects.filter(custom_id="a").update(n_attempts=batch_work.MAX_ATTEMPTS)
    batch_work.work()
    done = bobs.batches.retrieve(batch.id)
    assert results(bobs, done.error_file_id)["a"]["error"]["code"] == "server_error"
    assert set(results(bobs, done.output_file_id)) == {"b"}


@pytest.mark.parametrize(("how", "status"), [("cancel", "cancelled"), ("expire", "expired")])
def test_what_was_done_before_a_batch_is_stopped_is_kept(how, status, bob, gpt, sent, monkeypatch):
    bobs = official(bob)
    batch = created(bobs, line("a"), line("b"), output_expires_after={"anchor": "created_at", "seconds": 7200})
    batch_work._read(Batch.objects.get())
    batch_work.run(batch_work.take())
    under_way = batch_work.take()
    if how == "cancel":
        assert checked(bobs.batches.cancel(batch.id)).status == "cancelling"
    else:
        Batch.objects.update(expires=timezone.now() - timedelta(seconds=1))
    batch_work.work()
    assert bobs.batches.retrieve(batch.id).output_file_id is None  # a line is under way
    BatchLine.objects.filter(id=under_way.id).update(claimed_until=None)
    batch_work.work()
    ended = checked(bobs.batches.retrieve(batch.id))
    assert (ended.status, ended.request_counts.to_dict()) == (status, {"total": 2, "completed": 1, "failed": 1})
    assert set(results(bobs, ended.output_file_id)) == {"a"}
    assert results(bobs, ended.error_file_id)["b"]["error"]["code"] == f"batch_{status}"
    output = bobs.files.retrieve(ended.output_file_id)
    assert output.expires_at - output.created_at == pytest.approx(7200, abs=1)
    with pytest.raises(openai.BadRequestError, match=status):
        bobs.batches.cancel(batch.id)


def test_a_suspended_person_has_nothing_run(bob, gpt, sent):
    created(official(bob), line("a"))
    type(bob).objects.filter(id=bob.id).update(is_active=False)
    batch_work.work()
    assert sent == []
