"""What an answer cites, as its page shows it: passages with the quoted words marked, sections, pages of files."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from gpts.knowledge.documents import Citation, Passage, Unit
from gpts.knowledge.sections import Section, SectionBlock
from gpts.runs.steps import Finished, Log
from web.chat.links import host
from web.runs.citations import passage_of

_ROW: Final = re.compile(r"\| .* \|")
# Ranges of a document's text, by the numbers of the citations that quote them.
Spans = Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage. `marks` are the numbers of the citations that quote it, separated by spaces."""

    text: str
    marks: str


@dataclass(frozen=True, slots=True)
class ShownSource:
    """One cited passage: the number its citations carry, where it is, and its text in pieces.

    `number` is the first of its citations. `has_page`: its file may have pictures of its pages. `url` is the address
    of a page of the web, and empty for a file.
    """

    tag: int
    number: int
    file_name: str
    where: str
    untrusted: bool
    has_page: bool
    pieces: tuple[Piece, ...]
    url: str = ""

    @property
    def host(self) -> str:
        """The host of a page of the web."""
        return host(self.url)


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A block of a section: a heading, text in pieces, or a table of rows of cells of pieces."""

    pieces: tuple[Piece, ...] = ()
    rows: tuple[tuple[tuple[Piece, ...], ...], ...] = ()
    is_heading: bool = False


def place(unit: Unit, page: int | None, heading: str) -> str:
    """Where in a file something is, in words; empty when the file has neither pages nor headings."""
    first, _, rest = heading.partition(" > ")
    if unit == "sheet" and first:
        return ", ".join(filter(None, (f"sheet “{first}”", f"“{rest}”" if rest else "")))
    return ", ".join(filter(None, (f"{unit} {page}" if page else "", f"“{heading}”" if heading else "")))


def where(citation: Citation | Passage) -> str:
    """The page, slide or sheet and the heading of a citation in words, empty when the file has none."""
    return place(citation.unit, citation.page, citation.heading)


def sources(log: Log, finished: Finished) -> tuple[ShownSource, ...]:
    """The sources of an answer in the order of their tags."""
    numbered = sorted(enumerate(finished.citations), key=lambda item: item[1].tag)
    by_tag = groupby(numbered, key=lambda item: item[1].tag)
    return tuple(_source(dict(cited), log) for _, cited in by_tag)


def _source(cited: dict[int, Citation], log: Log) -> ShownSource:
    number, first = next(iter(cited.items()))
    passage = passage_of(log, first)
    if passage is None:  # only a log from elsewhere; the quotes are still true
        pieces = tuple(Piece(citation.quote, str(index)) for index, citation in cited.items())
    else:
        pieces = cut(passage.text, passage.start, {i: (c.start, c.end) for i, c in cited.items()})
    has_page = first.unit == "page" and first.page is not None
    return ShownSource(
        first.tag, number, first.file_name, where(first), first.untrusted, has_page, pieces, address(first)
    )


def address(citation: Citation) -> str:
    """The address of a cited page of the web; empty for a file."""
    url = str(getattr(citation, "url", ""))
    return url if url.startswith(("https://", "http://")) else ""


def cut(text: str, start: int, spans: Spans) -> tuple[Piece, ...]:
    """`text`, which stands at `start` of its document, cut wherever one of `spans` begins or ends."""
    local = {index: (a - start, b - start) for index, (a, b) in spans.items()}
    cuts = sorted({0, len(text), *(each for span in local.values() for each in span if 0 <= each <= len(text))})
    return tuple(
        Piece(text[a:b], " ".join(str(index) for index, (begin, end) in local.items() if begin <= a and b <= end))
        for a, b in pairwise(cuts)
    )


def shown_parts(section: Section, spans: Spans) -> tuple[ShownPart, ...]:
    """The blocks of a section with the words of `spans` marked in them."""
    return tuple(_shown_part(part, spans) for part in section.parts)


def _shown_part(part: SectionBlock, spans: Spans) -> ShownPart:
    lines = part.text.split("\n")
    if not part.is_heading and all(_ROW.fullmatch(line) for line in lines):
        return ShownPart(rows=tuple(_rows(lines, part.start, spans)))
    return ShownPart(pieces=cut(part.text, part.start, spans), is_heading=part.is_heading)


def _rows(lines: list[str], start: int, spans: Spans) -> Iterator[tuple[tuple[Piece, ...], ...]]:
    """The cells of a table that was written as `| a | b |`, a line a row."""
    for line in lines:
        cells, at = [], start + 2
        for cell in line[2:-2].split(" | "):
            cells.append(cut(cell, at, spans))
            at += len(cell) + 3
        yield tuple(cells)
        start += len(line) + 1
