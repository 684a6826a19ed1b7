"""CSV and TSV: the rows of a table; columns without a header are numbered."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from itertools import chain, islice
from typing import Final

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.outline import Outline, text_of
from workers.knowledge.parsers.records import add_rows
from workers.knowledge.text_types import delimiter

_MAX_CELL_CHARS: Final = 1_000_000
# A cell with more lines than this means that a quotation mark was never closed.
_MAX_CELL_LINES: Final = 200
_SAMPLE_ROWS: Final = 200
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_NUMBER: Final = re.compile(
    r"[-+(]?[$€£¥]?\s?\d[\d.,' ]*%?\)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|true|false|yes|no|n/?a|null", re.I
)


def parse(data: bytes) -> Document:
    """The table in a file of delimited values."""
    outline = Outline()
    text = text_of(data, outline)
    if re.match(r"sep=.\s", text):
        _add_rows(outline, text.split("\n", 1)[1], text[4])
    else:
        _add_rows(outline, text, delimiter(text) or ",")
    return outline.document()


def _add_rows(outline: Outline, text: str, mark: str) -> None:
    """Add the rows of `text`, whose cells are separated by `mark`."""
    rows = _rows(outline, text, mark)
    sample = list(islice(rows, _SAMPLE_ROWS))
    # Titles and notes above the table have fewer cells than its rows, or only one with text.
    width = max(map(len, sample), default=0)
    while len(sample) > 1 and width > 2 and (len(sample[0]) <= 2 or sum(map(bool, map(str.strip, sample[0]))) == 1):
        outline.text(" ".join(sample.pop(0)))
    if not sample:
        return
    if _has_header(sample):
        header = [*sample.pop(0)]
    else:
        header = []
        outline.notice("The table has no header, so its columns are numbered.")
    header += [f"Column {n}" for n in range(len(header) + 1, width + 1)]
    add_rows(outline, header, chain(sample, rows))


def _rows(outline: Outline, text: str, mark: str) -> Iterator[list[str]]:
    """The non-empty rows. After a quotation mark that is never closed, each line is a row."""
    csv.field_size_limit(_MAX_CELL_CHARS)
    lines = StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=True)
    place = 0
    try:
        for row in reader:
            if any(cell.count("\n") > _MAX_CELL_LINES for cell in row):
                raise csv.Error
            if any(row):
                yield row
            place = lines.tell()
    except csv.Error:
        outline.notice("A quotation mark is never closed. From there on, each line was read as a row.")
        lines.seek(place)
        for line in lines:
            if line.strip():
                yield [cell.strip().strip('"') for cell in line[:_MAX_CELL_CHARS].rstrip("\r\n").split(mark)]


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: distinct names that differ from the values below them."""
    first, body = [cell.strip() for cell in rows[0]], rows[1:]
    named = [cell for cell in first if cell]
    if not body or not named or any(_NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in named):
        return not body
    if len({cell.lower() for cell in named}) < len(named) * 0.7 or max(map(len, named)) > 120:
        return False
    columns = [[row[n].strip() for row in body if n < len(row) and row[n].strip()] for n in range(len(first))]
    if any(
        column and sum(bool(_NUMBER.fullmatch(cell)) for cell in column) > 0.7 * len(column) for column in columns
    ):
        return True
    # If all columns hold words, a header's words don't occur in the column that they name.
    return not any(name in column for name, column in zip(first, columns, strict=True) if name)
