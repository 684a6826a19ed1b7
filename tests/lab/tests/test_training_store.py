"""The store's search learns from GPTs that are not those it is measured with."""

import random
from itertools import islice

import numpy as np
import pytest

from tests.lab import packed
from tests.lab.store import SETS, rows_of
from tests.lab.training import store as store_training
from tests.lab.training.learning import Plan
from tests.lab.training.store import GPTS, GPTS_A_STEP, _batches, read_gpts, train_store
from workers.indexing.store_texts import CHANGE, encoder
from workers.knowledge.embed import Embedder, shared_embedder


def test_nothing_that_the_search_is_measured_with_is_learned_from():
    rows = [row for path in GPTS.iterdir() if path.suffix == ".gz" for row in packed.rows(path)]
    assert len(rows) > 10_900
    assert not {row["name"].casefold() for row in rows} & {name.casefold() for name, *_ in rows_of("gpts")}
    asked = {query.casefold() for name in SETS for query, _ in rows_of(name)}
    assert not {query.casefold() for row in rows for query in row["queries"]} & asked


def test_batches_have_different_gpts_with_queries_of_their_own():
    gpts = read_gpts(GPTS / "a.jsonl.gz")[:100]
    some = list(islice(_batches(gpts, shared_embedder(), 40, random.Random(1)), 40))
    for batch in some:
        numbers = [number for number, _ in batch]
        assert len(set(numbers)) == len(numbers) == GPTS_A_STEP
        assert all(set(queries) <= set(gpts[number].queries) for number, queries in batch)
    first = [(number, query) for batch in some[:5] for number, queries in batch for query in queries]
    assert len(set(first)) == len(first)


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Data of two authors, the second of whom is held out."""
    for name in "ag":
        lines = packed.read(GPTS / f"{name}.jsonl.gz").splitlines()[:GPTS_A_STEP]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(lines), "utf-8")
        packed.pack(path)
    monkeypatch.setattr(store_training, "GPTS", tmp_path)
    monkeypatch.setattr(store_training, "ROUNDS", 1)
    return tmp_path


def test_what_is_learned_is_written_and_measured_on_the_author_held_out(few, monkeypatch):
    said = []
    found = train_store(shared_embedder(), Plan(), few, said.append)
    assert said[0] == "Learning from 40 GPTs in 3 steps."
    assert 0 < found["hit@1"] <= found["hit@3"] <= 1
    with np.load(few / CHANGE.name) as change:
        assert str(change["embedder"]) == shared_embedder().id
        assert any(np.abs(change[name]).max() > 0 for name in change.files if name.endswith("/up"))


def test_only_the_bundled_embedder_is_changed():
    bundled = shared_embedder()
    own = encoder(bundled)
    assert own is encoder(bundled) is not bundled
    assert not np.allclose(own.encode(["kitten"]), bundled.encode(["kitten"]), atol=0.01)

    class Other(Embedder):
        def __init__(self):
            self.id = "other"

    other = Other()
    assert encoder(other) is other
