"""Which passage supports each sentence of an answer, decided by code: words, numbers and names, never by a model.

It errs towards silence: a sentence without enough support gets no citation. A citation always lies inside a passage
that was given, and its quote is literal text of the document.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pydantic import BaseModel, ConfigDict

from gpts.knowledge.documents import Citation, Passage
from gpts.knowledge.sentences import Span, sentence_spans
from gpts.knowledge.terms import stem, terms, words

# Cosines of each first text with each second text, shape (n_first, n_second).
Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]

# Share of a sentence's terms, weighed by rarity, that its source must hold; and the mean of that share and the
# cosine where there is a similarity.
MIN_OVERLAP: Final = 0.5
MIN_SUPPORT: Final = 0.6
# Words of the question settle which of two equal sources is meant, no more.
QUESTION_WEIGHT: Final = 0.1
# An extract of several sentences takes only those that come near the best one.
EXTRACT_SHARE: Final = 0.8

_NAME: Final = re.compile(r"(?<![.!?:\-*#>] )(?<!^)\b[A-Z][\w'’-]*[\w]")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_MARKUP: Final = re.compile(r"^[\s>#*+•-]+|[*_`]+")


class Extract(BaseModel):
    """An answer made of literal sentences of the passages, each with its citation."""

    model_config = ConfigDict(frozen=True)

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A sentence of a passage, or two that follow each other, with the terms found there and around it."""

    passage: Passage
    span: Span
    text: str
    terms: frozenset[str]
    context: frozenset[str]


def cite(
    answer: str, passages: Sequence[Passage], similarity: Similarity | None = None, question: str = ""
) -> tuple[Citation, ...]:
    """The citations of `answer` in reading order, at most one a sentence; tags count passages by first use from 1."""
    sources = _sources(passages)
    rarity = _rarity(sources)
    asked = frozenset(terms(question))
    found: list[tuple[Span, _Source]] = []
    for span in sentence_spans(answer):
        best = _best_source(answer[span.start : span.end], sources, rarity, asked, similarity)
        if best is not None:
            found.append((span, best))
    return _numbered(found)


def extractive_answer(
    question: str, passages: Sequence[Passage], similarity: Similarity | None = None, max_sentences: int = 3
) -> Extract:
    """The sentences of `passages` nearest to `question`, in document order, as a cited answer; empty without any."""
    sources = [source for source in _sources(passages, pairs=False) if len(source.terms) > 1]
    if not sources:
        return Extract(text="", citations=())
    scores = _question_scores(question, sources, similarity)
    order = sorted(range(len(sources)), key=lambda i: -scores[i])
    best = [i for i in order[:max_sentences] if scores[i] >= EXTRACT_SHARE * scores[order[0]]]
    chosen = _unrepeated(sources[i] for i in sorted(best))
    spans: list[tuple[Span, _Source]] = []
    text = ""
    for source in chosen:
        text += (" " if text else "") + source.text
        spans.append((Span(len(text) - len(source.text), len(text)), source))
    return Extract(text=text, citations=_numbered(spans))


def _unrepeated(sources: Iterable[_Source]) -> list[_Source]:
    return list({source.text: source for source in sources}.values())


def _question_scores(question: str, sources: Sequence[_Source], similarity: Similarity | None) -> list[float]:
    rarity = _rarity(sources)
    asked = frozenset(terms(question))
    overlaps = [_share(asked, source.terms, rarity) for source in sources]
    cosines = similarity([question], [source.text for source in sources])[0] if similarity else overlaps
    return [
        (overlap + cosine) / 2 + QUESTION_WEIGHT * source.passage.score
        for overlap, cosine, source in zip(overlaps, cosines, sources, strict=True)
    ]


def _sources(passages: Sequence[Passage], *, pairs: bool = True) -> list[_Source]:
    found: list[_Source] = []
    for passage in passages:
        spans = sentence_spans(passage.text)
        context = frozenset(words(f"{passage.file_name} {passage.heading} {passage.text}"))
        singles = list(spans)
        doubles = [Span(a.start, b.end) for a, b in pairwise(spans)] if pairs else []
        found.extend(_source(passage, span, context) for span in singles + doubles)
    return found


def _source(passage: Passage, span: Span, context: frozenset[str]) -> _Source:
    text = passage.text[span.start : span.end]
    return _Source(passage, span, text, frozenset(terms(text)), context)


def _rarity(sources: Sequence[_Source]) -> dict[str, float]:
    """The inverse document frequency of each term over the sentences, BM25's formula."""
    counts = Counter(term for source in sources for term in source.terms)
    return {term: math.log(1 + (len(sources) - n + 0.5) / (n + 0.5)) for term, n in counts.items()}


def _share(wanted: frozenset[str], held: frozenset[str], rarity: dict[str, float]) -> float:
    """The part of `wanted`, weighed by rarity, that is in `held`. A term that occurs nowhere weighs as the rarest."""
    rarest = max(rarity.values(), default=1.0)
    total = sum(rarity.get(term, rarest) for term in wanted)
    return sum(rarity[term] for term in wanted & held) / total if total else 0.0


def _best_source(
    sentence: str,
    sources: Sequence[_Source],
    rarity: dict[str, float],
    asked: frozenset[str],
    similarity: Similarity | None,
) -> _Source | None:
    own = frozenset(terms(sentence))
    agreeing = [source for source in sources if own & source.terms and _agrees(sentence, source)]
    overlaps = [_share(own, source.terms, rarity) for source in agreeing]
    supports = overlaps
    if similarity and agreeing:
        cosines = similarity([sentence], [source.text for source in agreeing])[0]
        supports = [(overlap + cosine) / 2 for overlap, cosine in zip(overlaps, cosines, strict=True)]
    least = MIN_SUPPORT if similarity else MIN_OVERLAP
    ranked = [
        (support + QUESTION_WEIGHT * _share(asked, source.terms, rarity) - len(source.text) / 100_000, index)
        for index, (support, overlap, source) in enumerate(zip(supports, overlaps, agreeing, strict=True))
        if support >= least or overlap >= 0.9
    ]
    return agreeing[max(ranked)[1]] if ranked else None


def _agrees(sentence: str, source: _Source) -> bool:
    """Whether every number of `sentence` is in the source, and every name in its passage, heading or file name."""
    plain = _MARKUP.sub("", sentence)
    numbers = set(_NUMBER.findall(plain))
    if not numbers <= set(_NUMBER.findall(source.text)):
        return False
    names = {word for name in _NAME.findall(plain) for word in words(name)}
    return names <= source.context or {stem(name) for name in names} <= {stem(word) for word in source.context}


def _numbered(found: Sequence[tuple[Span, _Source]]) -> tuple[Citation, ...]:
    tags: dict[tuple[str, int, int], int] = {}
    return tuple(_citation(span, source, tags) for span, source in found)


def _citation(span: Span, source: _Source, tags: dict[tuple[str, int, int], int]) -> Citation:
    passage = source.passage
    start = passage.start + source.span.start
    return Citation(
        tag=tags.setdefault((passage.file_id, passage.start, passage.end), len(tags) + 1),
        file_id=passage.file_id,
        file_name=passage.file_name,
        segment=passage.segment,
        chunk=passage.chunk,
        quote=source.text,
        start=start,
        end=passage.start + source.span.end,
        answer_start=span.start,
        answer_end=span.end,
        heading=passage.heading,
        page=passage.page_at(start),
    )
