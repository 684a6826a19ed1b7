"""How likely the tokens of an answer were, through the workers' own loop, by the official client."""

import math

import openai
import pytest
from openai import OpenAI

from tests.web.api.conftest import key_of
from tests.workers.advancing import advance
from tests.workers.made_services import made_services
from workers.knowledge.embed import Embedder

pytestmark = pytest.mark.process
REPLY = "<think>Rain, then.</think>It rains in Bern. "
WORDS = ["It ", "rains ", "in ", "Bern. "]
HALF = math.log(0.5)


@pytest.fixture
def bobs(live, bob, gpt, worker, meanwhile) -> OpenAI:
    """Asks; a model answers each time."""
    its = made_services([REPLY], None, Embedder("bundled"))
    for _ in range(2):
        meanwhile(lambda: advance(worker.next_run(), "model", lambda: its))
    return OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=20)


def told(content) -> list[tuple]:
    return [(each.token, each.logprob, [(top.token, top.logprob) for top in each.top_logprobs]) for each in content]


# The first word comes with the end of the reasoning, which is no part of the answer.
EXPECTED = [(word, HALF, [(word, HALF), (f"{word.strip()}1", HALF)]) for word in WORDS]


def test_a_chat_completion_tells_them_whole_and_in_pieces(bobs, gpt):
    asked = {"model": gpt.slug, "messages": [{"role": "user", "content": "Rain?"}], "logprobs": True}
    whole = bobs.chat.completions.create(**asked, top_logprobs=2)
    assert whole.choices[0].message.content == "It rains in Bern."
    assert told(whole.choices[0].logprobs.content)[1:] == EXPECTED[1:]
    assert whole.choices[0].logprobs.content[0].token.endswith("It ")

    chunks = [chunk.choices[0] for chunk in bobs.chat.completions.create(**asked, top_logprobs=2, stream=True)]
    assert "".join(choice.delta.content or "" for choice in chunks) == "It rains in Bern."
    streamed = [each for choice in chunks if choice.logprobs for each in choice.logprobs.content]
    assert streamed == whole.choices[0].logprobs.content
    assert all(choice.delta.content for choice in chunks if choice.logprobs)


def test_a_response_tells_them_whole_and_in_pieces(bobs, gpt):
    asked = {"model": gpt.slug, "input": "Rain?", "include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole = bobs.responses.create(**asked)
    assert (whole.output_text, whole.top_logprobs) == ("It rains in Bern.", 2)
    content = whole.output[-1].content[0]
    assert told(content.logprobs)[1:] == EXPECTED[1:]

    events = list(bobs.responses.create(**asked, stream=True))
    pieces = [each for event in events if event.type == "response.output_text.delta" for each in event.logprobs]
    assert [(each.token, each.logprob) for each in pieces] == [
        (each.token, each.logprob) for each in content.logprobs
    ]
    [done] = [event for event in events if event.type == "response.output_text.done"]
    assert len(done.logprobs) == 4
    assert events[-1].response.output[-1].content[0].logprobs == content.logprobs


def test_a_plain_completion_tells_them_with_their_places(bobs, gpt):
    asked = {"model": gpt.slug, "prompt": "Rain?", "echo": True, "logprobs": 1}
    [choice] = bobs.completions.create(**asked).choices
    assert choice.text == "Rain?It rains in Bern."
    assert choice.logprobs.tokens[1:] == WORDS[1:]
    assert choice.logprobs.token_logprobs == [HALF] * 4
    assert choice.logprobs.top_logprobs[1] == {"rains ": HALF}
    streamed = [chunk.choices[0] for chunk in bobs.completions.create(**asked, stream=True)]
    assert [token for each in streamed if each.logprobs for token in each.logprobs.tokens][1:] == WORDS[1:]


def test_nothing_is_told_that_was_not_asked_for_or_that_no_model_wrote(live, bob, gpt, worker, meanwhile):
    bobs = OpenAI(base_url=f"{live}/v1", api_key=key_of(bob), max_retries=0, timeout=20)
    meanwhile(worker.answer)
    asked = {"model": gpt.slug, "messages": [{"role": "user", "content": "Rain?"}]}
    assert bobs.chat.completions.create(**asked, logprobs=True).choices[0].logprobs is None
    for wrong, param in (
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            bobs.chat.completions.create(**asked, **wrong)
        assert refused.value.param == param
