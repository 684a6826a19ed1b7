"""The passages that an answer cites, with the quoted words marked in them."""

from dataclasses import dataclass
from itertools import groupby, pairwise

from gpts.knowledge.documents import Citation, Passage
from gpts.steps import Finished, Log, Retrieval


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage. `marks` are the numbers of the citations that quote it, separated by spaces."""

    text: str
    marks: str


@dataclass(frozen=True, slots=True)
class Source:
    """One cited passage: the number its citations carry, where it is, and its text in pieces."""

    tag: int
    file_name: str
    where: str
    pieces: tuple[Piece, ...]


def where(citation: Citation) -> str:
    """The page and heading of a citation in words, empty when the file has neither."""
    page = f"page {citation.page}" if citation.page else ""
    return ", ".join(filter(None, (page, f"“{citation.heading}”" if citation.heading else "")))


def sources(log: Log, finished: Finished) -> tuple[Source, ...]:
    """The sources of an answer in the order of their tags."""
    passages = [passage for step in log if isinstance(step, Retrieval) for passage in step.passages]
    numbered = sorted(enumerate(finished.citations), key=lambda item: item[1].tag)
    by_tag = groupby(numbered, key=lambda item: item[1].tag)
    return tuple(_source(dict(cited), passages) for _, cited in by_tag)


def _source(cited: dict[int, Citation], passages: list[Passage]) -> Source:
    first = next(iter(cited.values()))
    passage = next((p for p in passages if _holds(p, first)), None)
    if passage is None:  # only a log from elsewhere; the quotes are still true
        pieces = tuple(Piece(citation.quote, str(index)) for index, citation in cited.items())
    else:
        spans = {i: (c.start - passage.start, c.end - passage.start) for i, c in cited.items()}
        pieces = _pieces(passage.text, spans)
    return Source(first.tag, first.file_name, where(first), pieces)


def _holds(passage: Passage, citation: Citation) -> bool:
    """Whether the quote stands in this passage, letter by letter."""
    start, end = citation.start - passage.start, citation.end - passage.start
    return passage.file_id == citation.file_id and start >= 0 and passage.text[start:end] == citation.quote


def _pieces(text: str, spans: dict[int, tuple[int, int]]) -> tuple[Piece, ...]:
    """`text` cut wherever one of `spans` begins or ends."""
    cuts = sorted({0, len(text), *(cut for span in spans.values() for cut in span if 0 <= cut <= len(text))})
    return tuple(
        Piece(text[a:b], " ".join(str(index) for index, (start, end) in spans.items() if start <= a and b <= end))
        for a, b in pairwise(cuts)
    )
