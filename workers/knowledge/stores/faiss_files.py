"""The default store: FAISS over the segments' files, exact, or over their union if it is built.

Candidates from an approximate union are rescored with the segments' vectors.
"""

import heapq
from collections.abc import Sequence
from typing import Final

from workers.knowledge.content import nearest
from workers.knowledge.embed import Vectors
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.stores import Hit
from workers.knowledge.unions import Union, union_id

# Candidates per chunk to find: with 8 bits per component the true nearest are among twice as many (measured 2026-11).
CANDIDATES: Final = 2


class FaissFiles:
    """Searches the segments' own files."""

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
