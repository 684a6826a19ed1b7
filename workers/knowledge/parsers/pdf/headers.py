"""The header of a table: its first row. Lines of a header that stand above each other are one row."""

from typing import Final

from workers.knowledge.parsers.pdf.tables import YEAR, Rows, is_number

_MAX_HEADER_ROWS: Final = 4


def captioned(rows: Rows) -> tuple[tuple[str, ...], Rows]:
    """What stands over the whole width above a table's header, as text, and the other rows."""
    notes: list[str] = []
    while len(rows) > 2 and len(rows[0]) > 2 and len({cell for cell in rows[0] if cell}) == 1:
        if sum(map(bool, rows[1])) < 2:
            break
        notes.append(next(cell for cell in rows[0] if cell))
        rows = rows[1:]
    return tuple(notes), rows


def header_rows(cells: Rows) -> int:
    """How many rows at the top are the header: those before the first row of a label with numbers."""
    for i, row in enumerate(cells[: _MAX_HEADER_ROWS + 1]):
        values = [cell for cell in row[1:] if cell]
        numbers = [cell for cell in values if is_number(cell) and not YEAR.fullmatch(cell)]
        if row[0] and numbers and len(numbers) >= 0.5 * len(values):
            return i
        if is_number(row[0]) and not YEAR.fullmatch(row[0]) and numbers:
            return i
    n = 1
    while n < min(_MAX_HEADER_ROWS, len(cells) - 1) and sum(map(bool, cells[n])) == 1 and not cells[n][0]:
        n += 1
    return n


def stacked(rows: Rows) -> list[str]:
    """The header's rows as one, what stands above each other joined."""
    stacked = []
    for column in zip(*rows, strict=True):
        parts = [part for i, part in enumerate(column) if part and part not in column[:i]]
        stacked.append(" ".join(parts))
    return stacked


def with_one_header(rows: Rows) -> Rows:
    """`rows` of a ruled table, with the rows of its header as one if the first has blanks over its columns."""
    first = rows[0]
    blank = sum(not cell for cell in first)
    if len(rows) < 3 or not blank or sum(map(bool, first)) < 2:
        return rows
    values = [cell for cell in rows[1] if cell]
    if any(is_number(cell) and not YEAR.fullmatch(cell) for cell in values):
        return rows
    fits = all(not (a and b) or a == b for a, b in zip(first, rows[1], strict=True))
    is_over = not first[0] and any(map(is_number, rows[2][1:]))
    if fits or is_over or rows[1][0] in ("", first[0]):
        over = ""
        spread = []
        for cell, below in zip(first, rows[1], strict=True):
            over = cell or (over if below else "")
            spread.append(over if over == below else f"{over} {below}".strip())
        return [spread, *rows[2:]]
    return rows
