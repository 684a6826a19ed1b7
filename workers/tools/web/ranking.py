"""Ranks the chunks of pages by the question with BM25, without a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.chunking import chunk
from gpts.knowledge.documents import Chunk, Passage
from gpts.knowledge.marks import Mark, marks_within, with_marks
from gpts.knowledge.terms import terms
from workers.knowledge import lexical
from workers.tools.web.pages import OpenedPage

MAX_TOKENS: Final = 1_200
# The lowest score that is kept, as a share of the best one.
_LEAST_SHARE: Final = 0.25
# The chunks of the n-th page are numbered from n times this, so that numbers are unique within a result.
_PER_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class _PageChunk:
    place: int
    page: OpenedPage
    chunk: Chunk
    terms: list[str]
    marks: tuple[Mark, ...]


def best_passages(pages: Sequence[OpenedPage], question: str, max_tokens: int = MAX_TOKENS) -> tuple[Passage, ...]:
    """The chunks of `pages` that match `question` best, best first, about `max_tokens` in all.

    If none contains a word of the question, the beginnings of the pages.
    """
    parts = [part for number, page in enumerate(pages) for part in _parts(page, number * _PER_PAGE)]
    query = list(dict.fromkeys(terms(question)))
    postings = [lexical.Postings.of([part.terms for part in parts])]
    most = lexical.ceiling(lexical.rarities(query, postings)) or 1.0
    scores = [0.0] * len(parts)
    for score, _, row in lexical.best(query, postings, len(parts)):
        scores[row] = score / most
    order = sorted(range(len(parts)), key=lambda i: (-scores[i], parts[i].place % _PER_PAGE, i))
    least = _LEAST_SHARE * max(scores, default=0.0)
    chosen: list[Passage] = []
    for i in order:
        max_tokens -= estimated_tokens([parts[i].chunk.text])[0]
        if chosen and (max_tokens < 0 or scores[i] < least):
            break
        chosen.append(_passage(parts[i], scores[i]))
    return tuple(chosen)


def estimated_tokens(texts: Sequence[str]) -> list[int]:
    """The approximate number of tokens of each text: one per CJK character, one per four characters otherwise."""
    return [max(1, sum(4 if ord(letter) >= 0x2E80 else 1 for letter in text) // 4) for text in texts]


def joined(passages: Sequence[Passage]) -> str:
    """The passages of one page in reading order, gaps marked with “…”."""
    pieces: list[str] = []
    end = -1
    for each in sorted(passages, key=lambda passage: passage.start):
        if each.end <= end:
            continue
        # Neighbouring chunks overlap by some sentences, which are kept once.
        start = max(end, each.start)
        marks = marks_within(each.marks, start, each.end)
        text = with_marks(each.text[start - each.start :], marks, start).strip()
        pieces.append(("…\n" if start == each.start and pieces else "") + text)
        end = each.end
    return "\n".join(pieces)


def _parts(page: OpenedPage, first: int) -> list[_PageChunk]:
    title, marks = terms(page.title), page.page.document.marks()
    return [
        _PageChunk(first + number, page, each, [*terms(f"{each.heading}\n{each.text}"), *title], marks)
        for number, each in enumerate(chunk(page.page.document, estimated_tokens))
    ]


def _passage(part: _PageChunk, score: float) -> Passage:
    host = part.page.host
    return Passage(
        file_id="",
        file_name=f"{part.page.title} ({host})" if part.page.title != host else host,
        segment="",
        chunk=part.place,
        text=part.chunk.text,
        start=part.chunk.start,
        end=part.chunk.end,
        heading=part.chunk.heading,
        page=part.chunk.page,
        unit=part.page.page.document.unit,
        untrusted=True,
        url=part.page.url,
        marks=marks_within(part.marks, part.chunk.start, part.chunk.end),
        score=score,
    )
