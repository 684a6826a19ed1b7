"""The row of a table with the most or the least of a column: "which pump is the heaviest?", "the cheapest one".

Sentences that are close to such a question in words or meaning are no answer to it: every row is as close as the
others. So the question's superlative says which column is compared and which way; if that is in doubt, no row is.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.documents import Passage
from gpts.knowledge.quantities import Column, read_column
from gpts.knowledge.support import Source
from gpts.knowledge.terms import terms

# More rows with the same value are no answer.
MOST_ROWS: Final = 3
# "Paid", "pays": words with so many letters in common at their beginnings, which is so much of the longer one.
_ALIKE_LETTERS: Final = 4
_ALIKE_SHARE: Final = 0.6
# What a question is about: "which pump". Words for anything say nothing.
_SUBJECT: Final = re.compile(r"\b(?:which|what|welche[rsnm]?|quel(?:le)?s?|qué) (\w+)", re.IGNORECASE)
_ANYTHING: Final = frozenset(terms("one ones thing things item items option product article kind type"))
_UNIT: Final = re.compile(r"[(\[][^()\[\]]*+[)\]]")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of superlatives: the words and unit of the columns it is about, and whether it may be about others."""

    columns: frozenset[str]
    unit: str
    of_any: bool
    most: re.Pattern[str]
    least: re.Pattern[str]


