"""`/v1/completions`, by the official client against a live site."""

import openai
import pytest
from openai import OpenAI

from gpts.runs.steps import UserMessage
from tests.publishing import publish
from tests.web.api.conftest import ANSWER, Worker, key_of
from web.builder.services import update_gpt
from web.runs import log
from web.runs.models import Run

pytestmark = pytest.mark.process


@pytest.fixture
def bobs(live, bob) -> OpenAI:
    return OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=20)


def answers(worker: Worker, n: int):
    def answer() -> None:
        for _ in range(n):
            worker.answer()

    return answer


def test_each_prompt_gets_n_answers_of_runs_of_their_own(bobs, gpt, worker, meanwhile):
    meanwhile(answers(worker, 4))
    prompts = ["Which seal?", "Welche Dichtung?"]
    made = bobs.completions.create(
        model=gpt.slug, prompt=prompts, n=2, echo=True, max_tokens=7, stop=["x"], logprobs=3
    )

    assert [choice.index for choice in made.choices] == [0, 1, 2, 3]
    assert [choice.text for choice in made.choices] == [text + ANSWER for text in prompts for _ in range(2)]
    assert {(choice.finish_reason, choice.logprobs) for choice in made.choices} == {("stop", None)}
    assert (made.model, made.object, made.id[:5]) == (gpt.slug, "text_completion", "cmpl-")
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (160, 36, 196)
    cited = made.choices[2].guildhall["citations"][0]
    assert made.choices[2].text[cited["start_index"] : cited["end_index"]] == "The seal is ZP-771."
    firsts = [log.read(run.id)[0] for run in Run.objects.order_by("created")]
    assert [first.text for first in firsts if isinstance(first, UserMessage)] == [
        *[prompts[0]] * 2,
        *[prompts[1]] * 2,
    ]
    assert {(first.overrides.max_tokens, first.overrides.stop) for first in firsts} == {(7, ("x",))}


def test_a_stream_brings_one_answer_after_another_and_all_tokens(bobs, gpt, worker, meanwhile):
    meanwhile(answers(worker, 2))
    options = {"stream": True, "stream_options": {"include_usage": True}, "echo": True}
    chunks = list(bobs.completions.create(model=gpt.slug, prompt="Which seal?", n=2, **options))

    texts = {0: "", 1: ""}
    for choice in (chunk.choices[0] for chunk in chunks if chunk.choices):
        texts[choice.index] += choice.text
    assert texts == dict.fromkeys((0, 1), f"Which seal?{ANSWER}")
    ends = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ends == ["stop", "stop"]
    assert chunks[-1].usage.total_tokens == 98


def test_a_failure_ends_the_request_and_stops_the_other_answers(bobs, gpt, worker, meanwhile):
    def fail() -> None:
        worker.take()
        worker.fail("The model is away.")

    for streams in (False, True):
        meanwhile(fail)
        with pytest.raises(openai.APIError, match="The model is away"):
            list(bobs.completions.create(model=gpt.slug, prompt="Which seal?", n=3, stream=streams))
        for _ in range(2):
            worker.next_run()
        assert sorted(Run.objects.values_list("status", flat=True)) == ["cancelled", "cancelled", "failed"]
        Run.objects.all().delete()


def test_the_same_key_gets_the_same_answers(bobs, gpt, worker, meanwhile):
    meanwhile(answers(worker, 2))
    same = {"model": gpt.slug, "prompt": "Which seal?", "n": 2, "extra_headers": {"Idempotency-Key": "k"}}
    first = bobs.completions.create(**same)
    assert bobs.completions.create(**same).id == first.id
    assert Run.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "param", "code"),
    [
        ({"prompt": ""}, "prompt", "invalid_value"),
        ({"prompt": []}, "prompt", "invalid_value"),
        ({"prompt": ["a", " "]}, "prompt", "invalid_value"),
        ({"prompt": [1, 2]}, "prompt", "unsupported_value"),
        ({"prompt": [[1], [2]]}, "prompt", "unsupported_value"),
        ({"prompt": ["a"] * 17}, "prompt", "invalid_value"),
        ({"prompt": ["a"] * 5, "n": 4}, "prompt", "invalid_value"),
        ({"prompt": "a", "n": 2, "best_of": 3}, "best_of", "unsupported_value"),
        ({"prompt": "a", "n": 0}, "n", "invalid"),
        ({"prompt": "a", "suffix": "b"}, "suffix", "unsupported_parameter"),
        ({"prompt": "a", "temperature": 3}, "temperature", "invalid"),
        ({"prompt": "a", "stop": [""]}, "stop", "invalid_value"),
        ({"prompt": "a" * 2_600_000}, None, "request_too_large"),
    ],
)
def test_bad_prompts_are_refused_and_leave_no_run(bobs, gpt, wrong, param, code):
    with pytest.raises(openai.APIStatusError) as refused:
        bobs.completions.create(model=gpt.slug, **wrong)
    assert refused.value.status_code in (400, 413)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert Run.objects.count() == 0


def test_beyond_what_bob_may_have_in_progress_none_is_begun(bobs, gpt, settings):
    settings.MAX_ACTIVE_RUNS = 2
    with pytest.raises(openai.RateLimitError):
        bobs.completions.create(model=gpt.slug, prompt="Which seal?", n=3)
    assert Run.objects.count() == 0


def test_inputs_are_filled_in_for_each_prompt(bobs, gpt, worker, meanwhile):
    publish(update_gpt(gpt, {"inputs": [{"name": "customer", "required": True}]}, by=gpt.owner))
    with pytest.raises(openai.BadRequestError, match="customer"):
        bobs.completions.create(model=gpt.slug, prompt="Hello")
    meanwhile(answers(worker, 2))
    bobs.completions.create(model=gpt.slug, prompt="Hello", n=2, extra_body={"inputs": {"customer": "Acme"}})
    assert [run.message.conversation.inputs for run in Run.objects.all()] == [{"customer": "Acme"}] * 2
