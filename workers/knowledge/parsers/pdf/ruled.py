"""Tables drawn by ruling lines; one box becomes several rows if each of its lines holds values."""

from collections.abc import Sequence
from typing import Final

from workers.knowledge.parsers.cells import Rows, is_number, tidied, with_one_header
from workers.knowledge.parsers.pdf.lines import joined
from workers.knowledge.parsers.pdf.rules import RuledGrid
from workers.knowledge.parsers.pdf.tables import (
    Table,
    captioned,
    holds_words_or_is_full,
    is_plausible,
    is_right_to_left,
    is_tick,
)
from workers.knowledge.parsers.words import TextPiece, Word, piece_of, rows_of, same_line

# Longer cells are boxes of prose, not of a table.
_MAX_CELL: Final = 600
# Shorter cells are not wrapped.
_SHORT_CELL: Final = 16
# Share of cells with words or numbers, not counting ticks and crosses; frames of drawings have fewer.
_MIN_PLAUSIBLE: Final = 0.4

_CellLines = list[tuple[TextPiece, str]]


def ruled_table(grid: RuledGrid, pieces: Sequence[TextPiece]) -> Table | None:
    """The table in `grid`, None if its boxes don't form one."""
    inside = [
        each
        for each in pieces
        if grid.xs[0] - 2 <= each.middle <= grid.xs[-1] + 2
        and grid.ys[0] - 2 <= (each.y0 + each.y1) / 2 <= grid.ys[-1] + 2
    ]
    if len(inside) < 3:
        return None
    n_rows, n_columns = len(grid.ys) - 1, len(grid.xs) - 1
    cells: list[list[list[Word]]] = [[[] for _ in range(n_columns)] for _ in range(n_rows)]
    for word in (word for piece in inside for word in piece.words):
        place = _slot(grid.ys, (word.y0 + word.y1) / 2), _slot(grid.xs, (word.x0 + word.x1) / 2)
        cells[place[0]][place[1]].append(word)
    filled = [cell for row in cells for cell in row if cell]
    texts = [_cell_text(cell) for cell in filled]
    if len(filled) < 3 or max(map(len, texts)) > _MAX_CELL or sum(any(row) for row in cells) < 2:
        return None
    if sum(any(row[i] for row in cells) for i in range(n_columns)) < 2 or len(filled) < 0.2 * n_rows * n_columns:
        return None
    if sum(map(is_plausible, texts)) < max(3, _MIN_PLAUSIBLE * sum(not is_tick(text) for text in texts)):
        return None
    rows = [line for i in range(n_rows) for line in _split_rows(_merged_row(grid, cells, i))]
    rows = tidied(_spread_down(grid, cells, rows, n_rows))
    if is_right_to_left("".join(texts)):
        rows = [row[::-1] for row in rows]
    notes, rows = captioned(rows)
    if len(rows) < 2 or len(rows[0]) < 2 or not holds_words_or_is_full(rows):
        return None
    return Table(with_one_header(rows), tuple(inside), grid.xs, notes=notes)


def _slot(places: Sequence[float], at: float) -> int:
    return max(0, min(len(places) - 2, sum(place <= at for place in places) - 1))


def _merged_row(grid: RuledGrid, cells: list[list[list[Word]]], i: int) -> list[list[Word]]:
    """Row `i`; cells without a rule between them are merged into the first."""
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
    """A band between two horizontal rules as one row, or as a row per line if the lines hold separate values."""
    lines = [[(each[0], _line_text(each)) for each in _lines(cell)] for cell in row]
    return _parallel_lines(lines) or _full_lines(lines) or [[_cell_text(cell) for cell in row]]


def _lines(cell: Sequence[Word]) -> list[list[TextPiece]]:
    return rows_of([piece_of([word]) for word in cell])


def _parallel_lines(columns: list[_CellLines]) -> Rows:
    """A row per line if most cells of a band have equally many lines at the same heights, else none.

    Cells of one line are repeated in each row.
    """
    filled = [lines for lines in columns if lines]
    n = max((len(lines) for lines in filled), default=0)
    even = [lines for lines in filled if len(lines) == n]
    if n < 2 or len(even) < 2 or len(even) < 0.6 * len(filled):
        return []
    if not all(same_line(a, b) for lines in even for (a, _), (b, _) in zip(lines, even[0], strict=True)):
        return []
    texts = [text for lines in even for _, text in lines]
    short = n > 2 and len(even) == len(filled) and max(map(len, texts)) <= _SHORT_CELL
    if not short and sum(map(is_number, texts)) < 0.5 * len(texts):
        return []
    return [[_at(lines, base, len(lines) == 1) for lines in columns] for base, _ in even[0]]


def _at(lines: _CellLines, base: TextPiece, spreads: bool) -> str:
    if spreads:
        return lines[0][1]
    return " ".join(text for line, text in lines if same_line(line, base))


def _full_lines(columns: list[_CellLines]) -> Rows:
    """A row per line if most lines of a band have numbers and text in several cells, else none."""
    bases: list[TextPiece] = []
    for line, _ in (each for lines in columns for each in lines):
        if not any(same_line(line, base) for base in bases):
            bases.append(line)
    bases.sort(key=lambda each: each.baseline)
    rows = [[_at(lines, base, False) for lines in columns] for base in bases]
    several = sum(sum(map(bool, row)) >= 2 for row in rows)
    numeric = sum(any(is_number(cell) for cell in row[1:]) for row in rows)
    enough = len(rows) >= 3 and several >= 0.7 * len(rows) and numeric >= 0.5 * len(rows)
    return rows if enough else []


def _spread_down(grid: RuledGrid, cells: list[list[list[Word]]], rows: Rows, n_rows: int) -> Rows:
    """`rows` with the text of cells that span several rows repeated in each of them."""
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
    return joined([_line_text(row) for row in _lines(words)])


def _line_text(row: Sequence[TextPiece]) -> str:
    texts = [each.text for each in row]
    return " ".join(reversed(texts) if is_right_to_left("".join(texts)) else texts)
