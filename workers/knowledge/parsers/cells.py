"""Rows of tables without what only sets them out: spacer columns, and signs in columns of their own."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

Rows = list[list[str]]

_NUMBER: Final = re.compile(
    r"[$€£¥(+\-–—−~<>≈±]*\s*\d[\d.,'’\s]*+[%)kKmMbB*†‡]*+(?:\s*[±(]\s*[\d.]+\)?)?|[-–—]+|n/?a", re.I
)
YEAR: Final = re.compile(r"(?:19|20)\d\d\*?|(?:FY|Q[1-4])\s?\d{2,4}", re.I)
_BEFORE: Final = frozenset("$€£¥")
_AFTER: Final = frozenset(("%", ")", ")%", "%)"))


def is_number(cell: str) -> bool:
    """Whether a cell holds a figure, a dash or "n/a" alone."""
    return bool(_NUMBER.fullmatch(cell))


def tidied(rows: Sequence[Sequence[str]]) -> Rows:
    """`rows` of equal length without empty columns, each sign in the cell of its figure."""
    width = max(map(len, rows), default=0)
    full = [[*row, *[""] * (width - len(row))] for row in rows]
    for column in range(width):
        if column + 1 < width and _are_signs(full, column, column + 1, _BEFORE):
            for row in full:
                row[column : column + 2] = ["", row[column] + row[column + 1]]
        elif column and any(row[column] in _AFTER for row in full):
            before = _filled_before(full, column)
            for row in full if _are_signs(full, column, before, _AFTER) else ():
                row[before], row[column] = row[before] + row[column], ""
    kept = [column for column in range(width) if not _is_spacer(full, column)]
    return [[row[column] for column in kept] for row in full if any(cell.strip() for cell in row)]


def _is_spacer(rows: Rows, column: int) -> bool:
    """Whether `column` has nothing but, under a name that spans several, what is left of it."""
    filled = [row for row in rows if row[column].strip()]
    if not filled or not column or len(filled) >= len(rows) / 2:
        return not filled
    before = _filled_before(rows, column)
    return all(row[before].startswith(row[column]) for row in filled)


def _filled_before(rows: Rows, column: int) -> int:
    """The last column before `column` that is not empty, the one beside it if all are."""
    filled = (each for each in range(column - 1, 0, -1) if any(row[each].strip() for row in rows))
    return next(filled, column - 1)


def _are_signs(rows: Rows, column: int, target: int, signs: frozenset[str]) -> bool:
    """Whether `column` holds such signs, and otherwise only the names over the figures in `target`.

    A merged cell over both has its name in each.
    """
    cells = [(row[column].strip(), row[target].strip()) for row in rows]
    first = next((number for number, (cell, _) in enumerate(cells) if cell in signs), None)
    if first is None or any(cell and cell not in signs for cell, _ in cells[first:]):
        return False
    named = [(cell, name) for cell, name in cells[:first] if cell]
    if any(name and name != cell for cell, name in named):
        return False
    for row, (cell, name) in zip(rows, cells[:first], strict=False):
        row[column] = "" if cell == name else cell
    return True


def merged_header(rows: Rows) -> list[str]:
    """A header's rows as one: "2024 Sales" for "Sales" under "2024"."""
    return [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*rows, strict=True)]


def with_spanned_header(rows: Rows) -> Rows:
    """`rows`, in which merged cells are repeated, with the rows of a header that is merged down as well as across
    as one."""
    n_header = 1
    while (
        n_header < len(rows) - 1 and rows[n_header][0] == rows[n_header - 1][0] != "" and _spans(rows[n_header - 1])
    ):
        n_header += 1
    return [merged_header(rows[:n_header]), *rows[n_header:]]


def _spans(row: list[str]) -> bool:
    return any(cell and cell == following for cell, following in pairwise(row))


def with_one_header(rows: Rows) -> Rows:
    """`rows` of a table, the first two joined if both belong to the header."""
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
