"""The base model says which sentences its files state, in short requests over the prompt of the turn."""

import math
import threading
from collections.abc import Iterator

import pytest

from gpts.knowledge.citations import SAID
from gpts.knowledge.documents import Passage
from gpts.runs.logprobs import TokenLogprob
from gpts.runs.state import TurnState
from gpts.runs.steps import ModelReply, Retrieval, UserMessage
from gpts.spec.gpt import GptSpec
from workers.engine.base import EngineError, GenerationRequest, GrammarError, PromptTooLong, Token
from workers.engine.prompts import fit_prompt
from workers.engine.scripted import CAPABLE, ScriptedEngine
from workers.engine.verifying import MOST_SENTENCES, supported

TEXT = "Dogs travel free on a lead."
PASSAGE = Passage(file_id="f", file_name="ferry.md", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))
ASKED = (UserMessage(text="May I bring my dog?"), Retrieval(query="dog", passages=(PASSAGE,), covered=True))
STATE = TurnState(
    GptSpec(slug="f", name="Ferry"), CAPABLE, (*ASKED, ModelReply(text="Yes, if it is leashed.")), (), {}
)


def likelihoods(*given) -> list[float | None]:
    return [each and each.likely for each in supported(*given)]


class Telling(ScriptedEngine):
    """Answers with these likeliest first tokens."""

    def __init__(self, *likely: tuple[str, float]) -> None:
        super().__init__()
        self._top = tuple(TokenLogprob(text=text, logprob=math.log(share)) for text, share in likely)

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        best = self._top[0]
        yield Token(best.text, "length", logprobs=(best.model_copy(update={"top": self._top}),))


@pytest.mark.parametrize(
    ("likely", "verdict"),
    [
        ([("yes", 0.6), (" No", 0.2)], 0.75),
        ([("No", 0.5), ("NO", 0.3), ("Yes", 0.2)], 0.2),
        ([("Ja", 0.9), ("Nein", 0.1)], 0.9),
        ([("The", 0.9), ("yes", 0.05)], None),  # it would rather say something else
    ],
)
def test_the_verdict_is_how_likely_yes_is_against_no(likely, verdict):
    assert likelihoods(["It is free."], STATE, Telling(*likely)) == [pytest.approx(verdict)]


def test_the_prompt_is_that_of_the_answer_without_the_answer_so_that_only_the_question_is_new():
    engine = ScriptedEngine(["1. no\n2. yes"])
    found = likelihoods(["It is free.", "It costs 3 euros."], STATE, engine)
    before, _ = fit_prompt(TurnState(STATE.spec, CAPABLE, ASKED, (), {}), engine, 100)
    (request,) = engine.requests
    assert request.messages[:-1] == before
    assert "1. It is free.\n2. It costs 3 euros." in request.messages[-1].content
    assert [each >= SAID for each in found] == [False, True]


def test_each_line_counts_by_its_number_and_a_line_that_is_missing_is_no_verdict():
    engine = ScriptedEngine(["Here you are:\n3) no, it is not\n**1.** Yes\n1. no\n"])
    first, second, third = likelihoods(["a", "b", "c"], STATE, engine)
    assert (first > SAID, second, third > SAID) == (True, None, False)


@pytest.mark.parametrize(("written", "is_said"), [("Yes.", True), ("no", False), ("Oui", True), ("Perhaps", None)])
def test_the_written_word_counts_where_the_engine_tells_no_probabilities(written, is_said):
    class Silent(ScriptedEngine):
        def stream(self, request: GenerationRequest) -> Iterator[Token]:
            yield Token(written, "stop")

    found = likelihoods(["It is free."], STATE, Silent())[0]
    assert (None if found is None else found >= SAID) is is_said


@pytest.mark.parametrize("error", [EngineError("down"), GrammarError("no"), PromptTooLong("long")])
def test_an_error_is_no_verdict(error):
    assert likelihoods(["It is free."], STATE, ScriptedEngine([[error]])) == [None]


def test_a_prompt_without_room_for_the_question_is_no_verdict_and_no_request():
    engine = ScriptedEngine(["yes"])
    full = STATE.ability.model_copy(update={"context_tokens": 10})
    state = TurnState(STATE.spec, full, STATE.steps, (), {})
    assert (likelihoods(["It is free."], state, engine), engine.requests) == ([None], [])


def test_more_sentences_than_a_turn_may_check_have_no_verdict():
    engine = ScriptedEngine(["yes"])
    found = likelihoods(["It is free."] * (MOST_SENTENCES + 2), STATE, engine)
    assert found[-2:] == [None, None]
    assert engine.requests[0].messages[-1].content.count("It is free.") == MOST_SENTENCES


def test_a_model_that_does_not_answer_in_time_is_no_verdict():
    assert likelihoods(["It is free."], STATE, ScriptedEngine([[threading.Event(), "yes"]]), 0.05) == [None]


def test_no_sentences_are_no_request():
    engine = ScriptedEngine(["yes"])
    assert (likelihoods([], STATE, engine), engine.requests) == ([], [])


@pytest.mark.parametrize(
    ("line", "words"),
    [("1. yes: Dogs travel free", "Dogs travel free"), ("1. yes", ""), ("Yes, “on a lead”", "on a lead”")],
)
def test_words_of_the_place_follow_a_yes(line, words):
    assert supported(["It is free."], STATE, ScriptedEngine([line]))[0].words == words
