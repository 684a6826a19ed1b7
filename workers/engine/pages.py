"""Plans which cached tokens each sequence of a batch reads, so that shared ones are read once.

A block is `page` tokens of the cache. Sequences with the same beginning share their first blocks, so the block tables
of a batch form a tree. Sorted, the sequences below each branch are adjacent, and the branch is read once for all of
them ("cascade" attention). Tokens that no branch covers are gathered per sequence and padded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

# A direct read costs a call and a merge per layer, about what gathering this many tokens costs (2026-11, 2 cores).
MIN_DIRECT_TOKENS: Final = 768

PageRun = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SharedTokens:
    """Physical tokens `start` to `end`, all of which the sequences `first` to `last` (exclusive) read."""

    first: int
    last: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reads:
    """The reads of a set of sequences: shared branches, and each one's remaining runs of tokens."""

    branches: tuple[SharedTokens, ...]
    rest: tuple[tuple[PageRun, ...], ...]


def plan_reads(tables: Sequence[Sequence[int]], lengths: Sequence[int], found: Sequence[int], page: int) -> Reads:
    """The reads of sequences with `lengths[i]` cached tokens in the blocks `tables[i]`, sorted by their tables.

    The block of a sequence's newest token is always in `rest`, so that no rest is empty. A sequence alone is split as
    in a batch, after the `found[i]` tokens that were in the cache when it started, so that both round alike and
    greedy replies are the same.
    """
    full = [list(table[: (length - 1) // page]) for table, length in zip(tables, lengths, strict=True)]
    branches: list[SharedTokens] = []
    rest: list[list[PageRun]] = [[] for _ in tables]
    for first, last, depth, end in _segments(full, 0, len(full), 0):
        cut = max(depth, min(end, found[first] // page)) if last - first == 1 else end
        for start, stop in _runs(full[first][depth:cut], page) + _runs(full[first][cut:end], page):
            if (stop - start) * (last - first) >= MIN_DIRECT_TOKENS:
                branches.append(SharedTokens(first, last, start, stop))
            else:
                for row in range(first, last):
                    rest[row].append((start, stop))
    for row, length in enumerate(lengths):
        n_full = len(full[row])
        start = tables[row][n_full] * page
        rest[row].append((start, start + length - n_full * page))
    return Reads(tuple(branches), tuple(tuple(runs) for runs in rest))


def plan_past(table: Sequence[int], length: int, page: int) -> tuple[list[PageRun], list[PageRun]]:
    """The first `length` tokens of one sequence as (long runs to read in place, short runs to gather)."""
    n_blocks = -(-length // page)
    runs = _runs(table[:n_blocks], page)
    if runs:
        runs[-1] = (runs[-1][0], runs[-1][1] - (n_blocks * page - length))
    direct = [run for run in runs if run[1] - run[0] >= MIN_DIRECT_TOKENS]
    return direct, [run for run in runs if run[1] - run[0] < MIN_DIRECT_TOKENS]


def _segments(tables: list[list[int]], first: int, last: int, depth: int) -> Iterator[tuple[int, int, int, int]]:
    """Every (first, last, from depth, to depth) over which the rows `first` to `last` have the same blocks."""
    if first == last:
        return
    end = _common(tables[first], tables[last - 1], depth)
    if end > depth:
        yield first, last, depth, end
    yield from _forks(tables, first, last, end)


def _forks(tables: list[list[int]], first: int, last: int, depth: int) -> Iterator[tuple[int, int, int, int]]:
    """The segments below `depth`, where the rows `first` to `last` differ."""
    while first < last:
        stop = first + 1
        if depth < len(tables[first]):
            block = tables[first][depth]
            while stop < last and tables[stop][depth : depth + 1] == [block]:
                stop += 1
            yield from _segments(tables, first, stop, depth)
        first = stop


def _common(left: list[int], right: list[int], depth: int) -> int:
    """The depth to which two tables agree, from `depth` on (so do the rows between them in sorted order)."""
    limit = min(len(left), len(right))
    while depth < limit and left[depth] == right[depth]:
        depth += 1
    return depth


def _runs(blocks: Sequence[int], page: int) -> list[PageRun]:
    """The physical tokens of `blocks` as runs of neighbours."""
    runs: list[PageRun] = []
    for block in blocks:
        start = block * page
        if runs and runs[-1][1] == start:
            runs[-1] = (runs[-1][0], start + page)
        else:
            runs.append((start, start + page))
    return runs
