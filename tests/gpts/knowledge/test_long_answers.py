"""An answer takes about a minute to judge at most, and nothing of it stays, however long it and its files are."""

import time
import weakref

from gpts.knowledge import citations
from gpts.knowledge.citations import LONGEST, Basis, ground
from gpts.knowledge.documents import Passage
from gpts.knowledge.figures import forms
from gpts.knowledge.remembering import remembered, remembering


def file(text: str) -> Passage:
    return Passage(file_id="f", file_name="f.txt", segment="s", chunk=0, text=text, start=0, end=len(text))


def levels(answer: str, passage: Passage) -> list[str]:
    found = ground(answer, [passage], basis=Basis(known=[passage]))
    return [each.level for each in found.support]


def test_sentences_beyond_what_there_is_time_for_are_not_checked(monkeypatch):
    pumps = file("The pump weighs nine pounds. " * 40)
    monkeypatch.setattr(citations, "EACH_CHARS", 0)
    monkeypatch.setattr(citations, "MOST_COMPARED", 3 * 2 * len(pumps.text))
    assert levels("The pump weighs nine pounds. " * 5, pumps) == ["supported"] * 3 + ["not_checked"] * 2


def test_a_sentence_without_end_is_not_checked():
    pumps = file("The pump weighs nine pounds.")
    answer = f"{'The pump weighs ' * (LONGEST // 10)}nine pounds. The pump weighs nine pounds."
    assert levels(answer, pumps) == ["not_checked", "supported"]


def test_a_sentence_that_everything_in_a_file_repeats_takes_time_in_proportion():
    """A file of 6 kB took half a minute, and one of 12 kB eight times as long: every place was compared with all."""
    line = "Monday 3 March 2024 costs 5 euros\n"
    begun = time.process_time()
    assert set(levels(line * 3, file(line * 1_000))) == {"supported"}
    assert time.process_time() - begun < 5


def test_what_a_file_gives_is_worked_out_once_for_an_answer_and_forgotten_after_it():
    looked_at = []
    counted = remembered(lambda text: looked_at.append(text) or len(text))
    long = "long " * 100
    with remembering():
        assert counted(long) == counted(long) == 500
    assert looked_at == [long]
    with remembering():
        counted(long)
    assert looked_at == [long, long]


def test_nothing_of_a_long_text_stays():
    found = weakref.ref(forms("1 2 3 " * 1_000))
    assert found() is None
