"""Rows and records, written so that each value is next to the name of its column."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from workers.knowledge.parsers.outline import DATA, Outline, flat

# A header repeated above each group of rows must leave room for the rows.
_TABLE_HEADER_CHARS: Final = 300
_TABLE_ROW_CHARS: Final = 400
# About half a chunk; each further block of a record repeats the record's first line.
_RECORD_CHARS: Final = 600
# Pictures and keys inside text files: longer than any word or address.
_ENCODED_CHARS: Final = 300
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_=-]{300,}|(?:[A-Za-z0-9+/_=-]{60,}\r?\n[ \t]*){5,}")
_MAX_COLUMNS: Final = 2_000
_BATCH: Final = 1_000


def add_rows(outline: Outline, header: list[str], rows: Iterable[list[str]]) -> None:
    """Add rows under their header: as a table, or as a record per row if rows are wide."""
    if len(header) > _MAX_COLUMNS:
        outline.notice(f"Only {_MAX_COLUMNS:,} of {len(header):,} columns were read.", missing="columns")
        header = header[:_MAX_COLUMNS]
    remaining = iter(rows)
    batch = [row[: len(header)] for row in islice(remaining, _BATCH)]
    if not batch or _is_narrow(header, batch):
        outline.table([header, *batch])
        while batch := [row[: len(header)] for row in islice(remaining, _BATCH)]:
            outline.table([header, *batch])
        return
    for row in chain(batch, remaining):
        add_record(outline, [f"{name}: {value}" for name, value in zip(header, row, strict=False) if value.strip()])


def add_record(outline: Outline, lines: Iterable[str]) -> None:
    """Add the lines of one record; each block of a long record begins with its first line, which names it."""
    for group in _groups(flat(line) for line in lines):
        outline.lines("\n".join(group))


def _is_narrow(header: list[str], rows: list[list[str]]) -> bool:
    sample = rows[:100]
    mean = sum(len(cell) for row in sample for cell in row) / len(sample)
    return sum(map(len, header)) + 3 * len(header) <= _TABLE_HEADER_CHARS and mean <= _TABLE_ROW_CHARS


def _groups(lines: Iterator[str]) -> Iterator[list[str]]:
    first = next(lines, "")
    group, n_chars = [first], len(first)
    for line in lines:
        if n_chars + len(line) > _RECORD_CHARS and len(group) > 1:
            yield group
            group, n_chars = [first[:200]], min(200, len(first))
        group.append(line)
        n_chars += len(line)
    if group != [""]:
        yield group


def without_data(text: str) -> str:
    """`text` with DATA for long runs of encoded data (base64, hexadecimal)."""
    return _ENCODED.sub(DATA, text) if len(text) > _ENCODED_CHARS else text
