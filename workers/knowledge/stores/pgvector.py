"""Vectors in PostgreSQL with pgvector, for several machines that share one database.

There is one table per number of dimensions, because an index needs a fixed one: a row per chunk in 16 bits, with an
HNSW index. The index scan filters by segment (`hnsw.iterative_scan`, pgvector 0.8), so that a small GPT among many
still gets enough chunks; where PostgreSQL expects few rows it reads them all.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from workers.knowledge.content import Segment
from workers.knowledge.embed import Vectors
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.stores import Hit

if TYPE_CHECKING:
    from psycopg import Connection

Result = TypeVar("Result")

# The advisory lock for creating tables; no other part of the database uses this number.
_TABLES_LOCK: Final = 7_340_118
# Candidates that the HNSW scan keeps; pgvector's default is 40, fewer than the hundred chunks requested.
EF_SEARCH: Final = 200

_TABLE: Final = """
    CREATE EXTENSION IF NOT EXISTS vector;
    CREATE TABLE IF NOT EXISTS knowledge_vectors_{dim} (
        segment text NOT NULL, chunk int NOT NULL, vector halfvec({dim}) NOT NULL, PRIMARY KEY (segment, chunk)
    );
    CREATE INDEX IF NOT EXISTS knowledge_vectors_{dim}_hnsw ON knowledge_vectors_{dim}
        USING hnsw (vector halfvec_ip_ops);
"""
_NEAREST: Final = """
    SELECT -(vector <#> %(vector)s) AS cosine, segment, chunk FROM knowledge_vectors_{dim}
    WHERE segment = ANY(%(segments)s) ORDER BY vector <#> %(vector)s LIMIT %(k)s
"""
_KNOWN: Final = "SELECT segment FROM knowledge_vectors_{dim} WHERE chunk = 0 AND segment = ANY(%s)"


class PgVector:
    """Searches the database at `url`; each thread has its own connection."""

    def __init__(self, cache: SegmentCache, url: str) -> None:
        self._cache = cache
        self._url = url
        self._threads = threading.local()
        self._lock = threading.Lock()
        self._tables: set[int] = set()
        # Addresses known to be in the database.
        self._added: set[str] = set()

    def add(self, segment: Segment) -> None:
        """Copy the segment's vectors into the database in one transaction, unless they are there."""
        dim, n_chunks = segment.vectors.d, segment.info.n_chunks
        address = segment.info.address
        self._make_table(dim)
        if n_chunks and not self._among_known(dim, [address]):
            vectors = segment.vectors.reconstruct_n(0, n_chunks)
            self._run(lambda connection: _insert(connection, dim, address, vectors))
        self._added.add(address)

    def search(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        """The nearest chunks. Raises psycopg.Error if the database does not answer."""
        dim = vector.shape[1]
        self._make_table(dim)
        self._add_missing(dim, addresses)
        query = {"vector": _literal(vector[0]), "segments": list(addresses), "k": k}
        rows = self._run(lambda connection: connection.execute(_NEAREST.format(dim=dim), query).fetchall())
        return sorted((Hit(float(cosine), segment, chunk) for cosine, segment, chunk in rows), reverse=True)

    def _add_missing(self, dim: int, addresses: Sequence[str]) -> None:
        unsure = [address for address in addresses if address not in self._added]
        if unsure:
            self._added.update(self._among_known(dim, unsure))
            for address in unsure:
                if address not in self._added:
                    self.add(self._cache.segment(address))

    def _among_known(self, dim: int, addresses: Sequence[str]) -> set[str]:
        found = self._run(lambda connection: connection.execute(_KNOWN.format(dim=dim), [list(addresses)]).fetchall())
        return {address for (address,) in found}

    def _make_table(self, dim: int) -> None:
        with self._lock:
            if dim not in self._tables:
                self._run(lambda connection: _create(connection, dim))
                self._tables.add(dim)

    def _run(self, work: "Callable[[Connection[Any]], Result]") -> Result:
        """The result of `work` in a transaction on this thread's connection, retried once if that was lost."""
        from psycopg import OperationalError

        try:
            return self._once(work)
        except OperationalError:
            self._threads.connection = None
            return self._once(work)

    def _once(self, work: "Callable[[Connection[Any]], Result]") -> Result:
        connection = getattr(self._threads, "connection", None) or self._connected()
        with connection.transaction():
            return work(connection)

    def _connected(self) -> "Connection[Any]":
        import psycopg

        connection = psycopg.connect(self._url, autocommit=True)
        connection.execute("SET hnsw.iterative_scan = strict_order")
        connection.execute(f"SET hnsw.ef_search = {EF_SEARCH}")
        self._threads.connection = connection
        return connection


def _create(connection: "Connection[Any]", dim: int) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [_TABLES_LOCK])
    connection.execute(_TABLE.format(dim=dim))


def _insert(connection: "Connection[Any]", dim: int, address: str, vectors: Vectors) -> None:
    # A second worker that adds the same segment waits here and then finds it.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [address])
    if connection.execute(_KNOWN.format(dim=dim), [[address]]).fetchall():
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY knowledge_vectors_{dim} FROM STDIN") as copy:
        for number, vector in enumerate(vectors):
            copy.write_row((address, number, _literal(vector)))


def _literal(vector: Vectors) -> str:
    """`vector` in pgvector's notation; six digits are more precise than 16 bits."""
    return "[" + ",".join(f"{value:.6g}" for value in np.asarray(vector).tolist()) + "]"
