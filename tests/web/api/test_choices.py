"""`n` in chat completions: several answers to one request, by the official client against a live site."""

import asyncio
import threading

import openai
import pytest
from openai import OpenAI

from gpts.runs.overrides import Overrides
from tests.web.api.conftest import ANSWER, Worker, key_of
from web.api.choices import begun
from web.api.messages import ProgramMessage
from web.api.program_runs import start
from web.api.repeats import RepeatableRequest
from web.runs import files, log
from web.runs.connections import in_database
from web.runs.models import ConversationFile, Run

pytestmark = pytest.mark.process
QUESTION = [{"role": "user", "content": "Which seal fits?"}]


@pytest.fixture
def bobs(live, bob) -> OpenAI:
    return OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=20)


def answers(worker: Worker, *texts: str):
    def answer() -> None:
        for text in texts:
            worker.take()
            worker.write(text[:4])
            worker.finish(text, citations=())

    return answer


def test_each_of_n_answers_is_a_run_with_a_seed_of_its_own_and_their_usage_adds_up(bobs, gpt, worker, meanwhile):
    meanwhile(answers(worker, "One seal.", "Two seals.", "No seal."))
    made = bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, n=3, seed=6)

    texts = ["One seal.", "Two seals.", "No seal."]
    assert [(each.index, each.message.content) for each in made.choices] == list(enumerate(texts))
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (120, 27, 147)
    runs = list(Run.objects.order_by("created"))
    assert [each.guildhall["run_id"] for each in made.choices] == [str(run.id) for run in runs]
    assert made.id == f"chatcmpl-{runs[0].id.hex}"
    assert sorted(log.read(run.id)[0].overrides.seed for run in runs) == [4, 6, 7]


def test_answers_are_streamed_side_by_side_each_with_its_index(bobs, gpt, worker, meanwhile):
    may_end = threading.Event()
    others: list[Worker] = []

    def begin_both() -> None:
        worker.take()
        worker.write("The seal is")
        others.append(Worker(worker._woken))
        others[0].take()
        others[0].write("It is")
        assert may_end.wait(20)
        others[0].finish("It is ZP-771.", citations=())
        worker.finish()

    meanwhile(begin_both)
    options = {"stream": True, "stream_options": {"include_usage": True}, "n": 2}
    chunks = iter(bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, **options))
    texts, seen, ends, usage = {0: "", 1: ""}, [], [], None
    for chunk in chunks:
        seen.append(chunk)
        usage = chunk.usage
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends += [choice.index] if choice.finish_reason else []
        if all(texts.values()):  # both are being written, and neither is over
            may_end.set()
    assert texts == {0: ANSWER, 1: "It is ZP-771."}
    assert sorted(ends) == [0, 1]
    assert (usage.total_tokens, seen[-1].choices) == (98, [])
    assert len({chunk.id for chunk in seen}) == 1
    firsts = {choice.index: choice.delta.role for chunk in reversed(seen) for choice in chunk.choices}
    assert firsts == {0: "assistant", 1: "assistant"}


def test_each_answer_has_the_files_of_the_message(bobs, gpt, bob, worker, meanwhile, monkeypatch):
    monkeypatch.setattr("web.runs.files.queue_indexing", lambda file: None)
    uploaded = files.attach(bob, "known.txt", [b"The seal is ZP-771."])
    ConversationFile.objects.update(status="ready", segment="s1")
    part = {"type": "file", "file": {"file_id": f"file-{uploaded.id.hex}"}}
    meanwhile(answers(worker, "One seal.", "Two seals."))
    bobs.chat.completions.create(model=gpt.slug, messages=[{"role": "user", "content": [part]}], n=2)
    firsts = [log.read(run.id)[0] for run in Run.objects.all()]
    assert [[file.name for file in first.attachments] for first in firsts] == [["known.txt"], ["known.txt"]]


@pytest.mark.parametrize("streams", [False, True])
def test_if_one_answer_fails_the_others_are_stopped(bobs, gpt, worker, meanwhile, streams):
    def fail() -> None:
        worker.take()
        worker.fail("The model is away.")

    meanwhile(fail)
    with pytest.raises(openai.APIError, match="The model is away"):
        list(bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, n=3, stream=streams))
    for _ in range(2):
        worker.next_run()
    assert sorted(Run.objects.values_list("status", flat=True)) == ["cancelled", "cancelled", "failed"]


def test_a_reader_who_leaves_stops_all_answers(bobs, gpt, worker, meanwhile):
    meanwhile(lambda: (worker.take(), worker.write("The seal is")))
    stream = bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, n=3, stream=True)
    next(iter(stream))
    stream.close()
    for _ in range(200):
        if set(Run.objects.values_list("status", flat=True)) == {"cancelled"}:
            break
        threading.Event().wait(0.05)
    assert [run.status for run in Run.objects.all()] == ["cancelled"] * 3


def test_a_caller_who_leaves_while_runs_are_created_leaves_none_behind(gpt, bob, transactional_db, monkeypatch):
    monkeypatch.setattr("web.runs.wake.send_task", lambda *args, **more: None)
    creating, may_create = threading.Event(), threading.Event()

    def create() -> Run:
        creating.set()
        assert may_create.wait(20)
        return start(bob, gpt.slug, ProgramMessage("Which seal?"), Overrides())

    async def leave() -> None:
        async def ask() -> None:
            async with begun(RepeatableRequest(bob, "", "b"), create, create):
                raise AssertionError("the caller has left")

        asking = asyncio.create_task(ask())
        await asyncio.to_thread(creating.wait, 20)
        asking.cancel()
        await asyncio.sleep(0)
        may_create.set()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await in_database(lambda: [run.status for run in Run.objects.all()]) == ["cancelled"] * 2

    asyncio.run(leave())


def test_the_same_key_gets_the_same_answers(bobs, gpt, worker, meanwhile):
    meanwhile(answers(worker, "One seal.", "Two seals."))
    same = {"model": gpt.slug, "messages": QUESTION, "n": 2, "extra_headers": {"Idempotency-Key": "k"}}
    first = bobs.chat.completions.create(**same)
    assert bobs.chat.completions.create(**same) == first
    assert Run.objects.count() == 2


def test_too_many_answers_are_refused_and_all_count_in_the_quota(bobs, gpt, settings):
    for n in (0, 9):
        with pytest.raises(openai.BadRequestError) as refused:
            bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, n=n)
        assert (refused.value.param, refused.value.code) == ("n", "invalid")
    settings.MAX_ACTIVE_RUNS = 2
    with pytest.raises(openai.RateLimitError):
        bobs.chat.completions.create(model=gpt.slug, messages=QUESTION, n=3)
    assert Run.objects.count() == 0
