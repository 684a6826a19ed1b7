"""Where the nearest chunks are looked up: the seam between searching and how vectors are kept.

A segment's folder always holds its vectors, so a store can be filled from it at any time and holds nothing that would
be lost with it. Exact cosines of single chunks come from the segment itself.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from workers.knowledge.content import Segment
from workers.knowledge.embed import Vectors


class Hit(NamedTuple):
    """A chunk and its cosine with the question."""

    cosine: float
    address: str
    row: int


class VectorStore(Protocol):
    """Finds the nearest chunks among those of some segments. Safe between threads."""

    def add(self, segment: Segment) -> None:
        """Make the segment's chunks findable; changes nothing if they are. Killed half-way, none of them is."""

    def search(self, addresses: Sequence[str], vector: Vectors, k: int) -> list[Hit]:
        """The `k` chunks of these segments nearest to `vector` `(1, dim)`, best first.

        Segments that were not added before are. Raises SegmentMissing or SegmentCorrupt.
        """

    def drop(self, address: str) -> None:
        """Forget the segment's chunks; nothing if there are none."""
