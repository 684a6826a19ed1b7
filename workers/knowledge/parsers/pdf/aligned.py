"""Tables that only alignment shows, as in annual reports."""

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from workers.knowledge.parsers.pdf.headers import header_rows, stacked
from workers.knowledge.parsers.pdf.tables import (
    Rows,
    Table,
    holds_words_or_is_full,
    is_number,
    is_plausible,
    is_right_to_left,
    is_tick,
)
from workers.knowledge.parsers.words import Piece, rows_of

_LIST_MARK: Final = re.compile(r"[-•▪●◦–*‣■□►✓]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\[\d+\]")
# Dots that lead from a chapter's title to its page number.
_LEADER: Final = re.compile(r"(?:\. ?){5,}")
# The end of an entry in a book's index.
_INDEXED: Final = re.compile(r"[^\W\d_], \d+(?:[-–]\d+)?(?:, \d+(?:[-–]\d+)?)*$")
# Parts of the places that are filled, of the filled ones that are plausible, and of the rows with several of these.
# Financial tables with long labels and few numbers reach 0.37, scattered labels of charts 0.25 (measured 2026-11).
_MIN_FILLED: Final = 0.3
_MIN_PLAUSIBLE: Final = 0.6
_MIN_SEVERAL: Final = 0.4
# A header that does not stand over its column has at most so many lines.
_MAX_HEADER_LINES: Final = 2
# Rows this many letter sizes apart still belong to one table.
_MAX_ROW_GAP: Final = 3.2


def aligned_tables(pieces: Sequence[Piece]) -> list[Table]:
    """The tables among `pieces` of one column of text that only alignment shows."""
    tables = []
    candidate: list[list[Piece]] = []
    for row in rows_of(pieces):
        if candidate and not _goes_on(candidate, row):
            tables += _aligned(_trimmed(candidate))
            candidate = []
        if candidate or len(row) >= 2:
            candidate.append(row)
    return tables + _aligned(_trimmed(candidate))


def _trimmed(rows: list[list[Piece]]) -> list[list[Piece]]:
    """`rows` without those of one piece at the end."""
    while rows and len(rows[-1]) < 2:
        rows = rows[:-1]
    return rows


def _goes_on(candidate: list[list[Piece]], row: list[Piece]) -> bool:
    last = candidate[-1]
    gap = row[0].baseline - last[0].baseline
    if gap > _MAX_ROW_GAP * max(row[0].size, last[0].size):
        return False
    if len(row) >= 2:
        return True
    singles = 0
    for each in reversed(candidate):
        if len(each) >= 2:
            break
        singles += 1
    # A section's label inside the table, or a label's second line; not a line of text that reaches over the columns.
    wide = max(each[-1].x1 for each in candidate) - min(each[0].x0 for each in candidate)
    return singles < 3 and row[0].x1 - row[0].x0 < 0.6 * wide


def _aligned(rows: list[list[Piece]]) -> list[Table]:
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
    if len(columns) == 2 and _are_list_marks([row[0] for row in cells]):
        return []
    header = header_rows(cells)
    top = [_placed(row, columns, spread=True) for row in rows[:header]]
    merged = [stacked(top)] if header > 1 else top
    body = _wrapped_labels(cells[header:])
    pieces = tuple(piece for row in rows for piece in row)
    has_header = header > 0
    return [Table([*merged, *body], pieces, tuple(start for start, _ in columns), has_header)]


def _columns(rows: list[list[Piece]]) -> list[tuple[float, float]]:
    """Where columns start and end: what the rows with most pieces cover together, apart from wide headers."""
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


def _under_headers(columns: list[tuple[float, float]], rows: list[list[Piece]]) -> list[tuple[float, float]]:
    """`columns` with those that hold but a header put to the neighbours that begin below it, as set to one side."""
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


