"""The sources of an answer for its page: passages and sections with the quotes marked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from gpts.knowledge.documents import Citation
from gpts.knowledge.sections import Section, SectionBlock
from gpts.runs.steps import Finished, Log
from web.chat.links import host
from web.runs.citations import passage_of, place, web_url, where

_ROW: Final = re.compile(r"\| .* \|")
# Character ranges in a document, by the numbers of the citations that quote them.
Spans = Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A piece of a passage. `marks` are the numbers of the citations that quote it, separated by spaces."""

    text: str
    marks: str


@dataclass(frozen=True, slots=True)
class ShownSource:
    """A cited passage, with the tag of its citations.

    `number` is the first of its citations. `has_page`: its file may have page images. `url` is the URL of a web page,
    and empty for a file. `section` is `where` with the last of its headings alone.
    """

    tag: int
    number: int
    file_name: str
    where: str
    untrusted: bool
    has_page: bool
    pieces: tuple[MarkedText, ...]
    url: str = ""
    section: str = ""

    @property
    def quote(self) -> str:
        """What of the passage is cited."""
        return " ".join(piece.text for piece in self.pieces if piece.marks)

    @property
    def host(self) -> str:
        """The host of a web page."""
        return host(self.url)


@dataclass(frozen=True, slots=True)
class ShownBlock:
    """A block of a section: a heading or text in pieces, or a table with rows of cells of pieces."""

    pieces: tuple[MarkedText, ...] = ()
    rows: tuple[tuple[tuple[MarkedText, ...], ...], ...] = ()
    is_heading: bool = False


def sources(log: Log, finished: Finished) -> tuple[ShownSource, ...]:
    """The sources of an answer in the order of their tags; of one that declines, the closest passages."""
    numbered = sorted(enumerate(finished.sources), key=lambda item: item[1].tag)
    by_tag = groupby(numbered, key=lambda item: item[1].tag)
    return tuple(_source(dict(cited), log) for _, cited in by_tag)


def _source(cited: dict[int, Citation], log: Log) -> ShownSource:
    number, first = next(iter(cited.items()))
    passage = passage_of(log, first)
    if passage is None:  # only in an imported log; the quotes are still right
        pieces = tuple(MarkedText(citation.quote, str(index)) for index, citation in cited.items())
    else:
        pieces = cut(passage.text, passage.start, {i: (c.start, c.end) for i, c in cited.items()})
    has_page = first.unit == "page" and first.page is not None
    url = web_url(first)
    last = first.heading if first.unit == "sheet" else first.heading.rsplit(" > ", 1)[-1]
    section = place(first.unit, first.page, last)
    return ShownSource(
        first.tag, number, first.file_name, where(first), first.untrusted, has_page, pieces, url, section
    )


def cut(text: str, start: int, spans: Spans) -> tuple[MarkedText, ...]:
    """`text`, which begins at `start` in its document, split wherever one of `spans` begins or ends."""
    local = {index: (a - start, b - start) for index, (a, b) in spans.items()}
    cuts = sorted({0, len(text), *(each for span in local.values() for each in span if 0 <= each <= len(text))})
    return tuple(
        MarkedText(
            text[a:b], " ".join(str(index) for index, (begin, end) in local.items() if begin <= a and b <= end)
        )
        for a, b in pairwise(cuts)
    )


def shown_blocks(section: Section, spans: Spans) -> tuple[ShownBlock, ...]:
    """The blocks of a section with `spans` marked."""
    return tuple(_shown_block(block, spans) for block in section.parts)


def _shown_block(block: SectionBlock, spans: Spans) -> ShownBlock:
    lines = block.text.split("\n")
    if not block.is_heading and all(_ROW.fullmatch(line) for line in lines):
        return ShownBlock(rows=tuple(_rows(lines, block.start, spans)))
    return ShownBlock(pieces=cut(block.text, block.start, spans), is_heading=block.is_heading)


def _rows(lines: list[str], start: int, spans: Spans) -> Iterator[tuple[tuple[MarkedText, ...], ...]]:
    """The cells of a table with lines such as `| a | b |`."""
    for line in lines:
        cells, at = [], start + 2
        for cell in line[2:-2].split(" | "):
            cells.append(cut(cell, at, spans))
            at += len(cell) + 3
        yield tuple(cells)
        start += len(line) + 1
