"""Typos of a question are corrected by the words of the files, and nothing else of it changes."""

from collections.abc import Sequence

import pytest

from gpts.knowledge.terms import terms
from workers.knowledge import lexical
from workers.knowledge.lexical import Postings
from workers.knowledge.spelling import corrected, vocabulary

FILE = """New accounts get the role pending. The warehouse for quilts is in Oslo. Temperature: 20 degrees. Orders are
taken until noon. Die Kündigungsfrist beträgt drei Monate. За утерянную книгу нужно возместить её стоимость."""
COMMON = sorted(["accounts", "capital", "order", "weight", "tyre"])


def _corrected(text: str, file: str = FILE) -> str:
    postings = [Postings.of([terms(file)])]

    def count(words: Sequence[str]) -> list[int]:
        return lexical.n_holders(words, postings)

    return corrected(text, count, COMMON, lambda: [vocabulary(file)])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("role for new acounts", "role for new accounts"),
        ("In which wraehouse are the qyilts?", "In which warehouse are the quilts?"),
        ("Whcih tempreatrue?", "Which temperature?"),
        ("Wie lang ist die Kündgungsfrist?", "Wie lang ist die Kündigungsfrist?"),
        ("За утеряную кнгу?", "За утерянную книгу?"),
        ("Is the ordeer in?", "Is the order in?"),
    ],
)
def test_a_word_that_nobody_knows_becomes_the_most_similar_one_of_the_files(typed: str, meant: str) -> None:
    assert _corrected(typed) == meant


@pytest.mark.parametrize(
    "question",
    [
        "Is the weight of the tyre in the capital?",  # common words that the files lack
        "Where are my orders and my books?",
        "E4? ZP-771 rol",
        "Nakupte prosim nekolik quiltu, warehausu, temperatur a accountu do skladiste",
        "",
    ],
)
def test_other_words_stay_as_they_are(question: str) -> None:
    assert _corrected(question) == question


def test_the_first_letter_is_right_or_in_the_wrong_place() -> None:
    assert _corrected("the lwarehouse") == "the lwarehouse"
    assert _corrected("uqilts") == "quilts"
