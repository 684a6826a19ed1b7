"""Tables that are too long for a prompt: their columns, how many rows they have, and some of the rows.

Rows are counted over all tables of a text, from 1. Headers, which groups of rows repeat in stored text, are none.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Final, NamedTuple

from gpts.knowledge.documents import Passage
from gpts.knowledge.marks import Mark, marks_within
from gpts.knowledge.sentences import Span
from gpts.knowledge.tables import cells, headers, is_row

# A text is a table if its rows are at least this share of its characters.
_TABLE_SHARE: Final = 0.7
_LINE: Final = re.compile(r"[^\n]+")
_MAX_TABLES: Final = 10
MAX_COLUMNS: Final = 60
# Types are told by so many rows.
_SAMPLE_ROWS: Final = 10_000
_TYPES: Final = {
    "number": re.compile(r"[-+(−]?\s?[€$£¥]?\s?\d[\d.,’' ]{0,30}\)?\s?(?:%|[€$£¥]|[A-Z]{3})?"),
    "date": re.compile(r"\d{4}-\d\d?-\d\d?(?:[ T][\d:.+Z]{0,20})?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"),
    "yes or no": re.compile(r"yes|no|true|false", re.IGNORECASE),
    "nested": re.compile(r"[{\[].*", re.DOTALL),
}


class Row(NamedTuple):
    """A row of a table at `start` to `end` of a text, and the header above it, if it has one."""

    start: int
    end: int
    header: str | None


def is_table(text: str) -> bool:
    """Whether a text is mainly rows of tables."""
    return sum(len(line) for line in text.split("\n") if is_row(line)) >= _TABLE_SHARE * len(text) > 0


def rows_of(text: str) -> list[Row]:
    """The rows of the tables in a stored text."""
    lines = [Span(*line.span()) for line in _LINE.finditer(text)]
    above = headers(text, lines)
    rows = (Row(*line, above.get(line.start)) for line in lines if is_row(text[line.start : line.end]))
    return [row for row in rows if row.header != ""]


def part_of_table(whole: Passage, most: int, offset: int = 1, *, described: bool = False) -> Passage:
    """The rows of `whole` from `offset` on that fit in `most` characters; marks say which, and what the columns are.

    The first part has what stands above its first row. Raises IndexError if there is no such row.
    """
    rows = rows_of(whole.text)
    if not 1 <= offset <= len(rows):
        raise no_row(offset, len(rows))
    start = rows[offset - 1].start if offset > 1 else 0
    fitting = [row for row in rows[offset - 1 :] if row.end - start <= most] or rows[offset - 1 : offset]
    end, last = fitting[-1].end, offset - 1 + len(fitting)
    marks = [*marks_within(whole.marks, start, end)]
    header = rows[offset - 1].header
    if start and header:
        marks.insert(0, Mark(start=start, end=start, before=f"{header}\n"))
    if described:
        marks.insert(0, Mark(start=start, end=start, before=f"{_description(whole.text, rows)}\n\n"))
    if last < len(rows):
        shown = f", rows {offset:,}-{last:,} of {len(rows):,}"
        line = cut_line(end - start, len(whole.text), shown, whole.file_name)
        marks.append(Mark(start=end, end=end, before=f"\n\n{line}"))
    return whole.model_copy(update={"text": whole.text[start:end], "start": start, "end": end, "marks": tuple(marks)})


def cut_line(n_chars: int, n_all: int, rows: str, file: str) -> str:
    """The line at the end of what is cut."""
    sizes = f"{n_chars:,} of {n_all:,} characters{rows} shown"
    return f"… cut here: {sizes}; the whole is in the file {file}: read_more gives other rows, and code can open it."


def no_row(offset: int, n_rows: int) -> IndexError:
    """The error about a row that is not there."""
    return IndexError(f"There is no row {offset:,}: the file has {n_rows:,} rows.")


def columns(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The names of the columns of these rows, with their types."""
    values: list[set[str]] = [set() for _ in names[:MAX_COLUMNS]]
    for row in islice(rows, _SAMPLE_ROWS):
        for seen, value in zip(values, row, strict=False):
            if value not in (None, ""):
                seen.add(str(value).strip())
    described = [f"{name} ({_type(seen)})" for name, seen in zip(names, values, strict=False)]
    more = f" and {len(names) - MAX_COLUMNS} more" if len(names) > MAX_COLUMNS else ""
    return f"columns: {', '.join(described)}{more}"


def _type(values: set[str]) -> str:
    if not values:
        return "empty"
    fitting = (name for name, form in _TYPES.items() if all(map(form.fullmatch, values)))
    return next(fitting, "text")


def _description(text: str, rows: Sequence[Row]) -> str:
    """The number of rows and the columns, of several tables each."""
    lines = [f"{len(rows):,} rows"]
    first = 1
    for header, group in groupby(rows, key=attrgetter("header")):
        own = [cells(text[row.start : row.end]) for row in group]
        names = cells(header) if header else [f"column {n}" for n in range(1, len(own[0]) + 1)]
        lines.append(f"rows {first:,}-{first + len(own) - 1:,}: {columns(names, own)}")
        first += len(own)
    if len(lines) == 2:
        return f"{lines[0]}; {lines[1].partition(': ')[2]}"
    more = [f"and {len(lines) - 1 - _MAX_TABLES} more tables"] if len(lines) > _MAX_TABLES + 1 else []
    return "\n".join([*lines[: _MAX_TABLES + 1], *more])
