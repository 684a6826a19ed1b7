"""What every engine promises, checked on all of them."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpts.runs.messages import PromptMessage
from workers.engine.base import GenerationRequest, PromptTooLong, Sampling, Token

from .conftest import Subject


def ask(question: str = "Tell me a very long story about the sea.", **options: object) -> GenerationRequest:
    system = PromptMessage(role="system", content="You are a storyteller who writes long stories.")
    return GenerationRequest((system, PromptMessage(role="user", content=question)), **options)  # type: ignore[arg-type]


def text_of(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def wait_until(condition: object, timeout_s: float = 10.0) -> None:
    ends_at = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < ends_at, "the state was not reached"
        threading.Event().wait(0.01)


def test_only_the_last_token_has_a_finish_and_a_usage(subject: Subject) -> None:
    tokens = list(subject.engine.stream(ask(max_tokens=12)))
    assert len(tokens) > 2
    assert all(token.finish is None and token.usage is None for token in tokens[:-1])
    assert tokens[-1].finish == "length"
    usage = tokens[-1].usage
    assert usage is not None
    assert usage.completion_tokens == 12
    assert usage.prompt_tokens > 0


def test_pieces_come_while_the_reply_is_still_written(subject: Subject) -> None:
    stream = subject.engine.stream(ask("Please wait, and tell a story.", max_tokens=1000))
    assert next(stream).finish is None
    assert subject.n_active() == 1
    stream.close()  # type: ignore[attr-defined]


def test_a_stop_string_ends_the_reply_and_is_never_shown_even_when_it_spans_tokens(subject: Subject) -> None:
    whole = text_of(list(subject.engine.stream(ask(max_tokens=24))))
    stop = whole[17:25]
    tokens = list(subject.engine.stream(ask(max_tokens=24, stop=("never in the text", stop))))
    assert text_of(tokens) == whole[: whole.index(stop)]
    assert (tokens[-1].finish, tokens[-1].stop_sequence) == ("stop", stop)


def test_the_beginning_of_a_stop_string_that_never_comes_is_shown_in_the_end(subject: Subject) -> None:
    whole = text_of(list(subject.engine.stream(ask(max_tokens=8))))
    tokens = list(subject.engine.stream(ask(max_tokens=8, stop=(whole[-3:] + "\x00",))))
    assert text_of(tokens) == whole


def test_closing_the_stream_frees_its_place(subject: Subject) -> None:
    stream = subject.engine.stream(ask("Please wait, and tell a story.", max_tokens=1000))
    next(stream)
    assert subject.n_active() == 1
    stream.close()  # type: ignore[attr-defined]
    if not subject.notices_closing:
        pytest.skip("the tiny server notices a closed connection only when it writes")
    wait_until(lambda: subject.n_active() == 0)


def test_the_deadline_ends_the_reply_with_what_was_written(subject: Subject) -> None:
    started = time.monotonic()
    tokens = list(subject.engine.stream(ask("Please wait, and tell a story.", max_tokens=1500, deadline_s=1.5)))
    assert tokens[-1].finish == "deadline"
    assert text_of(tokens)
    assert time.monotonic() - started < 6


def test_sixteen_threads_are_answered_together(subject: Subject) -> None:
    with ThreadPoolExecutor(16) as pool:
        requests = [ask(f"Tell me a very long story about animal number {i}.", max_tokens=12) for i in range(16)]
        replies = list(pool.map(lambda request: list(subject.engine.stream(request)), requests))
    for tokens in replies:
        assert tokens[-1].finish in ("length", "stop")
        assert text_of(tokens)


def test_every_piece_holds_whole_characters_only(subject: Subject) -> None:
    tokens = list(subject.engine.stream(ask("Repeat exactly: 日本語 🎉 naïve café 🧑‍🚀 한국어", max_tokens=40)))
    assert all("�" not in token.text for token in tokens)
    assert all(token.text for token in tokens[:-1])


@pytest.mark.parametrize("n_top", [None, 0, 2])
def test_the_tokens_with_their_probabilities_make_up_the_text(subject: Subject, n_top: int | None) -> None:
    if "logprobs" in subject.engine.ignores:
        pytest.skip("this engine tells none")
    request = ask("Repeat exactly: 日本語 🎉 naïve café", max_tokens=16, sampling=Sampling(top_logprobs=n_top))
    tokens = list(subject.engine.stream(request))
    told = [each for token in tokens for each in token.logprobs]
    if n_top is None:
        assert not told
        return
    assert b"".join(each.data for each in told).decode(errors="ignore").startswith(text_of(tokens))
    assert all(each.logprob <= 0 and len(each.top) == n_top for each in told)
    # The reply is the likeliest one.
    assert all(each.top[0].data == each.data and each.top[0].logprob == each.logprob for each in told if n_top)
    assert all(each.top[0].logprob >= each.top[1].logprob for each in told if n_top)


def test_a_prompt_that_does_not_fit_is_refused_before_the_first_token(subject: Subject) -> None:
    with pytest.raises(PromptTooLong):
        list(subject.engine.stream(ask("word " * 9000, max_tokens=10)))


def test_health_names_the_context_and_is_ready(subject: Subject) -> None:
    assert subject.engine.health().ready
    assert subject.engine.ability().context_tokens == 4096


def test_longer_conversations_count_more_tokens(subject: Subject) -> None:
    short, long = ask("Hello").messages, ask("Hello, how are you today, my friend of old?").messages
    assert 0 < subject.engine.count_tokens(short) < subject.engine.count_tokens(long)
