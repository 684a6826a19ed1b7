"""BM25 over several segments equals BM25 over their union, and leaving out what cannot win changes nothing."""

import math
from collections import Counter
from collections.abc import Sequence

import bm25s
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.knowledge import array_files, lexical
from workers.knowledge.lexical import K1, B, Postings, best

texts = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=12), min_size=1, max_size=8)
queries = st.lists(st.sampled_from("abcdefgx"), min_size=1, max_size=4)


def plain_scores(query: Sequence[str], corpus: Sequence[Sequence[str]]) -> dict[int, float]:
    """The textbook formula, text by text; only texts that share a term."""
    mean = sum(map(len, corpus)) / len(corpus) or 1
    scores: dict[int, float] = {}
    for number, text in enumerate(corpus):
        counts = Counter(text)
        for term in dict.fromkeys(query):
            if counts[term]:
                n = sum(term in other for other in corpus)
                norm = K1 * (1 - B + B * len(text) / mean)
                weight = math.log(1 + (len(corpus) - n + 0.5) / (n + 0.5))
                share = weight * counts[term] * (K1 + 1) / (counts[term] + norm)
                scores[number] = scores.get(number, 0) + share
    return scores


def zipf_corpus(n_texts: int, seed: int) -> list[list[str]]:
    """Texts whose words are as unevenly common as real ones."""
    drawn = np.random.default_rng(seed).zipf(1.3, (n_texts, 30))
    return [[f"w{number}" for number in row if number < 5_000] for row in drawn]


@given(texts, texts, queries)
def test_parts_score_like_the_whole(one: list[list[str]], other: list[list[str]], query: list[str]) -> None:
    expected = plain_scores(query, one + other)
    found = best(query, [Postings.of(one), Postings.of(other)], 100)
    assert {number * len(one) + row: score for score, number, row in found} == pytest.approx(expected, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=12), min_size=2, max_size=8))
def test_scores_agree_with_the_library(one: list[list[str]]) -> None:
    reference = bm25s.BM25(method="lucene", k1=K1, b=B)
    reference.index(one, show_progress=False)
    query = [term for term in "abc" if any(term in text for text in one)] or one[0][:1]
    expected = reference.get_scores(query) * (K1 + 1)  # Lucene leaves out a factor that changes no order
    found = {row: score for score, _, row in best(query, [Postings.of(one)], 100)}
    assert [found.get(row, 0) for row in range(len(one))] == pytest.approx(list(expected), rel=1e-4)


@pytest.fixture(scope="module")
def large() -> tuple[bm25s.BM25, list[Postings]]:
    """20,000 texts as the library indexes them, and in two parts as we do."""
    corpus = zipf_corpus(20_000, seed=1)
    reference = bm25s.BM25(method="lucene", k1=K1, b=B)
    reference.index(corpus, show_progress=False)
    return reference, [Postings.of(corpus[:15_000]), Postings.of(corpus[15_000:])]


@pytest.mark.parametrize("query", ["w1 w2 w3 w4", "w900 w1 w2", "w1", "w700 w800 w3 w77 w5 w1", "unknown"])
def test_the_best_are_found_without_scoring_everything(large: tuple[bm25s.BM25, list[Postings]], query: str) -> None:
    reference, parts = large
    known = [term for term in query.split() if term in reference.vocab_dict]
    scores = reference.get_scores(known) * (K1 + 1) if known else np.zeros(20_000)
    expected = sorted((score for score in scores if score > 0), reverse=True)[:10]
    found = best(query.split(), parts, 10)
    assert [score for score, _, _ in found] == pytest.approx(expected, rel=1e-4)
    for score, number, row in found:
        assert score == pytest.approx(scores[number * 15_000 + row], rel=1e-4)


@given(texts, texts, queries)
def test_merged_postings_answer_like_their_parts(one: list[list[str]], other: list[list[str]], query) -> None:
    parts = [Postings.of(one), Postings.of(other)]
    merged = merge_in_memory(parts)
    expected = [(score, number * len(one) + row) for score, number, row in best(query, parts, 100)]
    found = [(score, row) for score, _, row in best(query, [merged], 100)]
    assert {row: score for score, row in found} == pytest.approx({row: score for score, row in expected}, rel=1e-5)


@given(texts, texts)
def test_merging_equals_indexing_together(one: list[list[str]], other: list[list[str]]) -> None:
    merged, whole = merge_in_memory([Postings.of(one), Postings.of(other)]), Postings.of(one + other)
    for name, column in whole.columns().items():
        np.testing.assert_array_equal(merged.columns()[name], column, err_msg=name)


def merge_in_memory(parts: Sequence[Postings]) -> Postings:
    made: dict[str, np.ndarray] = {}

    def allocate(sizes):
        made.update({name: np.zeros(length, dtype) for name, (dtype, length) in sizes.items()})
        return made

    lexical.merge(parts, allocate)
    return Postings.from_columns(made)


def test_postings_survive_storage(tmp_path) -> None:
    postings = Postings.of([["a", "b", "a"], [], ["b"]])
    contents = array_files.write(tmp_path / "columns", postings.columns())
    stored = Postings.from_columns(array_files.map_file(tmp_path / "columns", contents))
    assert best(["a", "b"], [stored], 9) == best(["a", "b"], [postings], 9)
    assert (stored.holds("a", 0), stored.holds("a", 2), stored.holds("c", 0)) == (True, False, False)


def test_nothing_was_asked_or_nothing_is_there() -> None:
    assert best([], [Postings.of([["a"]])], 9) == []
    assert best(["a"], [Postings.of([])], 9) == []
    assert best(["a"], [], 9) == []


@given(texts, texts)
def test_terms_that_are_added_count_as_if_they_had_been_there_from_the_start(
    ones: list[list[str]], others: list[list[str]]
) -> None:
    pairs = list(zip(ones, others, strict=False))
    added = Postings.of([one for one, _ in pairs]).plus(Postings.of([other for _, other in pairs]))
    whole = Postings.of([[*one, *other] for one, other in pairs])
    for name, column in whole.columns().items():
        assert added.columns()[name].tolist() == column.tolist(), name
