"""Cuts a document into the pieces that are embedded and retrieved."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.documents import Chunk, Document
from gpts.knowledge.sentences import sentence_spans

# 200/50 on sentence borders fits 88.8 % of the gold characters into a 1,000-token context; 400/0 78.2 %, 800/400
# 73.1 % (measured 2026-11).
CHUNK_TOKENS: Final = 200
OVERLAP_TOKENS: Final = 50
# Rows under one header are not cut up to this: the most that the bundled embedder reads at once is 256.
TABLE_TOKENS: Final = 250
# A shorter section is kept together with the next one under the same top heading.
SECTION_TOKENS: Final = 64
# Part of a segment's address: increment it whenever `chunk` cuts the same document differently.
CHUNKING_VERSION: Final = 3
# The same of `embedded_text`.
EMBEDDED_VERSION: Final = 2
_BARS: Final = re.compile(r"(?<![ |])(?: *\|)+(?: |$)", re.MULTILINE)

# Token counts of many texts at once, without special tokens.
CountTokens = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a window of an overlong one, at `start`..`end` of the document's text.

    `table`: the number of the block of a table row. `n_together`: the tokens up to where a chunk may end, which for
    the first row of such a block is after its last one, if they fit a chunk.
    """

    start: int
    end: int
    heading: str
    page: int | None
    is_heading: bool
    n_tokens: int = 0
    n_together: int = 0
    table: int | None = None


def chunk(document: Document, count_tokens: CountTokens) -> tuple[Chunk, ...]:
    """The chunks of `document` in order: about 200 tokens each, of a table up to 250; neighbours in one section share
    about 50.

    For each, `document.text()[start:end] == text`. Every sentence is in some chunk, and no chunk spans two top
    headings. A chunk begins inside a block of table rows only if that block is longer than a chunk.
    """
    text = document.text()
    units = list(_with_tables_together(_counted(text, list(_sentences(document)), count_tokens)))
    return tuple(
        Chunk(
            text=text[group[0].start : group[-1].end],
            start=group[0].start,
            end=group[-1].end,
            heading=group[0].heading,
            page=group[0].page,
        )
        for group in _grouped(units)
    )


def embedded_text(chunk: Chunk) -> str:
    """The text to embed: the chunk below those of its headings that it does not contain.

    Without the bars between a table's cells, which only distract: +2.5 nDCG@10 by meaning on TAT-QA, +1.1 fused
    (measured 2026-11).
    """
    missing = " > ".join(part for part in chunk.heading.split(" > ") if part and not chunk.text.startswith(part))
    return _BARS.sub(" ", f"{missing}\n{chunk.text}" if missing else chunk.text)


def _sentences(document: Document) -> Iterator[_Unit]:
    for number, (offset, block) in enumerate(document.placed()):
        is_heading = block.is_heading()
        for span in sentence_spans(block.text):
            table = number if tables.is_row(block.text[span.start : span.end]) else None
            yield _Unit(offset + span.start, offset + span.end, block.heading, block.page, is_heading, table=table)


def _counted(text: str, units: list[_Unit], count_tokens: CountTokens) -> list[_Unit]:
    """`units` with their token counts, overlong ones bisected at a space until each piece fits a chunk."""
    counts = count_tokens([text[unit.start : unit.end] for unit in units]) if units else ()
    fitting: list[_Unit] = []
    for unit, n_tokens in zip(units, counts, strict=True):
        if n_tokens > CHUNK_TOKENS and unit.end - unit.start > 1:
            fitting.extend(_counted(text, _halves(text, unit), count_tokens))
        else:
            fitting.append(replace(unit, n_tokens=n_tokens))
    return fitting


def _with_tables_together(units: list[_Unit]) -> Iterator[_Unit]:
    """`units` with their `n_together`."""
    lengths: Counter[int | None] = Counter()
    for unit in units:
        lengths[unit.table] += unit.n_tokens
    begun: int | None = None
    for unit in units:
        is_first = unit.table not in (None, begun)
        begun = unit.table
        yield replace(unit, n_together=min(TABLE_TOKENS, lengths[begun]) if is_first else unit.n_tokens)


def _halves(text: str, unit: _Unit) -> list[_Unit]:
    middle = (unit.start + unit.end) // 2
    space = max(text.rfind(" ", unit.start + 1, middle), text.rfind("\t", unit.start + 1, middle))
    # A space in the last half of the left part, otherwise a cut between two characters (Chinese, base64, ...).
    cut = space + 1 if space > (unit.start + middle) // 2 else middle
    pieces = ((unit.start, unit.start + len(text[unit.start : cut].rstrip())), (cut, unit.end))
    return [replace(unit, start=a, end=b) for a, b in pieces if a < b]


def _grouped(units: list[_Unit]) -> Iterator[list[_Unit]]:
    """The groups of `units` that form a chunk each; a group may repeat the last sentences of the one before."""
    group: list[_Unit] = []
    fresh = 0
    for unit in units:
        if group and _must_break(group, unit):
            body, headings = _headings_split_off(group)
            yield body
            group = headings or _overlap(body, unit)
            fresh = len(headings)
        group.append(unit)
        fresh += 1
    if fresh:
        yield group


def _headings_split_off(group: list[_Unit]) -> tuple[list[_Unit], list[_Unit]]:
    """`group` without the headings at its end, and those headings; a group of headings only is not split."""
    cut = len(group)
    while cut and group[cut - 1].is_heading:
        cut -= 1
    return (group[:cut], group[cut:]) if cut else (group, [])


def _must_break(group: list[_Unit], unit: _Unit) -> bool:
    n_tokens = sum(each.n_tokens for each in group)
    if unit.heading != group[-1].heading:
        if _top(unit.heading) != _top(group[-1].heading):
            return True
        if n_tokens >= SECTION_TOKENS and not all(each.is_heading for each in group):
            return True
    goes_on = unit.table is not None and unit.table == group[-1].table
    return n_tokens + unit.n_together > (TABLE_TOKENS if goes_on else CHUNK_TOKENS)


def _top(heading: str) -> str:
    return heading.split(" > ", 1)[0]


def _overlap(group: list[_Unit], unit: _Unit) -> list[_Unit]:
    """The last sentences of `group` to repeat in the chunk starting with `unit`; none across a heading.

    Table rows are not repeated, as they would stand there without their header.
    """
    room = min(OVERLAP_TOKENS, CHUNK_TOKENS - unit.n_together)  # none before a long table
    kept: list[_Unit] = []
    for each in reversed(group[1:]):
        room -= each.n_tokens
        if room < 0 or each.heading != unit.heading or each.is_heading or each.table is not None:
            break
        kept.insert(0, each)
    return kept
