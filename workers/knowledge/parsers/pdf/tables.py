"""Tables of a PDF page: those that ruling lines draw, and those that only alignment shows, as in annual reports.

This is code of our own because both kinds need the words that a reader sees (pdf_visibility.py), and because
pdfplumber, the kept alternative, reads 12.6 pages/s (measured 2026-11) and guesses where tables without lines are. A
table's first row is its header: lines of a header that stand above each other are one row.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from workers.knowledge.parsers.pdf.rules import Grid
from workers.knowledge.parsers.words import Piece, Word, piece_of, rows_of, same_line

Rows = list[list[str]]

_NUMBER: Final = re.compile(
    r"[$€£¥(+\-–—−~<>≈±]*\s*\d[\d.,'’\s]*\s*[%)kKmMbB*†‡]*(?:\s*[±(]\s*[\d.]+\)?)?|[-–—]+|n/?a", re.I
)
_YEAR: Final = re.compile(r"(?:19|20)\d\d\*?|(?:FY|Q[1-4])\s?\d{2,4}", re.I)
_LIST_MARK: Final = re.compile(r"[-•▪●◦–*‣■□►✓]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]|\[\d+\]")
# Dots that lead from a chapter's title to its page number.
_LEADER: Final = re.compile(r"(?:\. ?){5,}")
# Cells of more characters than this are boxes of prose, not of a table.
_MAX_CELL: Final = 600
# No cell of this length is wrapped.
_SHORT_CELL: Final = 16
# Rows this many letter sizes apart still belong to one table.
_MAX_ROW_GAP: Final = 3.2
_MAX_HEADER_ROWS: Final = 4


@dataclass(frozen=True, slots=True)
class Table:
    """A table's rows, its header first, and the pieces that it took from the page."""

    rows: Rows
    pieces: tuple[Piece, ...]
    # Where each column stands, to know the same table again on the next page.
    columns: tuple[float, ...] = ()
    has_header: bool = True
    notes: tuple[str, ...] = ()


def ruled_table(grid: Grid, pieces: Sequence[Piece]) -> Table | None:
    """The table in `grid`, None if its boxes do not hold one."""
    inside = [
        each
        for each in pieces
        if grid.xs[0] - 2 <= each.middle <= grid.xs[-1] + 2
        and grid.ys[0] - 2 <= (each.y0 + each.y1) / 2 <= grid.ys[-1] + 2
    ]
    if len(inside) < 3:
        return None
    n_rows, n_columns = len(grid.ys) - 1, len(grid.xs) - 1
    cells = _ruled_cells(grid, inside)
    filled = [cell for row in cells for cell in row if cell]
    texts = [_cell_text(cell) for cell in filled]
    if len(filled) < 3 or max(map(len, texts)) > _MAX_CELL or sum(any(row) for row in cells) < 2:
        return None
    if sum(any(row[i] for row in cells) for i in range(n_columns)) < 2 or len(filled) < 0.2 * n_rows * n_columns:
        return None
    rows = [line for i in range(n_rows) for line in _split_rows(_merged_row(grid, cells, i))]
    rows = _without_empty_columns(_spread_down(grid, cells, rows, n_rows))
    notes, rows = _captioned(rows)
    if len(rows) < 2 or len(rows[0]) < 2:
        return None
    return Table(_with_one_header(rows), tuple(inside), grid.xs, notes=notes)


def _captioned(rows: Rows) -> tuple[tuple[str, ...], Rows]:
    """What stands over the whole width above a table's header, as text, and the other rows."""
    notes: list[str] = []
    while len(rows) > 2 and len(rows[0]) > 2 and len({cell for cell in rows[0] if cell}) == 1:
        if sum(map(bool, rows[1])) < 2:
            break
        notes.append(next(cell for cell in rows[0] if cell))
        rows = rows[1:]
    return tuple(notes), rows


def _ruled_cells(grid: Grid, pieces: Sequence[Piece]) -> list[list[list[Word]]]:
    cells: list[list[list[Word]]] = [[[] for _ in grid.xs[1:]] for _ in grid.ys[1:]]
    for piece in pieces:
        for word in piece.words:
            i = _slot(grid.ys, (word.y0 + word.y1) / 2)
            j = _slot(grid.xs, (word.x0 + word.x1) / 2)
            cells[i][j].append(word)
    return cells


def _slot(places: Sequence[float], at: float) -> int:
    return max(0, min(len(places) - 2, sum(place <= at for place in places) - 1))


def _merged_row(grid: Grid, cells: list[list[list[Word]]], i: int) -> list[list[Word]]:
    """Row `i`, words of cells that no rule parts in their first cell."""
    y = (grid.ys[i] + grid.ys[i + 1]) / 2
    row: list[list[Word]] = []
    for j, cell in enumerate(cells[i]):
        if j and not grid.parts_across(grid.xs[j], y):
            first = max(k for k in range(j) if k == 0 or grid.parts_across(grid.xs[k], y))
            row[first] = row[first] + cell
            row.append([])
        else:
            row.append(list(cell))
    return row


