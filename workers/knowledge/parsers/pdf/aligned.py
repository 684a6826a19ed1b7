"""Tables without ruling lines, found by the alignment of their columns, as in annual reports."""

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile
from statistics import median
from typing import Final

from workers.knowledge.parsers.cells import Rows, is_number, merged_header
from workers.knowledge.parsers.pdf.lines import HEADING_SIZE
from workers.knowledge.parsers.pdf.tables import (
    Table,
    header_rows,
    holds_words_or_is_full,
    is_plausible,
    is_right_to_left,
    is_tick,
)
from workers.knowledge.parsers.words import TextPiece, rows_of

_LIST_MARK: Final = re.compile(r"[-•▪●◦–*‣■□►✓]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\[\d+\]")
# Dots between a chapter's title and its page number.
_LEADER: Final = re.compile(r"(?:\. ?){5,}")
# The end of an entry in a book's index.
_INDEXED: Final = re.compile(r"[^\W\d_], \d+(?:[-–]\d+)?(?:, \d+(?:[-–]\d+)?)*$")
# Share of cells that are filled, of filled cells that are plausible, and of rows with several plausible cells.
# Financial tables with long labels and few numbers reach 0.37, scattered labels of charts 0.25 (measured 2026-11).
_MIN_FILLED: Final = 0.3
_MIN_PLAUSIBLE: Final = 0.6
_MIN_SEVERAL: Final = 0.4
# The most lines of a header that is set to one side of its column.
_MAX_HEADER_LINES: Final = 2
# The largest distance of two rows of a table, in letter sizes.
_MAX_ROW_GAP: Final = 3.2


def aligned_tables(pieces: Sequence[TextPiece]) -> list[Table]:
    """The aligned tables among `pieces` of one column of text."""
    tables = []
    candidate: list[list[TextPiece]] = []
    for row in rows_of(pieces):
        if candidate and not _continues(candidate, row):
            tables += _aligned(candidate)
            candidate = []
        if candidate or len(row) >= 2:
            candidate.append(row)
    return tables + _aligned(candidate)


def _continues(candidate: list[list[TextPiece]], row: list[TextPiece]) -> bool:
    last = candidate[-1]
    gap = row[0].baseline - last[0].baseline
    if gap > _MAX_ROW_GAP * max(row[0].size, last[0].size):
        return False
    if len(row) >= 2:
        return True
    if row[0].size >= HEADING_SIZE * median(piece.size for each in candidate for piece in each):
        return False
    singles = sum(1 for _ in takewhile(lambda each: len(each) < 2, reversed(candidate)))
    # A section's label inside the table, or a label's second line, but not a line of text across the columns.
    wide = max(each[-1].x1 for each in candidate) - min(each[0].x0 for each in [*candidate, row])
    return singles < 3 and row[0].x1 - row[0].x0 < 0.6 * wide


def _aligned(rows: list[list[TextPiece]]) -> list[Table]:
    while rows and len(rows[-1]) < 2:
        rows.pop()
    if sum(len(row) >= 2 for row in rows) < 3:
        return []
    columns = _under_headers(_columns(rows), rows)
    if len(columns) < 2:
        return []
    if is_right_to_left("".join(piece.text for row in rows for piece in row)):
        columns.reverse()
    cells = [_placed(row, columns, spread=False) for row in rows]
    if not (_is_filled(cells) and _is_table(cells)):
        return []
    firsts = [row[0] for row in cells if row[0]]
    if len(columns) == 2 and sum(bool(_LIST_MARK.fullmatch(cell)) for cell in firsts) >= 0.6 * len(firsts):
        return []
    header, is_bold = header_rows(cells), [row[0].bold for row in rows]
    # A section's label under the header is no part of it.
    if header > 1 and len(rows[header - 1]) == 1 and is_bold[header - 1] and not is_bold[header]:
        header -= 1
    top = [_placed(row, columns, spread=True) for row in rows[:header]]
    merged = [merged_header(top)] if header > 1 else top
    body = _wrapped_labels(cells[header:], is_bold[header:])
    pieces = tuple(piece for row in rows for piece in row)
    return [Table([*merged, *body], pieces, tuple(start for start, _ in columns))]


def _columns(rows: list[list[TextPiece]]) -> list[tuple[float, float]]:
    """(start, end) of each column: the ranges that the rows with most pieces cover, apart from wide headers."""
    several = [row for row in rows if len(row) >= 2]
    most = median(len(row) for row in several)
    covered: list[tuple[float, float]] = sorted(
        (piece.x0, piece.x1) for row in several if len(row) >= 0.7 * most for piece in row
    )
    merged: list[list[float]] = []
    crossing = _crossing(covered, several)
    for start, end in covered:
        if (start, end) in crossing:
            continue
        if merged and start <= merged[-1][1] + 0.5:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return [(start, end) for start, end in merged]


def _under_headers(columns: list[tuple[float, float]], rows: list[list[TextPiece]]) -> list[tuple[float, float]]:
    """`columns` with those that hold only a header merged with the neighbour below it (headers set to one side)."""
    by_column = list(zip(*(_placed(row, columns, spread=False) for row in rows), strict=True))
    for j, (a, b) in enumerate(pairwise(by_column)):
        if len(columns) > 2 and (_is_header_of(a, b) or _is_header_of(b, a)):
            both = (columns[j][0], columns[j + 1][1])
            return _under_headers([*columns[:j], both, *columns[j + 2 :]], rows)
    return columns


