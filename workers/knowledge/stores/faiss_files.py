"""The default store: FAISS over the segments' own files, exact, or over a union once there is one.

The candidates of an approximate union are rescored with the segments' own vectors.
"""

import heapq
from collections.abc import Sequence
from typing import Final

from workers.knowledge.content import Segment, nearest
from workers.knowledge.embed import Vectors
from workers.knowledge.shelf import Shelf
from workers.knowledge.stores import Hit
from workers.knowledge.unions import Union, union_id

# Candidates per wanted chunk: 8 bits a component put the true nearest among twice as many (measured 2026-11).
CANDIDATES: Final = 2


class FaissFiles:
    """Searches what lies on the shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def add(self, segment: Segment) -> None:
        """Nothing is to be done: its folder is the store."""

    def search(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        """The nearest chunks; exact unless an approximate union of these segments has been made."""
        union = self._shelf.union(union_id(addresses))
        hits = self._in_union(union, vector, k) if union else self._in_each(addresses, vector, k)
        return heapq.nlargest(k, hits)

    def drop(self, address: str) -> None:
        """Nothing is to be done: who removes the folder removes the vectors."""

    def _in_each(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        return [
            Hit(cosine, address, row)
            for address in addresses
            for cosine, row in self._shelf.segment(address).nearest(vector, k)
        ]

    def _in_union(self, union: Union, vector: Vectors, k: int) -> list[Hit]:
        if union.is_exact:
            return [Hit(cosine, *union.place(row)) for cosine, row in nearest(union.vectors, vector, k)]
        places = [union.place(row) for _, row in nearest(union.vectors, vector, CANDIDATES * k)]
        return [Hit(self._shelf.segment(place[0]).cosine(place[1], vector), *place) for place in places]
