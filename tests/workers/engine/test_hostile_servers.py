"""A model server that answers without end, or nonsense, holds nothing and ends nothing but its own answer."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gpts.runs.messages import PromptMessage
from tests.workers.engine.conftest import ModelServer
from workers.engine import remote as remote_module
from workers.engine.base import EngineConfig, EngineError, GenerationRequest
from workers.engine.remote import RemoteEngine

REQUEST = GenerationRequest((PromptMessage(role="user", content="Hello"),), max_tokens=3)
WORD = b'data: {"choices": [{"delta": {"content": "word "}}]}\n\n'


def dripping(piece: bytes) -> Callable[[Any], None]:
    def write(body: Any) -> None:
        for _ in range(100):
            body.write(piece)
            time.sleep(0.05)

    return write


@pytest.mark.parametrize("piece", [b": still working\n\n", b"x"], ids=["comments", "a line without end"])
def test_an_answer_that_never_comes_ends_at_its_deadline(piece, remote: RemoteEngine, model_server: ModelServer):
    model_server.raw = dripping(piece)
    begun = time.monotonic()
    *_, last = remote.stream(replace(REQUEST, deadline_s=0.5))
    assert last.finish == "deadline"
    assert time.monotonic() - begun < 2


def test_an_answer_without_end_is_cut_off(remote: RemoteEngine, model_server: ModelServer, monkeypatch):
    monkeypatch.setattr(remote_module, "MAX_BODY_BYTES", 10_000)
    model_server.raw = lambda body: body.write(WORD * 1_000)
    with pytest.raises(EngineError, match="too much"):
        list(remote.stream(REQUEST))


def test_a_list_of_models_that_never_ends_is_no_list(remote: RemoteEngine, model_server: ModelServer, monkeypatch):
    monkeypatch.setattr(remote_module, "LIST_TIMEOUT_S", 0.5)
    model_server.raw = dripping(b" ")
    begun = time.monotonic()
    assert not remote.health().ready
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("facts", [{"meta": [1]}, {"meta": "x"}, {"max_model_len": -5}, {"max_model_len": True}])
def test_nonsense_about_a_model_says_nothing_of_its_context(facts, model_server: ModelServer):
    model_server.cards = [{"id": "m", **facts}]
    engine = RemoteEngine(EngineConfig(engine="remote", remote_url=model_server.url, remote_model="m"))
    assert engine.health().ready
    assert engine.ability().context_tokens == remote_module.DEFAULT_CONTEXT_TOKENS


@pytest.mark.parametrize(
    "event",
    [
        {"choices": "x"},
        {"choices": [1]},
        {"choices": [{"delta": [1]}]},
        {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"content": {"a": 1}}}]},
        {"choices": [{"delta": {"tool_calls": [1]}}]},
        {"choices": [{"delta": {"tool_calls": {"a": 1}}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": [], "function": {"name": 5, "arguments": {}}}]}}]},
        {"choices": [{"delta": {"content": "a"}, "logprobs": {"content": [5]}}]},
        {"choices": [], "usage": {"prompt_tokens": "many"}},
        {"choices": [], "usage": [1]},
    ],
)
def test_nonsense_in_an_answer_is_an_engine_error(event, remote: RemoteEngine, model_server: ModelServer):
    model_server.events = [event]
    with pytest.raises(EngineError):
        list(remote.stream(REQUEST))