def _split_rows(row: list[list[Word]]) -> Rows:
    """A band between two level rules as one row, or as many as it has lines with values of their own."""
    lines = [[(each[0], " ".join(piece.text for piece in each)) for each in _lines(cell)] for cell in row]
    return _parallel_lines(lines) or _full_lines(lines) or [[_cell_text(cell) for cell in row]]


_CellLines = list[tuple[Piece, str]]


def _lines(cell: Sequence[Word]) -> list[list[Piece]]:
    return rows_of([piece_of([word]) for word in cell])


def _parallel_lines(columns: list[_CellLines]) -> Rows:
    """Rows where most cells of a band have equally many lines at the same heights; other cells stand in each row."""
    filled = [lines for lines in columns if lines]
    n = max((len(lines) for lines in filled), default=0)
    even = [lines for lines in filled if len(lines) == n]
    if n < 2 or len(even) < 2 or len(even) < 0.6 * len(filled):
        return []
    if not all(same_line(a, b) for lines in even for (a, _), (b, _) in zip(lines, even[0], strict=True)):
        return []
    texts = [text for lines in even for _, text in lines]
    short = n > 2 and len(even) == len(filled) and max(map(len, texts)) <= _SHORT_CELL
    if not short and sum(map(_is_number, texts)) < 0.5 * len(texts):
        return []
    return [[_at(lines, base, len(lines) == 1) for lines in columns] for base, _ in even[0]]


def _at(lines: _CellLines, base: Piece, spreads: bool) -> str:
    if spreads:
        return lines[0][1]
    return " ".join(text for line, text in lines if same_line(line, base))


def _full_lines(columns: list[_CellLines]) -> Rows:
    """Rows where most heights of a band have text in several cells, and numbers."""
    bases: list[Piece] = []
    for line, _ in (each for lines in columns for each in lines):
        if not any(same_line(line, base) for base in bases):
            bases.append(line)
    bases.sort(key=lambda each: each.baseline)
    rows = [[_at(lines, base, False) for lines in columns] for base in bases]
    several = sum(sum(map(bool, row)) >= 2 for row in rows)
    numeric = sum(any(_NUMBER.fullmatch(cell) for cell in row[1:]) for row in rows)
    enough = len(rows) >= 3 and several >= 0.7 * len(rows) and numeric >= 0.5 * len(rows)
    return rows if enough else []


def _spread_down(grid: Grid, cells: list[list[list[Word]]], rows: Rows, n_rows: int) -> Rows:
    """`rows` with the text of cells that reach over several rows in each of them, as in "2 | 2019"."""
    if len(rows) != n_rows:
        return rows
    for j in range(len(grid.xs) - 1):
        x = (grid.xs[j] + grid.xs[j + 1]) / 2
        for i in range(1, n_rows):
            is_open = not grid.parts_down(x, grid.ys[i])
            if is_open and not cells[i][j] and rows[i - 1][j] and not rows[i][j] and any(rows[i]):
                rows[i][j] = rows[i - 1][j]
            elif is_open and rows[i][j] and cells[i][j] and rows[i - 1][j] == "" and any(rows[i - 1]) and i > 1:
                rows[i - 1][j] = rows[i][j]
    return rows


def _cell_text(words: Sequence[Word]) -> str:
    text = ""
    for row in rows_of([piece_of([word]) for word in words]):
        line = " ".join(each.text for each in row)
        if re.search(r"[^\W\d_]-$", text) and line[:1].islower():
            text = text[:-1] + line
        else:
            text += (" " if text else "") + line
    return text


def _without_empty_columns(rows: Rows) -> Rows:
    kept = [j for j in range(len(rows[0])) if any(row[j].strip() for row in rows)]
    return [[row[j] for j in kept] for row in rows if any(cell.strip() for cell in row)]


@dataclass(slots=True)
class _Candidate:
    """Rows that may be a table, while they are collected."""

    rows: list[list[Piece]] = field(default_factory=list)

    def trimmed(self) -> list[list[Piece]]:
        """The rows without those of one piece at the end, and without those at the start, which are a caption."""
        rows = self.rows
        while rows and len(rows[-1]) < 2:
            rows = rows[:-1]
        while rows and len(rows[0]) < 2:
            rows = rows[1:]
        return rows


def aligned_tables(pieces: Sequence[Piece]) -> list[Table]:
    """The tables among `pieces` of one column of text that only alignment shows."""
    tables = []
    candidate = _Candidate()
    rows = rows_of(pieces)
    for row in rows:
        if candidate.rows and not _goes_on(candidate, row):
            tables += _aligned(candidate.trimmed())
            candidate = _Candidate()
        if candidate.rows or len(row) >= 2:
            candidate.rows.append(row)
    return tables + _aligned(candidate.trimmed())


def _goes_on(candidate: _Candidate, row: list[Piece]) -> bool:
    last = candidate.rows[-1]
    gap = row[0].baseline - last[0].baseline
    if gap > _MAX_ROW_GAP * max(row[0].size, last[0].size):
        return False
    if len(row) >= 2:
        return True
    singles = 0
    for each in reversed(candidate.rows):
        if len(each) >= 2:
            break
        singles += 1
    # A section's label inside the table, or a label's second line; not a line of text that reaches over the columns.
    wide = max(each[-1].x1 for each in candidate.rows) - min(each[0].x0 for each in candidate.rows)
    return singles < 3 and row[0].x1 - row[0].x0 < 0.6 * wide


