"""Tables that go on over pages: without a running line that was taken for their first row, under their header."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Final

from workers.knowledge.parsers.pdf.aligned import aligned_tables
from workers.knowledge.parsers.pdf.layout import Placed
from workers.knowledge.parsers.pdf.lines import TextLine, running_key
from workers.knowledge.parsers.pdf.tables import Table, header_rows
from workers.knowledge.parsers.words import TextPiece, rows_of

# The largest distance, in points, of a table's columns from those on the page before.
_SAME_COLUMN: Final = 8.0
# Lines between a table and the edge of its page: a page number, a title that says "continued".
_EDGE_LINES: Final = 2
# A line above a table that is farther from it than this multiple of the distance of its rows is no part of it.
_APART: Final = 1.5


def continue_tables(pages: Sequence[list[Placed]]) -> None:
    """Put the tables that begin `pages` under the header of those that end the page before, if they continue them."""
    tops = Counter(_top(items) for items in pages)
    before: Table | None = None
    for items in pages:
        numbers = [i for i, each in enumerate(items) if isinstance(each.item, Table)]
        if numbers and numbers[0] <= _EDGE_LINES:
            table = items[numbers[0]].item
            assert isinstance(table, Table)
            if not numbers[0] and tops[_top(items)] > 1:
                table = _without_first_line(table)
            items[numbers[0]] = Placed(_continued(table, before) if before else table, items[numbers[0]].order)
        last = items[numbers[-1]].item if numbers and len(items) - numbers[-1] <= _EDGE_LINES + 1 else None
        before = last if isinstance(last, Table) else None


def _top(items: Sequence[Placed]) -> tuple[str, int]:
    """The text of the first line of a page apart from numbers, and its place."""
    first = items[0].item if items else None
    if isinstance(first, TextLine):
        return running_key(first.text), round(first.baseline)
    row = _first_line(first) if first else []
    return running_key(" ".join(piece.text for piece in row)), round(row[0].baseline) if row else 0


def _first_line(table: Table) -> list[TextPiece]:
    return rows_of(table.pieces)[0]


def _without_first_line(table: Table) -> Table:
    """`table` made again without its first line, if that stands apart."""
    rows = rows_of(table.pieces)
    gaps = [below[0].baseline - row[0].baseline for row, below in pairwise(rows)]
    if len(gaps) < 3 or gaps[0] < _APART * median(gaps[1:]):
        return table
    rest = aligned_tables([piece for row in rows[1:] for piece in row])
    return rest[0] if len(rest) == 1 else table


def _continued(table: Table, before: Table) -> Table:
    """`table` under the header of `before`, if it continues it."""
    same = len(table.columns) == len(before.columns) and all(
        abs(a - b) <= _SAME_COLUMN for a, b in zip(table.columns, before.columns, strict=True)
    )
    if not same or len(table.rows[0]) != len(before.rows[0]) or table.rows[0] == before.rows[0]:
        return table
    is_bold, was_bold = (all(piece.bold for piece in _first_line(each)) for each in (table, before))
    if header_rows(table.rows) and (is_bold or not was_bold):
        return table
    # The next page is compared with the header's own pieces.
    return replace(table, rows=[before.rows[0], *table.rows], pieces=before.pieces)
