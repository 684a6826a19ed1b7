"""A large or many-filed knowledge is searched through one joint index that finds what its segments hold."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gpts.spec.gpt import KnowledgeRef
from tests.workers.knowledge.made import clustered, made_segment
from workers.knowledge import publishing, segments, unions
from workers.knowledge.errors import SegmentMissing
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.stores import FaissFiles


@pytest.fixture
def addresses(tmp_path) -> list[str]:
    return [made_segment(tmp_path, seed, 40 + seed).address for seed in range(5)]


@pytest.fixture
def many(monkeypatch) -> None:
    """Three segments are many here."""
    monkeypatch.setattr(unions, "MANY_SEGMENTS", 3)


def refs_to(addresses: list[str]) -> list[KnowledgeRef]:
    return [KnowledgeRef(file_id=each, name=f"{each}.txt", segment=each) for each in addresses]


def exact_nearest(home: Path, addresses: list[str], vector: np.ndarray, k: int) -> list[tuple[str, int]]:
    scored = []
    for address in addresses:
        segment = segments.load(home, address)
        rows = segment.vectors.reconstruct_n(0, segment.info.n_chunks) @ vector[0]
        scored += [(-float(cosine), address, row) for row, cosine in enumerate(rows)]
    return [(address, row) for _, address, row in sorted(scored)[:k]]


def test_a_union_finds_what_its_segments_find_one_by_one(tmp_path, addresses) -> None:
    vector = clustered(1, 16, seed=99)
    before = FaissFiles(SegmentCache(tmp_path)).search(addresses, vector, 10)
    assert unions.build(tmp_path, unions.request(tmp_path, addresses))
    after = FaissFiles(SegmentCache(tmp_path)).search(addresses, vector, 10)
    assert [hit[1:] for hit in before] == exact_nearest(tmp_path, addresses, vector, 10)
    assert [hit[1:] for hit in after] == [hit[1:] for hit in before]


def test_an_approximate_union_finds_the_true_nearest_with_their_exact_cosines(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(unions, "MANY_CHUNKS", 1_000)
    addresses = [made_segment(tmp_path, seed, 1_500).address for seed in range(2)]
    unions.build(tmp_path, unions.request(tmp_path, addresses))
    store = FaissFiles(cache := SegmentCache(tmp_path))
    assert not cache.union(unions.union_id(addresses)).is_exact
    n_found = 0
    for seed in range(20):
        vector = clustered(1, 16, seed=1_000 + seed)
        hits = store.search(addresses, vector, 10)
        n_found += len({hit[1:] for hit in hits} & set(exact_nearest(tmp_path, addresses, vector, 10)))
        for hit in hits:
            assert hit.cosine == pytest.approx(cache.segment(hit.address).cosine(hit.row, vector))
    assert n_found >= 190


@pytest.mark.usefixtures("many")
def test_a_search_of_many_files_asks_for_their_union_once_and_answers_the_same_with_it(
    tmp_path, addresses, embedder
) -> None:
    embedder.encode_query = lambda text: clustered(1, 16, seed=7)
    wanted: list[str] = []
    index = KnowledgeIndex(tmp_path, embedder, request_union=wanted.append)
    before = index.rank(refs_to(addresses), "word1 word2")
    assert index.rank(refs_to(addresses), "word1 word2") == before
    assert wanted == [unions.union_id(addresses)]
    assert unions.build(tmp_path, wanted[0])
    after = KnowledgeIndex(tmp_path, embedder).rank(refs_to(addresses), "word1 word2")
    assert [(each.segment, each.chunk) for each in after[0]] == [(each.segment, each.chunk) for each in before[0]]
    assert after[1] == before[1]


def test_few_small_files_ask_for_nothing(tmp_path, addresses, embedder) -> None:
    embedder.encode_query = lambda text: clustered(1, 16, seed=7)
    index = KnowledgeIndex(tmp_path, embedder, request_union=lambda name: pytest.fail("asked"))
    assert index.search(refs_to(addresses), "word1").passages


def test_a_union_of_another_embedder_gives_only_words_and_none_is_asked_for(
    tmp_path, embedder, many, monkeypatch
) -> None:
    addresses = [made_segment(tmp_path, seed, 40, embedder="other").address for seed in range(5)]
    index = KnowledgeIndex(tmp_path, embedder, request_union=lambda name: pytest.fail("asked"))
    one_by_one = index.search(refs_to(addresses), "word7 word8")
    unions.build(tmp_path, unions.request(tmp_path, addresses))
    monkeypatch.setattr(FaissFiles, "search", lambda *args: pytest.fail("vectors of two embedders were compared"))
    joint = KnowledgeIndex(tmp_path, embedder).search(refs_to(addresses), "word7 word8")
    assert joint.covered
    assert joint.passages[0].score == one_by_one.passages[0].score > 0


def test_a_union_is_the_same_whatever_the_order_of_its_files(addresses) -> None:
    assert unions.union_id(addresses) == unions.union_id(addresses[::-1]) != unions.union_id(addresses[1:])


def test_only_one_process_builds_a_union_and_none_builds_it_twice(tmp_path, addresses) -> None:
    name = unions.request(tmp_path, addresses)
    with publishing.locked(tmp_path / "unions" / f"{name}.lock") as is_locked:
        assert is_locked
        assert not unions.build(tmp_path, name)
    assert unions.build(tmp_path, name)
    assert not unions.build(tmp_path, unions.request(tmp_path, addresses))


def test_a_builder_that_dies_leaves_nothing_visible_and_the_next_one_succeeds(
    tmp_path, addresses, monkeypatch
) -> None:
    name = unions.request(tmp_path, addresses)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            unions.build(tmp_path, name)
    assert not unions.exists(tmp_path, name)
    assert unions.build(tmp_path, unions.request(tmp_path, addresses))


def test_a_union_with_a_lost_segment_is_not_made_and_not_wanted_any_more(tmp_path, addresses) -> None:
    name = unions.request(tmp_path, [*addresses, "0" * 32])
    with pytest.raises(SegmentMissing):
        unions.build(tmp_path, name)
    assert not unions.build(tmp_path, name)


def test_a_damaged_union_is_thrown_away_and_the_segments_answer(tmp_path, addresses) -> None:
    name = unions.request(tmp_path, addresses)
    unions.build(tmp_path, name)
    (unions.folder(tmp_path, name) / "vectors.faiss").write_bytes(b"damaged")
    vector = clustered(1, 16, seed=99)
    found = FaissFiles(SegmentCache(tmp_path)).search(addresses, vector, 10)
    assert [hit[1:] for hit in found] == exact_nearest(tmp_path, addresses, vector, 10)
    assert not unions.exists(tmp_path, name)


def test_a_byte_flipped_in_a_union_is_found_in_the_background(tmp_path, addresses) -> None:
    name = unions.request(tmp_path, addresses)
    unions.build(tmp_path, name)
    flip(unions.folder(tmp_path, name) / "columns.bin")
    cache = SegmentCache(tmp_path)
    assert cache.union(name)
    wait_until(lambda: not unions.exists(tmp_path, name))
    assert cache.union(name) is None


def test_unused_unions_are_swept_and_open_ones_go_on_answering(tmp_path, addresses) -> None:
    old, new = (unions.request(tmp_path, each) for each in (addresses, addresses[1:]))
    for name in (old, new):
        unions.build(tmp_path, name)
    store, vector = FaissFiles(SegmentCache(tmp_path)), clustered(1, 16, seed=99)
    before = store.search(addresses, vector, 10)
    os.utime(unions.folder(tmp_path, old), (0, 0))
    assert unions.remove_unused(tmp_path) >= 1
    assert (unions.exists(tmp_path, old), unions.exists(tmp_path, new)) == (False, True)
    assert store.search(addresses, vector, 10) == before


@pytest.mark.parametrize("name", ["", "../x", "a/b", "ABC"])
def test_a_name_can_lead_to_no_other_folder(name, tmp_path) -> None:
    with pytest.raises(ValueError, match="not the name of a union"):
        unions.build(tmp_path, name)


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, in a copy that takes its place."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    aside = path.with_name("aside")
    aside.write_bytes(data)
    aside.replace(path)


def wait_until(is_so, timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
