"""BM25 over several segments equals BM25 over their union."""

import bm25s
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.knowledge.lexical import K1, B, Postings, scores

texts = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=12), min_size=1, max_size=8)


@given(texts, texts, st.lists(st.sampled_from("abcdefgx"), min_size=1, max_size=4))
def test_parts_score_like_the_whole(one: list[list[str]], other: list[list[str]], query: list[str]) -> None:
    whole = scores(query, [Postings.of(one + other)])[0]
    parts = scores(query, [Postings.of(one), Postings.of(other)])
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5)


@given(texts)
def test_postings_survive_storage(one: list[list[str]]) -> None:
    postings = Postings.from_bytes(Postings.of(one).to_bytes())
    np.testing.assert_array_equal(scores(["a", "b"], [postings])[0], scores(["a", "b"], [Postings.of(one)])[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=12), min_size=2, max_size=8))
def test_scores_agree_with_the_library(one: list[list[str]]) -> None:
    reference = bm25s.BM25(method="lucene", k1=K1, b=B)
    reference.index(one, show_progress=False)
    query = [term for term in "abc" if any(term in text for text in one)] or one[0][:1]
    expected = reference.get_scores(query) * (K1 + 1)  # Lucene leaves out a factor that changes no order
    np.testing.assert_allclose(scores(query, [Postings.of(one)])[0], expected, rtol=1e-4)
