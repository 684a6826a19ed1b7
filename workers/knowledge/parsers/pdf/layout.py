"""The lines and tables of a page in reading order: the file's order, unless it jumps between columns of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from statistics import median
from typing import Final

import numpy as np

from workers.knowledge.parsers.pdf.aligned import aligned_tables
from workers.knowledge.parsers.pdf.lines import TextLine, lines_of
from workers.knowledge.parsers.pdf.ruled import ruled_table
from workers.knowledge.parsers.pdf.rules import RuledGrid
from workers.knowledge.parsers.pdf.tables import Table
from workers.knowledge.parsers.words import TextPiece, Word, piece_of, pieces_of, rows_of, same_line

# A column of text has at least this many lines of this many characters; otherwise it is a table's.
_MIN_LINES: Final = 4
_MIN_LINE_CHARS: Final = 18
# The largest share of lines across the gutter (titles, captions of wide pictures).
_MAX_CROSSING: Final = 0.35
_MAX_DEPTH: Final = 6
# The largest share of jumps upwards or sideways in a file in reading order; captions and notes make some.
_MAX_JUMPS: Final = 0.06


@dataclass(frozen=True, slots=True)
class Placed:
    """A line or table with the position of its first word in the file's order."""

    item: TextLine | Table
    order: float


def layout(words: Sequence[Word], order: Mapping[int, float], grids: Sequence[RuledGrid]) -> list[Placed]:
    """The lines and tables made of `words`, in reading order; `order` maps the id of a word to its position."""
    pieces = pieces_of(words)
    tables: dict[float, Table] = {}
    for grid in grids:
        taken = {id(piece) for table in tables.values() for piece in table.pieces}
        table = ruled_table(grid, [piece for piece in pieces if id(piece) not in taken])
        if table:
            tables[_first_word(table, order)] = table
    groups = []
    for region in _regions(_with_stand_ins(pieces, tables, order)):
        loose = [piece for piece in region if order[id(piece.words[0])] not in tables]
        aligned = {_first_word(table, order): table for table in aligned_tables(loose)}
        tables |= aligned
        groups.append(_with_stand_ins(region, aligned, order))
    return _in_order(groups, tables, order)


def _first_word(table: Table, order: Mapping[int, float]) -> float:
    return min(order[id(piece.words[0])] for piece in table.pieces)


def _with_stand_ins(
    pieces: Sequence[TextPiece], tables: Mapping[float, Table], order: Mapping[int, float]
) -> list[TextPiece]:
    """`pieces` with the pieces of each table replaced by one without text."""
    taken = {id(piece) for table in tables.values() for piece in table.pieces}
    kept = [piece for piece in pieces if id(piece) not in taken]
    for table in tables.values():
        first = min(table.pieces, key=lambda piece: order[id(piece.words[0])])
        whole = piece_of([word for piece in table.pieces for word in piece.words])
        highest = min(piece.baseline for piece in table.pieces)
        kept.append(replace(whole, words=first.words, text="", baseline=highest, size=first.size, bold=first.bold))
    return kept


def _in_order(
    groups: Sequence[Sequence[TextPiece]], tables: Mapping[float, Table], order: Mapping[int, float]
) -> list[Placed]:
    """The lines and tables of `groups` in the file's order, or by group if that order jumps."""
    placed: list[Placed] = []
    ordered = sorted((p for group in groups for p in group), key=lambda p: order[id(p.words[0])])
    if _jumps(ordered, groups):
        ordered = [piece for group in groups for row in rows_of(group) for piece in row]
    for is_table, run in groupby(ordered, key=lambda each: order[id(each.words[0])] in tables and not each.text):
        if is_table:
            placed += [Placed(tables[number], number) for number in (order[id(each.words[0])] for each in run)]
        else:
            placed += [Placed(line, order[id(first.words[0])]) for line, first in lines_of(list(run))]
    return placed


def _regions(pieces: Sequence[TextPiece], depth: int = 0) -> list[list[TextPiece]]:
    """`pieces` grouped by column of text, in reading order."""
    gutter = _gutter(pieces) if depth < _MAX_DEPTH else None
    if gutter is None:
        return [list(pieces)] if pieces else []
    found: list[list[TextPiece]] = []
    ordered = sorted(pieces, key=lambda p: (p.baseline, p.x0))
    # Bands from the top down: of pieces that cross the gutter, and of pieces that don't.
    for crosses, run in groupby(ordered, key=lambda p: p.x0 < gutter - 1 and p.x1 > gutter + 1):
        band = list(run)
        if crosses:
            found.append(band)
            continue
        for side in ([p for p in band if p.middle < gutter], [p for p in band if p.middle >= gutter]):
            found += _regions(side, depth + 1)
    return _rejoined(found)


def _gutter(pieces: Sequence[TextPiece]) -> float | None:
    """The middle of the widest gap between two columns of prose, or None."""
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
            if start == 0 or end >= len(bins) - 1 or not _separates_prose(pieces, middle):
                continue
            if best is None or end - start > best[1]:
                best = middle, end - start
        if best:
            return best[0]
    return None


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _separates_prose(pieces: Sequence[TextPiece], x: float) -> bool:
    """Whether there are lines of prose on both sides of `x`, next to each other."""
    sides = [p for p in pieces if p.x1 <= x + 1], [p for p in pieces if p.x0 >= x - 1]
    if len(sides[0]) + len(sides[1]) < (1 - _MAX_CROSSING) * len(pieces):
        return False
    heights = []
    for side in sides:
        long = [p for p in side if len(p.text) >= _MIN_LINE_CHARS]
        text = "".join(p.text for p in side)
        mostly_digits = sum(map(str.isdigit, text)) > 0.35 * len(text)
        if len(long) < max(_MIN_LINES, 0.5 * len(side)) or mostly_digits:
            return False
        heights.append((min(p.y0 for p in long), max(p.y1 for p in long)))
    (top, bottom), (other_top, other_bottom) = heights
    overlap = min(bottom, other_bottom) - max(top, other_top)
    return overlap > 0.3 * min(bottom - top, other_bottom - other_top)


def _rejoined(found: list[list[TextPiece]]) -> list[list[TextPiece]]:
    """`found` with neighbouring regions of a single piece joined."""
    joined: list[list[TextPiece]] = []
    for region in found:
        if joined and len(region) == len(joined[-1]) == 1:
            joined[-1] = joined[-1] + region
        else:
            joined.append(region)
    return joined


def _jumps(by_file: Sequence[TextPiece], groups: Sequence[Sequence[TextPiece]]) -> bool:
    """Whether the file's order changes columns within a line or goes up the page."""
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
