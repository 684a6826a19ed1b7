"""Which parts of long pages speak to the question: BM25 over their chunks, no model."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.chunking import chunk
from gpts.knowledge.documents import Chunk, Passage
from gpts.knowledge.terms import terms
from workers.tools.web.pages import OpenedPage

# As in the search of knowledge, where k1 1.5 did best (measured 2026-11).
_K1: Final = 1.5
_B: Final = 0.75
MAX_TOKENS: Final = 1_200
# Parts far behind the best one are not worth a reader's time.
_LEAST_SHARE: Final = 0.25
# Numbers of chunks are distinct over all pages of a result.
_PER_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Part:
    place: int
    page: OpenedPage
    chunk: Chunk
    terms: Counter[str]


def best_passages(pages: Sequence[OpenedPage], question: str, max_tokens: int = MAX_TOKENS) -> tuple[Passage, ...]:
    """The parts of `pages` nearest to `question`, best first, about `max_tokens` in all.

    Where no part has a word of the question, the pages' beginnings.
    """
    parts = [part for number, page in enumerate(pages) for part in _parts(page, number * _PER_PAGE)]
    scores = _scores(parts, list(dict.fromkeys(terms(question))))
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
    """About how many tokens each text has: a letter of Chinese and the like is one, four of other scripts are."""
    return [max(1, sum(4 if ord(letter) >= 0x2E80 else 1 for letter in text) // 4) for text in texts]


def told(passages: Sequence[Passage]) -> str:
    """The passages of one page in reading order, gaps marked."""
    pieces: list[str] = []
    end = -1
    for each in sorted(passages, key=lambda passage: passage.start):
        if each.end <= end:
            continue
        # Neighbours share some sentences; what was told is not told again.
        overlap = max(0, end - each.start)
        pieces.append(("…\n" if overlap == 0 and pieces else "") + each.text[overlap:].strip())
        end = each.end
    return "\n".join(pieces)


def _parts(page: OpenedPage, first: int) -> list[_Part]:
    title = terms(page.title)
    return [
        _Part(first + number, page, each, Counter([*terms(f"{each.heading}\n{each.text}"), *title]))
        for number, each in enumerate(chunk(page.page.document, estimated_tokens))
    ]


def _scores(parts: Sequence[_Part], asked: Sequence[str]) -> list[float]:
    """BM25 of each part, divided by the most that it could be: 0..1."""
    n_parts = len(parts)
    mean = sum(part.terms.total() for part in parts) / max(1, n_parts) or 1.0
    with_term = {term: sum(term in part.terms for part in parts) for term in asked}
    weight = {term: math.log(1 + (n_parts - n + 0.5) / (n + 0.5)) for term, n in with_term.items()}
    most = sum(weight.values()) * (_K1 + 1) or 1.0

    def score(part: _Part) -> float:
        norm = _K1 * (1 - _B + _B * part.terms.total() / mean)
        return sum(weight[term] * n * (_K1 + 1) / (n + norm) for term in asked if (n := part.terms[term])) / most

    return [score(part) for part in parts]


def _passage(part: _Part, score: float) -> Passage:
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
        score=score,
    )