def _is_header_of(column: Sequence[str], other: Sequence[str]) -> bool:
    filled, others = [[i for i, cell in enumerate(each) if cell] for each in (column, other)]
    if not filled or not others or filled[-1] >= others[0]:
        return False
    return (
        filled[-1] < _MAX_HEADER_LINES and len(others) > len(filled) and not any(is_number(column[i]) for i in filled)
    )


def _crossing(covered: list[tuple[float, float]], rows: list[list[TextPiece]]) -> set[tuple[float, float]]:
    """The ranges that overlap two pieces of most rows: headers over several columns."""
    crossing = {
        (start, end)
        for start, end in covered
        if sum(len(_overlaps(row, start, end)) >= 2 for row in rows) > 0.5 * len(rows)
    }
    return crossing if len(crossing) < 0.3 * len(covered) else set()


def _overlaps(row: list[TextPiece], start: float, end: float) -> list[TextPiece]:
    return [piece for piece in row if piece.x1 > start + 1 and piece.x0 < end - 1]


def _placed(row: list[TextPiece], columns: list[tuple[float, float]], spread: bool) -> list[str]:
    """The text of `row` by column; a piece over several columns goes to the first, or to each if `spread`."""
    cells = [""] * len(columns)
    for piece in row:
        over = [i for i, (start, end) in enumerate(columns) if _overlaps([piece], start, end)]
        if not over:
            over = [min(range(len(columns)), key=lambda i: abs(sum(columns[i]) / 2 - piece.middle))]
        for i in over if spread else over[:1]:
            cells[i] = f"{cells[i]} {piece.text}".strip()
    return cells


def _is_filled(cells: Rows) -> bool:
    """Whether at least three rows and two columns hold plausible cells, unlike formulas and drawings."""
    plausible = [[is_plausible(cell) for cell in row] for row in cells]
    n_filled, n_plausible = sum(bool(cell) for row in cells for cell in row), sum(map(sum, plausible))
    n_ticks = sum(is_tick(cell) for row in cells for cell in row)
    if n_filled < _MIN_FILLED * len(cells) * len(cells[0]) or n_plausible < _MIN_PLAUSIBLE * (n_filled - n_ticks):
        return False
    n_rows = sum(sum(row) >= 2 for row in plausible)
    n_columns = sum(sum(column) >= 3 for column in zip(*plausible, strict=True))
    return n_rows >= max(3, _MIN_SEVERAL * len(cells)) and n_columns >= 2 and holds_words_or_is_full(cells)


def _is_table(cells: Rows) -> bool:
    """Whether the columns hold short cells or numbers; columns of prose have neither."""
    filled = [cell for row in cells for cell in row[1:] if cell]
    if not filled or sum(bool(_LEADER.search(" ".join(row))) for row in cells) > 0.3 * len(cells):
        return False
    numeric = sum(is_number(cell) for cell in filled) / len(filled)
    short = sum(len(cell) <= 25 for cell in filled) / len(filled)
    firsts = [row[0] for row in cells if row[0]]
    several = sum(sum(map(bool, row)) >= 2 for row in cells)
    if sum(bool(_INDEXED.search(cell)) for row in cells for cell in row) > 0.4 * (len(filled) + len(firsts)):
        return False
    if numeric >= 0.5 or _has_column_of_numbers(cells):
        return True
    # Words alone make a table only where nearly every row of at least four fills its columns.
    n_filled = len(filled) + len(firsts)
    if several < 0.7 * len(cells) or n_filled < 0.6 * len(cells) * len(cells[0]) or len(cells) < 4 or not firsts:
        return False
    if len(cells[0]) == 2:
        return short >= 0.9 and median(map(len, firsts)) <= 30
    return short >= 0.7 and median(map(len, firsts)) <= 40


def _has_column_of_numbers(cells: Rows) -> bool:
    """Whether one of three or more columns holds almost only numbers."""
    if len(cells[0]) < 3:
        return False
    columns = [[cell for cell in column if cell] for column in list(zip(*cells, strict=True))[1:]]
    return any(
        len(column) >= 0.5 * len(cells) and sum(map(is_number, column)) >= 0.7 * len(column) for column in columns
    )


def _wrapped_labels(rows: Rows, is_bold: Sequence[bool]) -> Rows:
    """`rows` with wrapped cells joined; a label that continues begins in lower case, and not after a bold one."""
    joined: Rows = []
    for row, goes_on in zip(rows, [False, *(a == b for a, b in pairwise(is_bold))], strict=True):
        last = joined[-1] if joined else None
        begins_low = goes_on and row[0][:1].islower()
        only_label = last and last[0] and not any(last[1:])
        filled = [i for i, cell in enumerate(row) if cell]
        at = filled[0] if len(filled) == 1 else 0
        if last and only_label and begins_low and not last[0].endswith((".", ":")):
            joined[-1] = [f"{last[0]} {row[0]}", *row[1:]]
        elif last and begins_low and not any(row[1:]) and last[0]:
            joined[-1] = [f"{last[0]} {row[0]}", *last[1:]]
        elif last and at and last[at] and not is_number(row[at]):
            joined[-1] = [*last[:at], f"{last[at]} {row[at]}", *last[at + 1 :]]
        else:
            joined.append(row)
    return joined
