"""A model is changed while replies are written: none is lost, and no engine is closed under one."""

import threading

import pytest

from gpts.runs.messages import PromptMessage
from workers.engine.base import EngineError, GenerationRequest
from workers.engine.scripted import ScriptedEngine
from workers.engine.switching import CHANGING, SwitchingEngine

ASKED = GenerationRequest((PromptMessage(role="user", content="Hello"),), max_tokens=20)


class Watched(ScriptedEngine):
    """A scripted engine that knows whether it was closed."""

    is_closed = False

    def close(self) -> None:
        self.is_closed = True
        super().close()


def said(engine: SwitchingEngine) -> str:
    return "".join(token.text for token in engine.stream(ASKED))


def switched(engine: SwitchingEngine, *opens) -> threading.Thread:
    thread = threading.Thread(target=engine.switch, args=opens, daemon=True)
    thread.start()
    return thread


def test_a_reply_ends_with_the_model_that_began_it():
    old, new = Watched(["one two three"]), Watched(["four"])
    engine = SwitchingEngine(old)
    reply = engine.stream(ASKED)
    first = next(reply).text
    thread = switched(engine, lambda: new)
    while engine.health().ready and engine._current is old:
        pass
    assert said(engine) == "four"
    assert not old.is_closed
    assert first + "".join(token.text for token in reply) == "one two three"
    thread.join(10)
    assert (old.is_closed, new.is_closed) == (True, False)


@pytest.mark.parametrize("end", ["closed", "never read"])
def test_a_reply_that_nobody_reads_holds_nothing_open(end):
    old = Watched(["one two three"])
    engine = SwitchingEngine(old)
    reply = engine.stream(ASKED)
    if end == "closed":
        next(reply)
        reply.close()
    del reply
    engine.switch(lambda: Watched(["four"]))
    assert old.is_closed


def test_where_both_do_not_fit_requests_wait_for_the_next_model():
    old, opening, go_on = Watched(["one"]), threading.Event(), threading.Event()
    engine = SwitchingEngine(old)

    def open_next() -> ScriptedEngine:
        assert old.is_closed
        opening.set()
        go_on.wait(10)
        return Watched(["two"])

    thread = switched(engine, open_next, lambda: old)
    assert opening.wait(10)
    assert engine.health().detail == CHANGING
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(said(engine)), daemon=True)
    asking.start()
    go_on.set()
    asking.join(10)
    thread.join(10)
    assert answers == ["two"]


@pytest.mark.parametrize("fit", [True, False])
def test_a_model_that_cannot_be_opened_changes_nothing(fit):
    def broken() -> ScriptedEngine:
        raise EngineError("no such model")

    engine = SwitchingEngine(Watched(["one"]))
    with pytest.raises(EngineError, match="no such model"):
        engine.switch(broken, None if fit else lambda: Watched(["one"]))
    assert said(engine) == "one"


def test_a_refused_request_holds_nothing_open():
    old = Watched(["one"])
    engine = SwitchingEngine(old)
    with pytest.raises(EngineError):
        engine.stream(GenerationRequest(ASKED.messages, max_tokens=100_000))
    engine.switch(lambda: Watched(["two"]))
    assert old.is_closed
