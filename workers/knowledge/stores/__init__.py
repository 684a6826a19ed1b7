"""Vector stores, which find the nearest chunks.

A segment's folder always has its vectors, so a store can be filled from it at any time and losing it loses no data.
Exact cosines of single chunks come from the segment.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from workers.knowledge.embed import Vectors


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
