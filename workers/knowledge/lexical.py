"""BM25 over one or many segments as one collection, without building anything for a query.

Libraries such as bm25s weigh terms when they index, so each union of files would need an index of its own. Here a
segment stores counts only; document frequencies and lengths are added up over the segments of a query. Terms are kept
as sorted 64-bit hashes, so that opening a vocabulary of a million words costs nothing; two words of one collection
share a hash about once in 10^8 collections, and would then count as the same word.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

# Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); k1 measured 2026-11.
K1: Final = 1.5
B: Final = 0.75
# A term that a chunk holds more often counts as held so often: it adds less than a hundredth.
_MAX_COUNT: Final = 255
# Looking a chunk up in a term's list costs about as much as adding ten entries of that list (measured 2026-11).
_LOOK_UP_COST: Final = 10
# Parts of a collection whose best scores give a lower bound for the last of the best chunks.
_PARTS: Final = 4_096

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Spans = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which chunks hold each term and how often.

    The term of `keys[t]` (uint64, ascending) is in chunks `chunks[bounds[t]:bounds[t + 1]]` (int32, ascending),
    `counts[...]` times each (uint8), at most `peaks[t]` times; `lengths` (int32) gives each chunk's number of terms.
    """

    keys: Keys
    bounds: Spans
    chunks: Rows
    counts: npt.NDArray[np.uint8]
    peaks: npt.NDArray[np.uint8]
    lengths: Rows

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]]) -> Self:
        """The postings of `texts`, each a list of terms."""
        numbers: dict[str, int] = {}
        terms, chunks, counts = array("i"), array("i"), array("i")
        for chunk, text in enumerate(texts):
            for term, count in Counter(text).items():
                terms.append(numbers.setdefault(term, len(numbers)))
                chunks.append(chunk)
                counts.append(min(count, _MAX_COUNT))
        keys = np.array([key(term) for term in numbers], np.uint64)
        return cls.gathered(
            keys[np.asarray(terms, np.int32)],
            np.asarray(chunks, np.int32),
            np.asarray(counts, np.uint8),
            np.array([len(text) for text in texts], np.int32),
        )

    @classmethod
    def gathered(cls, keys: Keys, chunks: Rows, counts: npt.NDArray[np.uint8], lengths: Rows) -> Self:
        """The postings of entries in any order: `counts[i]` times the term of `keys[i]` in chunk `chunks[i]`."""
        order = np.lexsort((chunks, keys))
        unique, starts = np.unique(keys[order], return_index=True)
        counts = counts[order]
        peaks = np.maximum.reduceat(counts, starts) if len(starts) else counts
        bounds = np.append(starts, len(order)).astype(np.int64)
        return cls(unique, bounds, chunks[order], counts, peaks, lengths)

    @classmethod
    def from_columns(cls, columns: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The postings whose `columns()` these are."""
        return cls(**{name: columns[name] for name in cls.__slots__})

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, to be stored."""
        return {name: getattr(self, name) for name in self.__slots__}

    def spans(self, asked: Keys) -> Spans:
        """Where in `chunks` each asked term's entries begin and end, `(n_asked, 2)`; equal if there are none."""
        found = np.zeros((len(asked), 2), np.int64)
        if len(self.keys):
            places = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
            held = self.keys[places] == asked
            found[held, 0] = self.bounds[places[held]]
            found[held, 1] = self.bounds[places[held] + 1]
        return found

    def holders(self, term: str) -> Rows:
        """The chunks that hold `term`, ascending."""
        start, end = self.spans(np.array([key(term)], np.uint64))[0]
        return self.chunks[start:end]

    def holds(self, term: str, chunk: int) -> bool:
        """Whether the chunk holds `term`."""
        holders = self.holders(term)
        place = int(np.searchsorted(holders, chunk))
        return place < len(holders) and int(holders[place]) == chunk


def key(term: str) -> int:
    """The 64-bit hash under which `term` is kept."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "big")


def rarities(query: Sequence[str], postings: Sequence[Postings]) -> dict[str, float]:
    """The inverse document frequency of each term of `query` over all of `postings`, above 0."""
    asked = np.array([key(term) for term in query], np.uint64)
    weights = _weights([each.spans(asked) for each in postings], postings, len(asked))
    return dict(zip(query, map(float, weights), strict=True))


def ceiling(weights: Mapping[str, float]) -> float:
    """What no chunk's score exceeds for terms of these rarities: each term fills the chunk."""
    return (K1 + 1) * sum(weights.values())


def _weights(spans: Sequence[Spans], postings: Sequence[Postings], n_asked: int) -> npt.NDArray[np.float64]:
    n_chunks = sum(len(each.lengths) for each in postings)
    n_holders = sum((each[:, 1] - each[:, 0] for each in spans), np.zeros(n_asked, np.int64))
    return np.log1p((n_chunks - n_holders + 0.5) / (n_holders + 0.5))


def best(query: Sequence[str], postings: Sequence[Postings], depth: int) -> list[tuple[float, int, int]]:
    """The `depth` chunks with the highest BM25 scores for `query` among all of `postings`, as one collection.

    Each is (score above 0, number of its postings, number of the chunk), best first.
    """
    asked = np.array([key(term) for term in dict.fromkeys(query)], np.uint64)
    if not len(asked):
        return []
    spans = [each.spans(asked) for each in postings]
    weights = _weights(spans, postings, len(asked))
    mean_length = _mean_length(postings)
    found: list[tuple[float, int, int]] = []
    floor = 0.0
    for number, (each, its_spans) in enumerate(zip(postings, spans, strict=True)):
        tally = _Tally(each, list(_lists(each, its_spans, weights, mean_length)), depth, mean_length)
        rows, scores = tally.best(floor)
        if len(rows):
            found += [(score, number, row) for score, row in zip(scores.tolist(), rows.tolist(), strict=True)]
            found = sorted(found, key=lambda each: (-each[0], each[1:]))[:depth]
            floor = found[-1][0] if len(found) == depth else 0.0
    return found


def _mean_length(postings: Sequence[Postings]) -> float:
    n_chunks = sum(len(each.lengths) for each in postings)
    return sum(int(each.lengths.sum(dtype=np.int64)) for each in postings) / max(1, n_chunks) or 1.0


@dataclass(frozen=True, slots=True)
class _List:
    """One asked term's entries in one segment: where they are, what the term weighs, and the most that one adds."""

    start: int
    end: int
    weight: float
    most: float


def _lists(postings: Postings, spans: Spans, weights: npt.NDArray[np.float64], mean_length: float) -> Iterator[_List]:
    shortest = K1 * (1 - B)
    for (start, end), weight in zip(spans.tolist(), weights.tolist(), strict=True):
        if end > start:
            place = int(np.searchsorted(postings.bounds, start, side="right")) - 1
            peak = float(postings.peaks[place])
            yield _List(start, end, weight, weight * peak * (K1 + 1) / (peak + shortest))


class _Tally:
    """Scores of one segment's chunks, term by term, the heaviest first.

    Once the terms that are left cannot lift an unseen chunk among the best, only chunks that can still get there are
    looked up (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995: MaxScore).
    """

    def __init__(self, postings: Postings, lists: Sequence[_List], depth: int, mean_length: float) -> None:
        self._postings = postings
        self._lists = sorted(lists, key=lambda each: -each.most)
        self._depth = depth
        self._mean_length = mean_length

    def best(self, floor: float) -> tuple[Rows, Floats]:
        """At most `depth` chunks, with scores that are above 0 and not below `floor`, and their scores."""
        rest = sum(each.most for each in self._lists)
        if not self._lists or rest < floor:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        totals = np.zeros(len(self._postings.lengths), np.float32)
        rows: Rows | None = None
        for each in self._lists:
            # Sums in another order differ in their last digits, hence a little less than the floor.
            if rows is None and rest < floor:
                rows = np.flatnonzero(totals >= (floor - rest) * 0.9999).astype(np.int32)
            if rows is not None and len(rows) * _LOOK_UP_COST < each.end - each.start:
                self._look_up(totals, each, rows)
            else:
                self._add(totals, each)
            rest -= each.most
            if rows is None:
                floor = max(floor, self._floor(totals))
        if rows is None:
            rows = np.flatnonzero(totals >= floor * 0.9999 if floor else totals > 0).astype(np.int32)
        scores = totals[rows]
        order = np.lexsort((rows, -scores))[: self._depth]
        return rows[order], scores[order]

    def _add(self, totals: Floats, each: _List) -> None:
        chunks = self._postings.chunks[each.start : each.end]
        np.add.at(totals, chunks, self._impacts(each, chunks, self._postings.counts[each.start : each.end]))

    def _look_up(self, totals: Floats, each: _List, rows: Rows) -> None:
        chunks = self._postings.chunks[each.start : each.end]
        places = np.minimum(np.searchsorted(chunks, rows), len(chunks) - 1)
        held = chunks[places] == rows
        places = places[held]
        totals[rows[held]] += self._impacts(each, rows[held], self._postings.counts[each.start + places])

    def _impacts(self, each: _List, chunks: Rows, counts: npt.NDArray[np.uint8]) -> Floats:
        norms = self._postings.lengths.take(chunks).astype(np.float32)
        norms *= np.float32(K1 * B / self._mean_length)
        norms += np.float32(K1 * (1 - B))
        impacts = counts.astype(np.float32)
        norms += impacts
        impacts *= np.float32(each.weight * (K1 + 1))
        impacts /= norms
        return impacts

    def _floor(self, totals: Floats) -> float:
        """A score that at least `depth` chunks reach; the exact one would cost a sort of all chunks."""
        size = max(1, len(totals) // _PARTS)
        parts = totals[: len(totals) // size * size].reshape(-1, size).max(axis=1)
        if len(parts) <= self._depth:
            return 0.0
        return float(np.partition(parts, -self._depth)[-self._depth])


# Makes room for the arrays of merged postings, by name, type and length.
Allocate = Callable[[Mapping[str, tuple[npt.DTypeLike, int]]], Mapping[str, npt.NDArray[Any]]]


def merge(parts: Sequence[Postings], allocate: Allocate) -> None:
    """Write the postings of all `parts`, one after the other, into the arrays that `allocate` gives."""
    keys, groups = np.unique(np.concatenate([each.keys for each in parts]), return_inverse=True)
    sizes = np.concatenate([np.diff(each.bounds) for each in parts])
    owners = np.repeat(np.arange(len(parts)), [len(each.keys) for each in parts])
    order = np.lexsort((owners, groups))
    begins = np.empty(len(sizes), np.int64)
    begins[order] = np.cumsum(sizes[order]) - sizes[order]
    n_entries = int(sizes.sum())
    n_chunks = sum(len(each.lengths) for each in parts)
    room = allocate(
        {
            "keys": (np.uint64, len(keys)),
            "bounds": (np.int64, len(keys) + 1),
            "chunks": (np.int32, n_entries),
            "counts": (np.uint8, n_entries),
            "peaks": (np.uint8, len(keys)),
            "lengths": (np.int32, n_chunks),
        }
    )
    room["keys"][:] = keys
    room["bounds"][1:] = np.cumsum(np.bincount(groups, sizes, len(keys))).astype(np.int64)
    np.maximum.at(room["peaks"], groups, np.concatenate([each.peaks for each in parts]))
    first_term = first_chunk = 0
    for each in parts:
        shifts = begins[first_term : first_term + len(each.keys)] - each.bounds[:-1]
        places = np.repeat(shifts, np.diff(each.bounds)) + np.arange(len(each.chunks))
        room["chunks"][places] = each.chunks + np.int32(first_chunk)
        room["counts"][places] = each.counts
        room["lengths"][first_chunk : first_chunk + len(each.lengths)] = each.lengths
        first_term += len(each.keys)
        first_chunk += len(each.lengths)
