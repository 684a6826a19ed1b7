"""Splits a sheet of cells into the tables that a reader sees on it, each with its title and header.

Blank rows and columns separate tables; but figures beside a blank column belong to the labels on their left, and rows
of figures under a blank row to the header above it. A single text above a table is its title; the first row with text
over values, joined with merged cells above it, is the header that each group of rows repeats.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Final

from openpyxl.utils import get_column_letter

from workers.knowledge.parsers.cells import merged_header
from workers.knowledge.parsers.outline import TABLE_PIECES, Outline, flat, n_pieces

_NUMBER: Final = re.compile(r"[-+(]?[^\w\s]?\s*\d[\d.,:/\s-]*+\)?\s*[%€$£¥]?\)?")
# In cells of their own beside figures.
_SIGNS: Final = frozenset(["$", "€", "£", "¥", "%", ")", "-", "–", "—", "n/a"])
_TITLE_CHARS: Final = 120
_MAX_HEADER_ROWS: Final = 3
# Spreadsheets have 16,384 columns.
_LAST_COLUMN: Final = 16_383
# A larger merged area is formatting, and is not repeated cell by cell.
_MAX_MERGED_CELLS: Final = 2_000


@dataclass(slots=True)
class Grid:
    """The non-empty cells of a sheet by row and column, counted from 0.

    A merged area is (first row, first column, last row, last column). Hidden rows and columns are not gaps; neither
    are empty columns too thin for text (`spacers`), which stand between the columns of one table.
    """

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    # As (first, last).
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    spacers: list[tuple[int, int]] = field(default_factory=list)

    def put(self, row: int, column: int, text: str) -> None:
        """Set a cell, unless `text` is blank."""
        if text := flat(text):
            self.rows.setdefault(row, {})[column] = text

    def is_hidden(self, row: int, column: int) -> bool:
        """Whether the row or the column is hidden."""
        return row in self.hidden_rows or any(first <= column <= last for first, last in self.hidden_columns)

    def texts(self) -> Iterator[str]:
        """All texts in reading order."""
        for _, row in sorted(self.rows.items()):
            yield from (text for _, text in sorted(row.items()))

    def write(self, outline: Outline, page: int | None) -> None:
        """Add the tables of the sheet from top to bottom, and from left to right."""
        spread = self.spread()
        ranges = (range(a, min(b, _LAST_COLUMN) + 1) for a, b in [*self.hidden_columns, *self.spacers])
        skipped = set(chain.from_iterable(ranges))
        header: dict[int, str] = {}
        for rows in _runs(sorted(self.rows), sorted(self.hidden_rows)):
            columns = {column for row in rows for column in self.rows[row]}
            for part in self._joined(_runs(sorted(columns), sorted(skipped - columns)), rows):
                area = [{c: self.rows[r][c] for c in part if c in self.rows[r]} for r in rows]
                header = _write_area([row for row in area if row], part, spread, outline, page, header)

    def _joined(self, parts: list[list[int]], rows: list[int]) -> list[list[int]]:
        """`parts` of columns, with those joined to the part on their left that it names the rows of.

        They are mere figures, or a single column between two spacers.
        """
        joined: list[list[int]] = []
        for part in parts:
            texts = [self.rows[row][column] for row in rows for column in part if column in self.rows[row]]
            is_spaced = bool(joined) and len(part) == 1 and part[0] - joined[-1][-1] == 2 and len(texts) > 1
            if joined and (is_spaced or 2 * _n_figures(texts) > len(texts)):
                joined[-1] += part
            else:
                joined.append([*part])
        return joined

    def spread(self) -> set[str]:
        """Repeat merged cells over their areas; returns the texts of those over several columns."""
        spread = set()
        for top, left, bottom, right in self.merged:
            text = self.rows.get(top, {}).get(left)
            if text is None or (bottom - top + 1) * (right - left + 1) > _MAX_MERGED_CELLS:
                continue
            if right > left:
                spread.add(text)
            for row in range(top, bottom + 1):
                for column in range(left, min(right, _LAST_COLUMN) + 1):
                    self.rows.setdefault(row, {}).setdefault(column, text)
        return spread


def _runs(numbers: list[int], hidden: list[int]) -> list[list[int]]:
    """Sorted numbers, split where a number is missing that is not hidden."""
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - bisect_left(hidden, pair[1]) - pair[0])
    return [[number for _, number in run] for _, run in runs]


def _write_area(
    rows: list[dict[int, str]],
    columns: list[int],
    spread: set[str],
    outline: Outline,
    page: int | None,
    above: dict[int, str],
) -> dict[int, str]:
    """Add a table; `above` is the header by column of the one before, which it may continue. Returns its own."""
    singles = [_single(row, spread) for row in rows]
    if all(singles):
        outline.lines("\n".join(singles), page)
        return {}
    while text := _single(rows[0], spread):
        if _NUMBER.fullmatch(text):
            break
        if len(text) <= _TITLE_CHARS:
            outline.heading(text, 2, page)
        else:
            outline.text(text, page)
        rows = rows[1:]
    body = [[row.get(column, "") for column in columns] for row in rows]
    is_line = len(columns) == 1 or len(body) == 1
    n_header = 0 if is_line else _header_rows(body, spread)
    if n_header:
        header = merged_header(body[:n_header])
        outline.table([header, *body[n_header:]], page)
        return dict(zip(columns, header, strict=True))
    if len(columns) > 1 and _continues(body, columns, above):
        outline.table([[above[column] for column in columns], *body], page)
        return above
    if is_line:
        outline.lines("\n".join(" | ".join(text for text in row if text) for row in body), page)
    elif sum(n_pieces(text) + 1 for row in body for text in row) > TABLE_PIECES:
        # Otherwise the first row would be repeated above every group like a header.
        outline.table([[get_column_letter(min(column, _LAST_COLUMN) + 1) for column in columns], *body], page)
    else:
        outline.table(body, page)
    return {}


def _continues(body: list[list[str]], columns: list[int], above: dict[int, str]) -> bool:
    """Whether rows with figures stand in columns that the header above names."""
    texts = [text for row in body for text in row[1:]]
    return set(columns) <= above.keys() and _n_figures(texts) > 0


def _single(row: dict[int, str], spread: set[str]) -> str:
    """The text of a row with only one, in a cell or in a merged one over several columns; "" of others."""
    first, *rest = row.values()
    return first if not rest or (first in spread and set(rest) == {first}) else ""


def _header_rows(body: list[list[str]], spread: set[str]) -> int:
    """The number of header rows, 0 if the first row holds values like the others."""
    first = [text for text in body[0] if text]
    # The header of a column of row numbers may be a number, too.
    n_values = _n_values(body[0])
    if len(first) < 2 or (n_values and not (4 * n_values <= len(first) and n_values < _n_values(body[1]))):
        return 0
    n_header = 1
    while n_header < min(_MAX_HEADER_ROWS, len(body) - 1) and any(text in spread for text in body[n_header - 1]):
        if _n_values(body[n_header]) and body[n_header][0] != body[n_header - 1][0]:
            break
        n_header += 1
    return n_header


def _n_figures(texts: list[str]) -> int:
    return sum(bool(_NUMBER.fullmatch(text)) or text in _SIGNS for text in texts)


def _n_values(row: list[str]) -> int:
    """The number of cells with numbers other than years, which occur in headers."""
    return sum(bool(_NUMBER.fullmatch(text)) and not re.fullmatch(r"(?:19|20)\d\d", text) for text in row)