def _crossing(covered: list[tuple[float, float]], rows: list[list[Piece]]) -> set[tuple[float, float]]:
    """The spans that lie over two pieces of most other rows: headers over several columns."""
    crossing = set()
    for start, end in covered:
        over = sum(sum(piece.x1 > start + 1 and piece.x0 < end - 1 for piece in row) >= 2 for row in rows)
        if over > 0.5 * len(rows):
            crossing.add((start, end))
    return crossing if len(crossing) < 0.3 * len(covered) else set()


def _placed(row: list[Piece], columns: list[tuple[float, float]], spread: bool) -> list[str]:
    """The text of `row` by column; a piece over several columns stands in the first, or in each if `spread`."""
    cells = [""] * len(columns)
    for piece in row:
        over = [i for i, (start, end) in enumerate(columns) if piece.x1 > start + 1 and piece.x0 < end - 1]
        if not over:
            over = [min(range(len(columns)), key=lambda i: abs(sum(columns[i]) / 2 - piece.middle))]
        for i in over if spread else over[:1]:
            cells[i] = f"{cells[i]} {piece.text}".strip()
    return cells


def _is_filled(cells: Rows) -> bool:
    """Whether at least three rows and two columns hold what tables do; formulas and drawings hold odds and ends."""
    plausible = [[is_plausible(cell) for cell in row] for row in cells]
    n_filled, n_plausible = sum(bool(cell) for row in cells for cell in row), sum(map(sum, plausible))
    n_ticks = sum(is_tick(cell) for row in cells for cell in row)
    if n_filled < _MIN_FILLED * len(cells) * len(cells[0]) or n_plausible < _MIN_PLAUSIBLE * (n_filled - n_ticks):
        return False
    n_rows = sum(sum(row) >= 2 for row in plausible)
    n_columns = sum(sum(column) >= 3 for column in zip(*plausible, strict=True))
    return n_rows >= max(3, _MIN_SEVERAL * len(cells)) and n_columns >= 2 and holds_words_or_is_full(cells)


def _is_table(cells: Rows) -> bool:
    """Short cells or numbers in columns; two columns of prose have neither."""
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
    if several < 0.7 * len(cells) or sum(bool(cell) for row in cells for cell in row) < 0.6 * len(cells) * len(
        cells[0]
    ):
        return False
    if len(cells) < 4 or not firsts:
        return False
    if len(cells[0]) == 2:
        return short >= 0.9 and median(map(len, firsts)) <= 30
    return short >= 0.7 and median(map(len, firsts)) <= 40


def _has_column_of_numbers(cells: Rows) -> bool:
    """Whether one of three or more columns holds almost only numbers, which no column of prose does."""
    if len(cells[0]) < 3:
        return False
    columns = [[cell for cell in column if cell] for column in list(zip(*cells, strict=True))[1:]]
    return any(
        len(column) >= 0.5 * len(cells) and sum(map(is_number, column)) >= 0.7 * len(column) for column in columns
    )


def _are_list_marks(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return sum(bool(_LIST_MARK.fullmatch(cell)) for cell in filled) >= 0.6 * len(filled)


def _wrapped_labels(rows: Rows) -> Rows:
    """`rows` with the second lines of their cells put to the first: a label's goes on in small letters."""
    joined: Rows = []
    for row in rows:
        last = joined[-1] if joined else None
        only_label = last and last[0] and not any(last[1:])
        if last and only_label and row[0][:1].islower() and not last[0].endswith((".", ":")):
            joined[-1] = [f"{last[0]} {row[0]}", *row[1:]]
        elif last and row[0][:1].islower() and not any(row[1:]) and last[0]:
            joined[-1] = [f"{last[0]} {row[0]}", *last[1:]]
        elif last and (at := _only_cell(row)) and last[at] and not is_number(row[at]):
            joined[-1] = [*last[:at], f"{last[at]} {row[at]}", *last[at + 1 :]]
        else:
            joined.append(row)
    return joined


def _only_cell(row: Sequence[str]) -> int:
    """The column of the one cell that `row` fills, 0 if there are more."""
    filled = [i for i, cell in enumerate(row) if cell]
    return filled[0] if len(filled) == 1 else 0
