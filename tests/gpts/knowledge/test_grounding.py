"""Only what the passages say gets through, whatever a model writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.documents import Passage
from gpts.knowledge.grounding import Gate

TEXT = (
    "2.2 Shaft seal\n\nService the shaft seal every 450 hours of operation, or at the first sign of leakage. "
    "Fault code E4 means low flow: the flow stayed below 20 percent of the set value for 60 seconds. "
    "The seal kit of the Zephyr-9 is ZP-771."
)
PASSAGE = Passage(file_id="f", file_name="manual.md", segment="s", chunk=0, text=TEXT, start=0, end=len(TEXT))


def shown(question: str, answer: str) -> str:
    gate = Gate(question, [PASSAGE])
    return "".join(gate.feed(char) for char in answer) + gate.finish()


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How often must the seal be serviced?", "Service the shaft seal every 450 hours of operation."),
        ("Which seal kit do I need?", "You need to use the ZP-771 seal kit."),
        ("What does E4 mean?", "Fault code E4: Low flow: the flow stayed below 20 percent of the set value."),
    ],
)
def test_what_the_passage_says_is_shown(question, answer):
    assert shown(question, answer) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [  # each is what the bundled model really wrote on 2026-11-24, given the right passage
        ("How often must the shaft seal be serviced?", "The shaft seal must be serviced every 150 operating hours."),
        ("What does fault code E4 mean?", "Fault code E4 means that the discharge pressure is too high."),
        ("What does fault code E4 mean?", "Fault code E4 is a type of code that indicates a failure in a device."),
        ("Which seal kit do I need?", "Question: Which seal kit do I need?"),
    ],
)
def test_what_it_does_not_say_is_held_back(question, answer):
    assert shown(question, answer) == ""


def test_the_first_unsupported_sentence_ends_the_answer():
    answer = "The seal kit is ZP-771. It costs 40 euros. Service the shaft seal every 450 hours of operation."
    gate = Gate("Which kit?", [PASSAGE])
    assert gate.feed(answer) + gate.finish() == "The seal kit is ZP-771."
    assert gate.is_shut


def test_a_model_that_repeats_itself_is_cut_off():
    gate = Gate("How often?", [PASSAGE])
    assert gate.feed("Every 450 hours of operation. " * 5) == "Every 450 hours of operation."
    assert gate.is_shut


def test_breaks_between_shown_sentences_are_kept():
    answer = "The seal kit of the Zephyr-9 is ZP-771.\n\nService the shaft seal every 450 hours of operation."
    assert shown("Tell me about the pump.", answer) == answer


@given(
    st.lists(
        st.sampled_from(["Every 450 hours of operation. ", "It flies. ", "\n\n", "ZP-771", "。", "a"]), max_size=12
    )
)
def test_it_shows_only_pieces_of_the_answer_in_order(pieces):
    answer = "".join(pieces)
    position = 0
    gate = Gate("How often?", [PASSAGE])
    for text in [gate.feed(piece) for piece in pieces] + [gate.finish()]:
        for word in text.split():
            position = answer.index(word, position) + len(word)
