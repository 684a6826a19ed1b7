"""Requests that clients send again, with the official client and its own retries: one call makes one run."""

import threading
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from django.test import Client
from openai import OpenAI

from gpts.runs.steps import ModelReply, ToolCall, ToolStarted
from tests.web.api.conftest import ANSWER, bearer, key_of
from web.runs import services
from web.runs.models import IdempotentRequest, Run

pytestmark = pytest.mark.process


@pytest.fixture
def client(live, bob) -> OpenAI:
    return OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), timeout=20)  # with retries, as it comes


def ask(client: OpenAI, text: str = "Send the list.", key: str = "", **options: object):
    headers = {"Idempotency-Key": key} if key else {}
    messages = [{"role": "user", "content": text}]
    return client.chat.completions.create(model="pump-doctor", messages=messages, extra_headers=headers, **options)


def ask_person(worker) -> None:
    worker.take()
    worker.ask_person()


def allow(run_id, bob) -> None:
    """Bob allows the call on the page that the error names."""
    browser = Client()
    browser.force_login(bob)
    page = browser.get(f"/runs/{run_id}/").content.decode()
    assert f'action="/runs/{run_id}/approve"' in page
    answer = {"call_id": "w1", "digest": "d" * 64, "allowed": "true"}
    assert browser.post(f"/runs/{run_id}/approve", answer, follow=True).status_code == 200


@pytest.mark.parametrize("streams", [False, True])
def test_one_call_makes_one_run_and_one_request_which_its_repetition_gets_answered(
    client, gpt, worker, meanwhile, bob, streams
):
    meanwhile(lambda: ask_person(worker))
    with pytest.raises(openai.APIError) as caught:
        list(ask(client, stream=True)) if streams else ask(client)
    assert caught.value.code == "approval_required"
    assert streams or caught.value.status_code == 403
    assert f"/runs/{worker.run_id}/" in str(caught.value)
    with pytest.raises(openai.PermissionDeniedError, match=str(worker.run_id)):
        ask(client)  # still waiting
    assert Run.objects.get().status == "requires_action"
    services.cancel_run(Run.objects.get())
    meanwhile(lambda: ask_person(worker))
    with pytest.raises(openai.PermissionDeniedError):
        ask(client)  # a run that was stopped is no answer to come back for
    Run.objects.filter(status="cancelled").delete()

    allow(worker.run_id, bob)
    worker.retake()
    worker.finish()
    assert ask(client).choices[0].message.content == ANSWER
    assert Run.objects.count() == 1

    worker.next_run()  # woken by the approval
    meanwhile(worker.answer)
    assert ask(client).choices[0].message.content == ANSWER  # answered before: a new question
    assert Run.objects.count() == 2


def test_retries_without_a_key_get_the_run_of_the_first_attempt(client, gpt, worker, meanwhile):
    def answer_once_retried() -> None:
        worker.take()
        worker.retrieve()
        while IdempotentRequest.objects.count() < 3:
            threading.Event().wait(0.05)
        worker.finish()

    meanwhile(answer_once_retried)
    impatient = client.with_options(timeout=1.0, max_retries=2)
    assert ask(impatient).choices[0].message.content == ANSWER
    assert Run.objects.get().status == "completed"

    for _ in range(2):  # what is sent again on purpose is a question of its own
        meanwhile(worker.answer)
        ask(client)
    assert Run.objects.count() == 3


def test_a_run_that_failed_is_begun_again_by_a_retry(client, gpt, worker, meanwhile):
    def fail_then_answer() -> None:
        worker.take()
        worker.fail("The model is gone.")
        worker.lease = ""
        worker.answer()

    meanwhile(fail_then_answer)
    assert ask(client).choices[0].message.content == ANSWER
    assert sorted(Run.objects.values_list("status", flat=True)) == ["completed", "failed"]


def test_an_agent_does_not_approve_its_own_calls(client, gpt, worker, meanwhile, bob, charlie):
    meanwhile(lambda: ask_person(worker))
    with pytest.raises(openai.PermissionDeniedError):
        ask(client)
    answer = {"call_id": "w1", "allowed": True}
    url = f"/api/runs/{worker.run_id}/approve"

    refused = bearer(key_of(bob)).post(url, answer, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "key_cannot_approve")
    assert Run.objects.get().status == "requires_action"
    others = bearer(key_of(charlie, may_approve=True))
    assert others.post(url, answer, content_type="application/json").status_code == 404
    approver = bearer(key_of(bob, may_approve=True))
    assert approver.post(url, answer, content_type="application/json").status_code == 200
    assert Run.objects.get().status == "in_progress"


def test_a_key_finds_the_run_again_whatever_became_of_the_first_request(client, live, gpt, worker, meanwhile, alice):
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=1.0, max_retries=0), key="k1")
    assert ask_later(client, worker, meanwhile) == [ANSWER] * 2
    assert ask(client, key="k1").choices[0].message.content == ANSWER
    assert Run.objects.count() == 1

    for text, key, code in (("Another.", "k1", "idempotency_key_reused"), ("Any.", "k" * 256, None)):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(client, text, key)
        assert caught.value.code == code
    meanwhile(worker.answer)
    alices = client.with_options(api_key=key_of(alice))
    assert ask(alices, key="k1").id != ask(client, key="k1").id
    sent = [
        bearer(key_of(alice)).post(
            f"/api/gpts/{gpt.slug}/runs", {"text": "Hi"}, "application/json", headers={"Idempotency-Key": "k2"}
        )
        for _ in range(2)
    ]
    assert [response.status_code for response in sent] == [202, 202]
    assert len({response.json()["id"] for response in sent}) == 1


def ask_later(client: OpenAI, worker, meanwhile) -> list[str]:
    """The answers to two more requests with the same key, sent at once while the run is in progress."""
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, client, key="k1") for _ in range(2)]
        meanwhile(worker.answer)
        return [each.result().choices[0].message.content for each in asked]


def test_a_run_that_failed_after_an_effect_is_not_tried_again(client, gpt, worker, meanwhile):
    def fail() -> None:
        worker.take()
        worker._append(ModelReply(text="", tool_calls=(ToolCall(call_id="t1", name="send", arguments={}),)))
        worker._append(ToolStarted(call_id="t1", name="send"))
        worker.fail("The model is gone.")

    meanwhile(fail)
    with pytest.raises(openai.InternalServerError, match="The model is gone"):
        ask(client)
    assert Run.objects.count() == 1
