"""Vector stores, which find the nearest chunks: the interface, and the default store with FAISS.

A segment's folder always has its vectors, so a store can be filled from it at any time and losing it loses no data.
Exact cosines of single chunks come from the segment.
"""

import heapq
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from workers.knowledge.content import nearest
from workers.knowledge.embed import Vectors
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.unions import Union, union_id

# Candidates per chunk to find: with 8 bits per component the true nearest are among twice as many (measured 2026-11).
CANDIDATES: Final = 2


class Hit(NamedTuple):
    """A chunk and its cosine to the question."""

    cosine: float
    address: str
    row: int


class VectorStore(Protocol):
    """Finds the nearest chunks of some segments. Thread-safe."""

    def search(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        """The `k` chunks of these segments nearest to `vector` `(1, dim)`, best first.

        Adds segments that the store does not have yet. Raises SegmentMissing or SegmentCorrupt.
        """


class FaissFiles:
    """Searches the segments' own files, exactly, or their union if it is built.

    Candidates from an approximate union are rescored with the segments' vectors.
    """

    def __init__(self, cache: SegmentCache) -> None:
        self._cache = cache

    def search(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        """The nearest chunks; exact unless these segments have an approximate union."""
        union = self._cache.union(union_id(addresses))
        hits = self._in_union(union, vector, k) if union else self._in_each(addresses, vector, k)
        return heapq.nlargest(k, hits)

    def _in_each(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        return [
            Hit(cosine, address, row)
            for address in addresses
            for cosine, row in self._cache.segment(address).nearest(vector, k)
        ]

    def _in_union(self, union: Union, vector: Vectors, k: int) -> list[Hit]:
        if union.is_exact:
            return [Hit(cosine, *union.place(row)) for cosine, row in nearest(union.vectors, vector, k)]
        places = [union.place(row) for _, row in nearest(union.vectors, vector, CANDIDATES * k)]
        return [Hit(self._cache.segment(place[0]).cosine(place[1], vector), *place) for place in places]
