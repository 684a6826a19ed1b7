"""The reading order of a PDF page: the file's own, unless that jumps between columns of text side by side."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from workers.knowledge.parsers.words import Piece, rows_of, same_line

# A column of text has at least this many lines of this many characters; shorter cells belong to tables.
_MIN_LINES: Final = 4
_MIN_LINE_CHARS: Final = 18
# Lines that reach over the gutter (titles, wide pictures' captions) are at most this part of all.
_MAX_CROSSING: Final = 0.35
_MAX_DEPTH: Final = 6
# Jumps upwards or sideways that a file in reading order does not make; captions and notes make some.
_MAX_JUMPS: Final = 0.06


def regions(pieces: Sequence[Piece], depth: int = 0) -> list[list[Piece]]:
    """`pieces` in groups that hold one column of text each, in reading order."""
    gutter = _gutter(pieces) if depth < _MAX_DEPTH else None
    if gutter is None:
        return [list(pieces)] if pieces else []
    found: list[list[Piece]] = []
    for band, crosses in _bands(pieces, gutter):
        if crosses:
            found.append(band)
            continue
        for side in ([p for p in band if p.middle < gutter], [p for p in band if p.middle >= gutter]):
            found += regions(side, depth + 1)
    return _rejoined(found)


def _gutter(pieces: Sequence[Piece]) -> float | None:
    """The middle of the widest gap between two columns of prose, None if there is none."""
    if len(pieces) < 2 * _MIN_LINES:
        return None
    left, right = min(p.x0 for p in pieces), max(p.x1 for p in pieces)
    bins = np.zeros(int((right - left) / 2) + 2)
    for piece in pieces:
        bins[int((piece.x0 - left) / 2) : int((piece.x1 - left) / 2) + 1] += 1
    best: tuple[float, float] | None = None
    for level in sorted({0, *np.unique(bins[bins <= _MAX_CROSSING * len(pieces)]).tolist()}):
        for start, end in _runs(bins <= level):
            middle = left + start + end
            if start == 0 or end >= len(bins) - 1 or not _parts_prose(pieces, middle):
                continue
            if best is None or end - start > best[1]:
                best = middle, end - start
        if best:
            return best[0]
    return None


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _parts_prose(pieces: Sequence[Piece], x: float) -> bool:
    """Whether lines of prose stand on both sides of `x`, and side by side."""
    sides = [p for p in pieces if p.x1 <= x + 1], [p for p in pieces if p.x0 >= x - 1]
    if len(sides[0]) + len(sides[1]) < (1 - _MAX_CROSSING) * len(pieces):
        return False
    heights = []
    for side in sides:
        long = [p for p in side if len(p.text) >= _MIN_LINE_CHARS]
        if len(long) < max(_MIN_LINES, 0.5 * len(side)) or _mostly_digits(side):
            return False
        heights.append((min(p.y0 for p in long), max(p.y1 for p in long)))
    (top, bottom), (other_top, other_bottom) = heights
    overlap = min(bottom, other_bottom) - max(top, other_top)
    return overlap > 0.3 * min(bottom - top, other_bottom - other_top)


def _mostly_digits(pieces: Sequence[Piece]) -> bool:
    text = "".join(p.text for p in pieces)
    return sum(map(str.isdigit, text)) > 0.35 * len(text)


def _bands(pieces: Sequence[Piece], gutter: float) -> list[tuple[list[Piece], bool]]:
    """`pieces` from the top down in bands that cross the gutter, or do not."""
    bands: list[tuple[list[Piece], bool]] = []
    for piece in sorted(pieces, key=lambda p: (p.baseline, p.x0)):
        crosses = piece.x0 < gutter - 1 and piece.x1 > gutter + 1
        if bands and bands[-1][1] == crosses:
            bands[-1][0].append(piece)
        else:
            bands.append(([piece], crosses))
    return bands


def _rejoined(found: list[list[Piece]]) -> list[list[Piece]]:
    """`found` with specks put to the region before them, so that they do not part what belongs together."""
    joined: list[list[Piece]] = []
    for region in found:
        if joined and len(region) == 1 and len(joined[-1]) == 1:
            joined[-1] = joined[-1] + region
        else:
            joined.append(region)
    return joined


def in_reading_order(
    pieces: Sequence[Piece], groups: Sequence[Sequence[Piece]], order: Mapping[int, float]
) -> list[Piece]:
    """`pieces` as the file orders them (`order` by id of the first word), or by `groups` where that order jumps."""
    by_file = sorted(pieces, key=lambda p: order[id(p.words[0])])
    if not _jumps(by_file, groups):
        return by_file
    return [piece for group in groups for row in rows_of(group) for piece in row]


def _jumps(by_file: Sequence[Piece], groups: Sequence[Sequence[Piece]]) -> bool:
    """Whether the file's order changes columns in mid-line or runs up the page."""
    if len(by_file) < _MIN_LINES:
        return False
    group_of = {id(piece): number for number, group in enumerate(groups) for piece in group}
    columns = [i for i, group in enumerate(groups) if len(group) >= _MIN_LINES]
    sideways = upwards = 0
    height = median(p.size for p in by_file)
    for a, b in pairwise(by_file):
        if same_line(a, b):
            sideways += group_of[id(a)] != group_of[id(b)] and len(columns) > 1
        elif b.baseline < a.baseline - 0.5 * height and b.x0 < a.x1 and b.x1 > a.x0:
            upwards += 1
    return sideways + upwards > max(2, _MAX_JUMPS * len(by_file))
