"""What the engine with the real bundled model adds to the contract: shared prefixes, recovery, exactness."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gpts.runs.messages import PromptMessage
from workers.engine.base import EngineError, GenerationRequest, Sampling, Usage

pytestmark = pytest.mark.model


def request(name: str, question: str, **options: Any) -> GenerationRequest:
    rules = " ".join(f"{name} rule {i}: floor {i % 7} answers questions about topic {i}." for i in range(30))
    return GenerationRequest(
        (PromptMessage(role="system", content=rules), PromptMessage(role="user", content=question)), **options
    )


def answer(engine: Any, asked: GenerationRequest) -> tuple[str, Usage]:
    tokens = list(engine.stream(asked))
    assert tokens[-1].usage is not None
    return "".join(token.text for token in tokens), tokens[-1].usage


def test_a_later_chat_of_the_same_gpt_finds_its_instructions_in_the_cache(local_engine: Any) -> None:
    _, first = answer(local_engine, request("Alpha", "Which floor for topic 3?", max_tokens=4))
    _, second = answer(local_engine, request("Alpha", "And which one for topic 9?", max_tokens=4))
    assert first.cached_tokens == 0
    assert second.cached_tokens > 0.9 * second.prompt_tokens


def test_a_second_turn_finds_the_first_reply_in_the_cache(local_engine: Any) -> None:
    asked = request("Beta", "Tell me about the sea.", max_tokens=48)
    text, usage = answer(local_engine, asked)
    history = (
        *asked.messages,
        PromptMessage(role="assistant", content=text),
        PromptMessage(role="user", content="Go on."),
    )
    _, second = answer(local_engine, GenerationRequest(history, max_tokens=4))
    assert second.cached_tokens > usage.prompt_tokens


def test_chats_of_two_gpts_together_say_what_they_say_alone(local_engine: Any) -> None:
    asked = [request(name, f"Tell me about animal {i}.", max_tokens=10) for name in ("Cat", "Dog") for i in range(3)]
    alone = [answer(local_engine, one)[0] for one in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        together = [text for text, _ in pool.map(lambda one: answer(local_engine, one), asked)]
    assert sum(a == b for a, b in zip(alone, together, strict=True)) >= 5  # bf16 may round one tie otherwise


def test_sampled_replies_differ_and_greedy_ones_beside_them_do_not(local_engine: Any) -> None:
    greedy = request("Gamma", "Write a poem.", max_tokens=10)
    hot = request("Gamma", "Write a poem.", max_tokens=10, sampling=Sampling(1.5, 0.95, 50))
    expected = answer(local_engine, greedy)[0]
    with ThreadPoolExecutor(6) as pool:
        texts = [
            text for text, _ in pool.map(lambda one: answer(local_engine, one), [greedy, hot, hot, hot, hot, greedy])
        ]
    assert texts[0] == texts[5] == expected
    assert len(set(texts[1:5])) > 1


def test_after_a_failure_in_the_batch_waiting_streams_fail_and_the_next_call_works(local_engine: Any) -> None:
    answer(local_engine, request("Delta", "Hello", max_tokens=2))
    stream = local_engine.stream(request("Delta", "Tell me a very long story.", max_tokens=400))
    next(stream)

    def fail(parts: Any) -> None:
        raise RuntimeError("the lights went out")

    run, local_engine._decoder.run = local_engine._decoder.run, fail
    with pytest.raises(EngineError, match="the lights went out"):
        list(stream)
    local_engine._decoder.run = run
    assert not local_engine.health().ready
    assert answer(local_engine, request("Delta", "Hello", max_tokens=2))[0]
    assert local_engine.health().ready


def test_an_idle_engine_uses_next_to_no_processor_time(local_engine: Any) -> None:
    answer(local_engine, request("Epsilon", "Hello", max_tokens=2))
    started, used = time.monotonic(), time.process_time()
    while time.monotonic() - started < 1.0:
        time.sleep(0.25)  # idle time is the state that is measured
    assert time.process_time() - used < 0.02


def test_an_answer_goes_on_from_its_beginning_as_if_it_had_not_ended(local_engine: Any) -> None:
    asked = request("Eta", "Tell me a story about the sea.", max_tokens=24)
    whole, _ = answer(local_engine, asked)
    begun, _ = answer(local_engine, request("Eta", "Tell me a story about the sea.", max_tokens=10))
    rest, _ = answer(local_engine, request("Eta", "Tell me a story about the sea.", max_tokens=14, begun=begun))
    assert whole.startswith(begun)
    assert (begun + rest)[:40] == whole[:40]
