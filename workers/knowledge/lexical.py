"""BM25 over one segment, kept so that many segments can be scored as one collection without building anything.

Libraries such as bm25s weigh terms when they index, so each union of files would need an index of its own. Here a
segment stores counts only; document frequencies and lengths are added up over the segments of a query.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final, Self

import numpy as np
import numpy.typing as npt

# Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); k1 measured 2026-11.
K1: Final = 1.5
B: Final = 0.75

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Postings:
    """Which chunks hold each term and how often.

    Term number t of `vocabulary` is in chunks `chunks[bounds[t]:bounds[t + 1]]`, `counts[...]` times each; `lengths`
    gives each chunk's number of terms. All arrays int32.
    """

    vocabulary: Mapping[str, int]
    bounds: npt.NDArray[np.int32]
    chunks: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> Self:
        """The postings of `texts`, each a list of terms."""
        found: dict[str, list[tuple[int, int]]] = {}
        for number, text in enumerate(texts):
            for term, count in Counter(text).items():
                found.setdefault(term, []).append((number, count))
        pairs = np.array([pair for postings in found.values() for pair in postings], np.int32).reshape(-1, 2)
        return cls(
            vocabulary={term: number for number, term in enumerate(found)},
            bounds=np.cumsum([0, *(len(postings) for postings in found.values())]).astype(np.int32),
            chunks=np.ascontiguousarray(pairs[:, 0]),
            counts=np.ascontiguousarray(pairs[:, 1]),
            lengths=np.array([len(text) for text in texts], np.int32),
        )

    def to_bytes(self) -> bytes:
        """The postings as a NumPy archive, read back by `from_bytes`."""
        vocabulary = np.frombuffer("\n".join(self.vocabulary).encode(), np.uint8)
        buffer = BytesIO()
        np.savez(
            buffer,
            vocabulary=vocabulary,
            bounds=self.bounds,
            chunks=self.chunks,
            counts=self.counts,
            lengths=self.lengths,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The postings that `to_bytes` wrote. Raises ValueError on anything else."""
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            words = arrays["vocabulary"].tobytes().decode()
            vocabulary = {term: number for number, term in enumerate(words.split("\n") if words else ())}
            rest = {name: arrays[name] for name in ("bounds", "chunks", "counts", "lengths")}
        return cls(vocabulary=vocabulary, **rest)

    def holders(self, term: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The chunks that hold `term` and how often, both empty if none does."""
        number = self.vocabulary.get(term)
        if number is None:
            return self.chunks[:0], self.counts[:0]
        range_ = slice(self.bounds[number], self.bounds[number + 1])
        return self.chunks[range_], self.counts[range_]


def rarity(term: str, postings: Sequence[Postings]) -> float:
    """The inverse document frequency of `term` over all of `postings`, above 0."""
    n_chunks = sum(len(each.lengths) for each in postings)
    n_holders = sum(len(each.holders(term)[0]) for each in postings)
    return math.log(1 + (n_chunks - n_holders + 0.5) / (n_holders + 0.5))


def scores(query: Sequence[str], postings: Sequence[Postings]) -> list[Scores]:
    """The BM25 score of every chunk of each of `postings` for the terms of `query`, as one collection."""
    n_chunks = sum(len(each.lengths) for each in postings)
    mean_length = sum(int(each.lengths.sum()) for each in postings) / max(1, n_chunks) or 1.0
    totals = [np.zeros(len(each.lengths), np.float32) for each in postings]
    for term in dict.fromkeys(query):
        weight = rarity(term, postings)
        for each, total in zip(postings, totals, strict=True):
            chunks, counts = each.holders(term)
            norm = K1 * (1 - B + B * each.lengths[chunks] / mean_length)
            total[chunks] += weight * counts * (K1 + 1) / (counts + norm)
    return totals
