"""Fusion, coverage and the choice of passages."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import (
    PHRASE_WEIGHT,
    Evidence,
    blend,
    budget_for,
    fuse,
    is_covered,
    is_identifier,
    phrase_share,
    raised,
    readable,
    same_terms,
    select,
)
from gpts.knowledge.terms import terms


def count_words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


LONG = " ".join(f"word{i}" for i in range(600))


@dataclass(frozen=True)
class SourceText:
    """A text in memory."""

    text: str
    n_tokens: int

    @property
    def n_chars(self) -> int:
        return len(self.text)

    def part(self, start: int, end: int) -> str:
        return self.text[start:end]


SOURCES = {"a": SourceText(LONG, 600), "b": SourceText(LONG, 600), "small": SourceText("A small file. All of it.", 6)}


def passage(start_word: int, end_word: int, score: float, segment: str = "a") -> Passage:
    text = SOURCES[segment].text
    words = text.split()
    start = len(" ".join(words[:start_word])) + (1 if start_word else 0)
    end = len(" ".join(words[:end_word]))
    return Passage(
        file_id=segment,
        file_name=f"{segment}.txt",
        segment=segment,
        chunk=start_word,
        text=text[start:end],
        start=start,
        end=end,
        score=score,
    )


def test_what_both_halves_find_comes_first() -> None:
    fused = fuse({"x": 0.9, "both": 0.8, "y": 0.1}, {"y": 12.0, "both": 11.0}, ceiling=20.0, readability=1.0)
    assert next(iter(fused)) == "both"


def test_a_half_that_cannot_tell_chunks_apart_leaves_the_choice_to_the_other() -> None:
    alike, telling = {"a": 0.52, "b": 0.50}, {"b": 9.0, "a": 2.0}
    assert next(iter(fuse(alike, telling, ceiling=10.0, readability=1.0))) == "b"
    assert next(iter(fuse({"a": 0.8, "b": 0.3}, {"b": 1.1, "a": 1.0}, ceiling=10.0, readability=1.0))) == "a"


def test_the_surer_one_half_is_the_less_the_other_adds() -> None:
    sure, unsure = {"a": 0.9, "b": 0.7}, {"a": 0.4, "b": 0.2}
    words = {"b": 3.0}
    assert next(iter(fuse(sure, words, ceiling=10.0, readability=1.0))) == "a"
    assert next(iter(fuse(unsure, words, ceiling=10.0, readability=1.0))) == "b"


@given(
    st.dictionaries(st.integers(0, 9), st.floats(-1, 1)),
    st.dictionaries(st.integers(0, 9), st.floats(0, 50)),
    st.floats(0, 50),
    st.floats(0, 1),
)
def test_fused_scores_lie_between_0_and_1_in_falling_order(
    cosines: dict[int, float], lexical: dict[int, float], ceiling: float, trusted: float
) -> None:
    fused = fuse(cosines, lexical, ceiling, trusted)
    scores = list(fused.values())
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-9 for score in scores)
    assert set(fused) == set(cosines)


def test_words_side_by_side_as_in_the_question_move_a_passage_up() -> None:
    query = terms("Interest expense, 2019?")
    rarities = dict(zip(query, (1.0, 1.0, 2.0), strict=True))
    row = phrase_share(query, rarities, "Interest expense | 12")
    assert row == pytest.approx(2 / 5)
    assert phrase_share(query, rarities, "The expense of interest, 2019") == 0.0
    assert phrase_share(query[:1], rarities, "Interest") == 0.0
    scores = {"prose": 0.50, "row": 0.48, "far": 0.4}
    assert list(raised(scores, {"row": row}, PHRASE_WEIGHT)) == ["row", "prose", "far"]


def test_an_embedder_reads_a_question_the_better_the_longer_its_pieces_are() -> None:
    english, german, chinese = readable(4.5), readable(2.8), readable(0.8)
    assert english == 1.0 > german > chinese == 0.0


def test_a_cross_encoder_moves_its_favourite_up_and_keeps_what_it_did_not_read_behind() -> None:
    ranked = [passage(0, 50, 0.8), passage(100, 150, 0.7), passage(200, 250, 0.6)]
    again = blend(ranked, [0.1, 0.9])
    assert [each.chunk for each in again] == [100, 0, 200]
    assert [each.score for each in again] == [0.8, 0.45, 0.3]


def test_a_part_number_counts_as_covered_whatever_the_cosine() -> None:
    assert is_covered(Evidence(cosine=0.05, term_share=0.2, rare_term=True))
    assert not is_covered(Evidence(cosine=0.05, term_share=0.2))


def test_in_a_language_that_the_embedder_cannot_read_only_the_words_tell() -> None:
    assert not is_covered(Evidence(cosine=0.65, term_share=0.1, readable=0.0))
    assert is_covered(Evidence(cosine=0.5, term_share=0.35, readable=0.0))


@pytest.mark.parametrize(
    ("term", "is_one"), [("zp771", True), ("90210", True), ("771", False), ("2016", False), ("pump", False)]
)
def test_identifiers_are_told_from_words_and_years(term: str, is_one: bool) -> None:
    assert is_identifier(term) is is_one


def test_passages_stay_within_the_budget_but_for_a_first_one() -> None:
    ranked = [passage(0, 100, 1.0), passage(200, 300, 0.9), passage(400, 500, 0.8)]
    assert len(select(ranked, SOURCES, count_words, budget_tokens=250)) == 2
    assert len(select(ranked, SOURCES, count_words, budget_tokens=10)) == 1


def test_a_shorter_passage_takes_the_room_that_a_longer_one_cannot() -> None:
    ranked = [passage(0, 100, 1.0), passage(150, 350, 0.9), passage(400, 440, 0.8)]
    assert [each.chunk for each in select(ranked, SOURCES, count_words, budget_tokens=150)] == [0, 400]


def test_untrusted_passages_take_a_third_of_the_budget_beside_others() -> None:
    doubtful = [passage(n, n + 50, 1.0 - n / 1000).model_copy(update={"untrusted": True}) for n in (0, 100, 200)]
    trusted = passage(300, 350, 0.7, "b")
    chosen = select([*doubtful, trusted], SOURCES, count_words, budget_tokens=200)
    assert [(each.segment, each.untrusted) for each in chosen] == [("a", True), ("b", False)]
    assert len(select(doubtful, SOURCES, count_words, budget_tokens=200)) == 3


def test_a_large_context_gets_more_and_a_tiny_one_keeps_room_for_the_answer() -> None:
    assert [budget_for(n) for n in (1_200, 8_192, 32_000, 200_000)] == [400, 900, 3_200, 4_000]


def test_overlapping_neighbours_become_one_literal_passage() -> None:
    chosen = select([passage(100, 200, 1.0), passage(150, 250, 0.7)], SOURCES, count_words)
    assert len(chosen) == 1
    assert chosen[0].text == " ".join(f"word{i}" for i in range(100, 250)) == LONG[chosen[0].start : chosen[0].end]
    assert chosen[0].score == 1.0


def test_the_same_text_in_two_files_is_given_once() -> None:
    chosen = select([passage(0, 50, 1.0, "a"), passage(0, 50, 0.9, "b")], SOURCES, count_words)
    assert [each.file_id for each in chosen] == ["a"]


def test_the_same_table_of_another_year_is_no_duplicate() -> None:
    words = frozenset(f"label{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")
    assert same_terms(words | {"2018"}, words | {"2018", "restated"})
    assert not same_terms(words | {"2018"}, words | {"2019"})


def test_a_small_file_comes_whole() -> None:
    chosen = select([passage(0, 3, 1.0, "small")], SOURCES, count_words)
    assert chosen[0].text == SOURCES["small"].text


def test_far_weaker_passages_are_left_out() -> None:
    chosen = select([passage(0, 50, 1.0), passage(300, 350, 0.1)], SOURCES, count_words)
    assert len(chosen) == 1


def test_nothing_found_gives_nothing() -> None:
    assert select([], SOURCES, count_words) == ()
