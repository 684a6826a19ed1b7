"""A sheet of cells becomes the tables that a reader sees on it, each with its title and its header.

Blank rows and blank columns part one table from the next. A lone text above a table is its title; the first row with
text over values, joined with what stands merged above it, is the header that each group of rows repeats.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from workers.knowledge.parsers.outline import TABLE_GROUP_CHARS, Outline, flat

_NUMBER: Final = re.compile(r"[-+(]?[^\w\s]?\s*\d[\d.,:/\s-]*\)?\s*[%€$£¥]?\)?")
_TITLE_CHARS: Final = 120
_MAX_HEADER_ROWS: Final = 3
# Spreadsheets have 16,384 columns.
_LAST_COLUMN: Final = 16_383
# A merged area larger than this is paint, and is not repeated cell by cell.
_MAX_MERGED_CELLS: Final = 2_000


@dataclass(slots=True)
class Grid:
    """The cells of a sheet that show something, by row and column from 0, and the areas that are merged.

    A merged area is (first row, first column, last row, last column). Rows and columns that are hidden are no gap.
    """

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    # As (first, last).
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)

    def put(self, row: int, column: int, text: str) -> None:
        """Set a cell, unless it shows nothing."""
        if text := flat(text):
            self.rows.setdefault(row, {})[column] = text

    def is_hidden(self, row: int, column: int) -> bool:
        """Whether the row or the column is hidden."""
        return row in self.hidden_rows or any(first <= column <= last for first, last in self.hidden_columns)

    def write(self, outline: Outline, page: int | None) -> None:
        """Add the tables of the sheet from top to bottom, those side by side from left to right."""
        spread = self._spread()
        hidden_columns = sorted({each for a, b in self.hidden_columns for each in range(a, min(b, _LAST_COLUMN) + 1)})
        for rows in _runs(sorted(self.rows), sorted(self.hidden_rows)):
            columns = _runs(sorted({column for row in rows for column in self.rows[row]}), hidden_columns)
            for part in columns:
                area = [{c: self.rows[r][c] for c in part if c in self.rows[r]} for r in rows]
                _write_area([row for row in area if row], part, spread, outline, page)

    def _spread(self) -> set[str]:
        """Repeat merged cells over their areas; gives the texts that are spread over several columns."""
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
    """Sorted numbers parted where one is missing that is not hidden."""
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - bisect_left(hidden, pair[1]) - pair[0])
    return [[number for _, number in run] for _, run in runs]


def _write_area(
    rows: list[dict[int, str]], columns: list[int], spread: set[str], outline: Outline, page: int | None
) -> None:
    titles = 0
    while titles < len(rows) - 1 and _is_title(rows[titles], rows[titles + 1]):
        titles += 1
    for row in rows[:titles]:
        text = next(iter(row.values()))
        if len(text) <= _TITLE_CHARS:
            outline.heading(text, 2, page)
        else:
            outline.text(text, page)
    body = [[row.get(column, "") for column in columns] for row in rows[titles:]]
    if len(columns) == 1 or len(body) == 1:
        outline.lines("\n".join(" | ".join(text for text in row if text) for row in body), page)
        return
    n_header = _header_rows(body, spread)
    if n_header:
        header = [
            " ".join(dict.fromkeys(text for text in cells if text)) for cells in zip(*body[:n_header], strict=True)
        ]
        outline.table([header, *body[n_header:]], page)
    elif sum(len(text) for row in body for text in row) > TABLE_GROUP_CHARS:
        # Without a header the first row would stand over every group as if it were one.
        outline.table([[column_name(column) for column in columns], *body], page)
    else:
        outline.table(body, page)


def _is_title(row: dict[int, str], below: dict[int, str]) -> bool:
    """Whether a row holds one text only, once or spread over its columns, above a row of several."""
    return (
        len(set(row.values())) == 1
        and len(set(below.values())) > 1
        and not _NUMBER.fullmatch(next(iter(row.values())))
    )


def _header_rows(body: list[list[str]], spread: set[str]) -> int:
    """How many rows make up the header, 0 if the first row holds values like the others."""
    first = [text for text in body[0] if text]
    # A column that numbers the rows may begin with a number in the header too.
    n_values = _n_values(body[0])
    if len(first) < 2 or (n_values and not (4 * n_values <= len(first) and n_values < _n_values(body[1]))):
        return 0
    n_header = 1
    while n_header < min(_MAX_HEADER_ROWS, len(body) - 1) and any(text in spread for text in body[n_header - 1]):
        if _n_values(body[n_header]):
            break
        n_header += 1
    return n_header


def _n_values(row: list[str]) -> int:
    """How many cells hold numbers, years apart, which head columns as well."""
    return sum(bool(_NUMBER.fullmatch(text)) and not re.fullmatch(r"(?:19|20)\d\d", text) for text in row)


def column_name(column: int) -> str:
    """The letters of a column, 0 being A."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cells_of(rows: dict[int, dict[int, str]]) -> Iterator[str]:
    """All texts in reading order."""
    for row in sorted(rows):
        yield from (rows[row][column] for column in sorted(rows[row]))