def _aligned(rows: list[list[Piece]]) -> list[Table]:
    if sum(len(row) >= 2 for row in rows) < 3:
        return []
    columns = _columns(rows)
    if len(columns) < 2:
        return []
    cells = [_placed(row, columns, spread=False) for row in rows]
    if not _is_table(cells):
        return []
    if len(columns) == 2 and _are_list_marks([row[0] for row in cells]):
        return []
    header = _header_rows(cells)
    top = [_placed(row, columns, spread=True) for row in rows[:header]]
    merged = [_stacked(top)] if header > 1 else top
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


def _is_table(cells: Rows) -> bool:
    """Short cells or numbers in columns; two columns of prose have neither."""
    filled = [cell for row in cells for cell in row[1:] if cell]
    if not filled or sum(bool(_LEADER.search(" ".join(row))) for row in cells) > 0.3 * len(cells):
        return False
    numeric = sum(_is_number(cell) for cell in filled) / len(filled)
    short = sum(len(cell) <= 25 for cell in filled) / len(filled)
    firsts = [row[0] for row in cells if row[0]]
    several = sum(sum(map(bool, row)) >= 2 for row in cells)
    if several < 0.4 * len(cells):
        return False
    if numeric >= 0.5 or _has_column_of_numbers(cells):
        return True
    # Words alone make a table only where nearly every row fills its columns; formulas and diagrams do not.
    if several < 0.7 * len(cells) or sum(bool(cell) for row in cells for cell in row) < 0.6 * len(cells) * len(
        cells[0]
    ):
        return False
    if len(cells[0]) == 2:
        return short >= 0.9 and len(cells) >= 4 and bool(firsts) and median(map(len, firsts)) <= 30
    return short >= 0.7


def _has_column_of_numbers(cells: Rows) -> bool:
    """Whether one of three or more columns holds almost only numbers, which no column of prose does."""
    if len(cells[0]) < 3:
        return False
    columns = [[cell for cell in column if cell] for column in list(zip(*cells, strict=True))[1:]]
    return any(
        len(column) >= 0.5 * len(cells) and sum(map(_is_number, column)) >= 0.7 * len(column) for column in columns
    )


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell))


def _are_list_marks(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return sum(bool(_LIST_MARK.fullmatch(cell)) for cell in filled) >= 0.6 * len(filled)


def _header_rows(cells: Rows) -> int:
    """How many rows at the top are the header: those before the first row of a label with numbers."""
    for i, row in enumerate(cells[: _MAX_HEADER_ROWS + 1]):
        values = [cell for cell in row[1:] if cell]
        numbers = [cell for cell in values if _is_number(cell) and not _YEAR.fullmatch(cell)]
        if row[0] and numbers and len(numbers) >= 0.5 * len(values):
            return i
        if _is_number(row[0]) and not _YEAR.fullmatch(row[0]) and numbers:
            return i
    n = 1
    while n < min(_MAX_HEADER_ROWS, len(cells) - 1) and sum(map(bool, cells[n])) == 1 and not cells[n][0]:
        n += 1
    return n


def _stacked(rows: Rows) -> list[str]:
    """The header's rows as one, what stands above each other joined."""
    stacked = []
    for column in zip(*rows, strict=True):
        parts = [part for i, part in enumerate(column) if part and part not in column[:i]]
        stacked.append(" ".join(parts))
    return stacked


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
        elif last and (at := _only_cell(row)) and last[at] and not _is_number(row[at]):
            joined[-1] = [*last[:at], f"{last[at]} {row[at]}", *last[at + 1 :]]
        else:
            joined.append(row)
    return joined


def _only_cell(row: Sequence[str]) -> int:
    """The column of the one cell that `row` fills, 0 if there are more."""
    filled = [i for i, cell in enumerate(row) if cell]
    return filled[0] if len(filled) == 1 else 0


def _with_one_header(rows: Rows) -> Rows:
    """`rows` of a ruled table, with the rows of its header as one if the first has blanks over its columns."""
    first = rows[0]
    blank = sum(not cell for cell in first)
    if len(rows) < 3 or not blank or sum(map(bool, first)) < 2:
        return rows
    values = [cell for cell in rows[1] if cell]
    if any(_is_number(cell) and not _YEAR.fullmatch(cell) for cell in values):
        return rows
    fits = all(not (a and b) or a == b for a, b in zip(first, rows[1], strict=True))
    is_over = not first[0] and any(map(_is_number, rows[2][1:]))
    if fits or is_over or rows[1][0] in ("", first[0]):
        over = ""
        spread = []
        for cell, below in zip(first, rows[1], strict=True):
            over = cell or (over if below else "")
            spread.append(over if over == below else f"{over} {below}".strip())
        return [spread, *rows[2:]]
    return rows