_KINDS: Final = [
    _Kind(
        frozenset(terms(kind["columns"])),
        kind.get("unit", ""),
        kind.get("of_any", False),
        re.compile(kind["most"], re.IGNORECASE),
        re.compile(kind["least"], re.IGNORECASE),
    )
    for kind in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["kinds"]
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A superlative of a question: its kind, whether the most is asked for, and what follows it."""

    kind: _Kind
    is_most: bool
    after: str


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows under one header, of one or more passages, and its columns of amounts but the first by their name.

    `in_rows` are the terms of the words of each row, `around` those of what is above it, `terms` all of these and of
    the header.
    """

    names: tuple[str, ...]
    rows: list[Source]
    columns: dict[str, Column]
    in_rows: list[frozenset[str]]
    around: list[frozenset[str]]
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Extreme:
    """The rows that a superlative means, the others of their tables, and what they lack of what it is said of."""

    rows: tuple[Source, ...]
    others: tuple[Source, ...]
    unknown: frozenset[str]


def has_superlative(question: str) -> bool:
    """Whether `question` asks for the most or the least of something."""
    return bool(_superlatives(question))


def extreme(question: str, translated: str, context: str, sources: Sequence[Source]) -> Extreme | None:
    """The rows of `sources` that `question` asks for by a superlative; None if by none, or in doubt.

    `translated` is the question in the language of the files, `context` has words of the conversation before it.
    """
    asked = _superlatives(question)
    if not asked:
        return None
    after = frozenset(terms(" ".join(each.after for each in asked)))
    wanted = (after, *(frozenset(terms(each)) for each in (question, translated, context)))
    about, all_tables = _about_what(question, asked), list(_tables(sources))
    elsewhere = about.intersection(chain(*(each.terms for each in sources), *(table.terms for table in all_tables)))
    meant = [table for table in all_tables if elsewhere <= table.terms]
    found = [
        (_closeness(table, wanted[1:]), table, way) for table in meant for way in _compared(table, asked, wanted)
    ]
    closest = max((closeness for closeness, _, _ in found), default=())
    best = [(table, way) for closeness, table, way in found if closeness == closest]
    rows = {
        row.text: row
        for table, (name, is_most) in best
        for row in _extreme(table, name, wanted[1] | wanted[2], is_most=is_most)
    }
    if not 0 < len(rows) <= MOST_ROWS or len({table.names for table, _ in best}) > 1:
        return None
    others = tuple(row for table, _ in best for row in table.rows if row.text not in rows)
    return Extreme(tuple(rows.values()), others, about.difference(*(table.terms for table, _ in best)))


def _about_what(question: str, asked: Sequence[_Asked]) -> frozenset[str]:
    """The terms of what the superlatives are said of: "bike" of "which bike is the lightest", "the lightest bike"."""
    following = (each.after.split()[:1] for each in asked if each.after.startswith(" "))
    return frozenset(terms(" ".join((*_SUBJECT.findall(question), *chain(*following))))) - _ANYTHING


def as_passages(rows: Sequence[Source]) -> tuple[Passage, ...]:
    """Each of `rows` with the part of its table around it: what files that are too long to be given hold of them."""
    return tuple(dict.fromkeys(map(_around, rows)))


def _around(row: Source) -> Passage:
    """The paragraph of `row`, which begins with the header."""
    passage, text = row.passage, row.passage.text
    start = text.rfind("\n\n", 0, row.span.start) + 2 if "\n\n" in text[: row.span.start] else 0
    end = text.find("\n\n", row.span.end)
    piece = text[start : end if end >= 0 else None]
    at = passage.start + start
    return passage.model_copy(
        update={
            "text": piece,
            "start": at,
            "end": at + len(piece),
            "heading": passage.heading_at(at),
            "page": passage.page_at(at),
        }
    )


def _superlatives(question: str) -> list[_Asked]:
    """The superlatives of `question`; "most" is none of its own in "most expensive"."""
    found = [
        (match, _Asked(kind, is_most, question[match.end() :]))
        for kind in _KINDS
        for is_most, pattern in ((True, kind.most), (False, kind.least))
        if (match := pattern.search(question))
    ]
    certain = [match for match, each in found if not each.kind.of_any]
    return [
        each
        for match, each in found
        if not (each.kind.of_any and any(match.start() < one.end() and one.start() < match.end() for one in certain))
    ]


def _tables(sources: Sequence[Source]) -> Iterator[_Table]:
    """The tables among `sources`; those with the same header are one."""
    by_header: dict[str, list[Source]] = defaultdict(list)
    header = ""
    for source in sources:
        if not tables.is_row(source.text):
            header = ""
        elif not source.readable:
            header = source.text
        elif header:
            by_header[header].append(source)
    for header, rows in by_header.items():
        names, grid = tables.cells(header), [tables.cells(row.text) for row in rows]
        read = {
            name: read_column(name, [row[at] if at < len(row) else "" for row in grid])
            for at, name in enumerate(names)
            if at and name
        }
        columns = {name: column for name, column in read.items() if column}
        in_rows = [_words_in(cells) for cells in grid]
        around = [frozenset(terms(f"{row.title} {row.passage.file_name}")) for row in rows]
        of_all = frozenset(terms(" ".join(names))).union(*in_rows, *around)
        yield _Table(tuple(names), rows, columns, in_rows, around, of_all)


def _compared(table: _Table, asked: Sequence[_Asked], wanted: Sequence[frozenset[str]]) -> list[tuple[str, bool]]:
    """The columns by which the question compares the rows of `table`, and whether for the most of each.

    Those that the superlative is about, of several the named one ("the longest warranty"); if it may be about any
    ("the biggest flow"), the one that is named closest to it.
    """
    about = [(name, each.is_most) for each in asked for name in _about(each.kind, table)]
    for words in wanted:
        if words is wanted[-1] and about:  # what was named before counts only if nothing else does
            return about
        named = [name for name in table.columns if _is_alike(_terms_of(name), words)]
        if both := [way for way in about if way[0] in named]:
            return both
        if found := [(name, each.is_most) for each in asked if each.kind.of_any for name in named]:
            return found
    return about


def _about(kind: _Kind, table: _Table) -> list[str]:
    """The columns of `table` that superlatives of this kind are about: by their words, else by their unit."""
    by_name = [name for name in table.columns if kind.columns & _terms_of(name)]
    return by_name or [name for name, column in table.columns.items() if kind.unit and column.kind == kind.unit]


def _closeness(table: _Table, wanted: Sequence[frozenset[str]]) -> tuple[int, ...]:
    """How many terms `table` shares with each of `wanted`: tuples to compare."""
    return tuple(len(words & table.terms) for words in wanted)


def _extreme(table: _Table, name: str, wanted: frozenset[str], *, is_most: bool) -> list[Source]:
    """The rows with the most or least of a column among those that the question means: "the cheapest in Bath"."""
    own = wanted - frozenset(terms(" ".join(table.names)))
    # A title over all of a table may name what one of its rows is: "Tent hire".
    parts = zip(table.in_rows, table.around, strict=True)
    hits = [(len(own & inside), len(own & (inside | around))) for inside, around in parts]
    most = max(hits)
    meant = [
        (row, value)
        for row, value, n in zip(table.rows, table.columns[name].values, hits, strict=True)
        if n == most and value is not None
    ]
    if not meant or (len(meant) == 1 < len(table.rows)):
        return []
    value = (max if is_most else min)(value for _, value in meant)
    return [row for row, own_value in meant if own_value == value]


def _words_in(cells: Sequence[str]) -> frozenset[str]:
    """The terms of a row's words: its numbers are none that a question means."""
    return frozenset(word for word in terms(" ".join(cells)) if not word.replace(".", "").isdigit())


def _terms_of(name: str) -> frozenset[str]:
    return frozenset(terms(_UNIT.sub("", name)))


def _is_alike(names: frozenset[str], words: frozenset[str]) -> bool:
    """Whether one of `names` is among `words`, maybe in another form: "Paid", "pays"."""
    return any(_begin_alike(name, word) for name in names for word in words)


def _begin_alike(one: str, other: str) -> bool:
    longer = max(len(one), len(other))
    n_same = next(
        (n for n, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), min(len(one), len(other))
    )
    return one == other or (n_same >= _ALIKE_LETTERS and n_same >= _ALIKE_SHARE * longer)
