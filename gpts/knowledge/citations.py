"""Which passage supports each sentence of an answer, decided by code: words, numbers and names, never by a model.

It errs towards silence: a sentence without enough support gets no citation. A citation always lies inside a passage
that was given, and its quote is literal text of the document.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel, ConfigDict

from gpts.knowledge.documents import Citation, Passage
from gpts.knowledge.sentences import Span, sentence_spans
from gpts.knowledge.terms import stem, terms, words

# Cosines of each first text with each second text, shape (n_first, n_second).
Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]

# The part of a sentence's terms, weighed by rarity, that its source must hold; above the second figure the meaning
# need not be asked; the mean of that part and the cosine, where it is asked. Chosen among 19 settings on 249 XQuAD
# answers (2026-11), each as "The answer is ...", as its own sentence with half of the words gone, behind the
# question, and in a long frame: 99, 99, 86 and 58 % are cited, and 98 % of the citations hold the gold answer; of
# sentences from elsewhere in the article 0.5 % are cited, but of half-true ones (another sentence's end) still 27 %.
MIN_OVERLAP: Final = 0.5
SURE_OVERLAP: Final = 0.85
MIN_SUPPORT: Final = 0.45
# Words of the question settle which of two equal sources is meant; two sentences must beat one clearly.
QUESTION_WEIGHT: Final = 0.1
PAIR_COST: Final = 0.1
# Sources per sentence whose meaning is compared: each costs an encoding of a few milliseconds.
SHORTLIST: Final = 6
# How much a title that repeats the question speaks for the sentences under it.
TITLE_WEIGHT: Final = 0.6
# An extract of several sentences takes only those that come near the best one.
EXTRACT_SHARE: Final = 0.8

# Words with which an answer speaks of itself; they say nothing that a source could hold.
_FRAME: Final = frozenset(
    terms(
        "answer question according passage text information following based document file provided mentioned stated"
    )
)
_NAME: Final = re.compile(r"(?<![.!?:\-*#>] )(?<!^)\b[A-Z][\w'’-]*[\w]")
_NUMBER: Final = re.compile(r"\d+(?:[.,:]\d+)*")
_STOPPED: Final = re.compile(r"[.!:;…。！][\"'”’)\]]*$")
_LISTED: Final = re.compile(r"[-*+•|]|\d+[.)]")
_MARKUP: Final = re.compile(r"^[\s>#*+•-]+|[*_`]+")


class Extract(BaseModel):
    """An answer made of literal sentences of the passages, each with its citation."""

    model_config = ConfigDict(frozen=True)

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence of a passage, or two that follow each other.

    `terms` are its own, `above` those of the title over it, `context` the words of the whole passage.
    """

    passage: Passage
    span: Span
    text: str
    terms: frozenset[str]
    context: frozenset[str]
    above: frozenset[str]
    is_pair: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A source that may support a sentence: the share of the sentence's terms that it holds, and its rank."""

    source: Source
    overlap: float
    rank: float


def cite(
    answer: str, passages: Sequence[Passage], similarity: Similarity | None = None, question: str = ""
) -> tuple[Citation, ...]:
    """The citations of `answer` in reading order, at most one a sentence; tags count passages by first use from 1."""
    sources = sources_of(passages)
    rarity = source_rarity(sources)
    asked = frozenset(terms(question))
    spans = sentence_spans(answer)
    sentences = [answer[span.start : span.end] for span in spans]
    candidates = [_candidates(sentence, sources, rarity, asked) for sentence in sentences]
    if similarity:
        candidates = _weighed(sentences, candidates, similarity)
    best = [max(each, key=lambda candidate: candidate.rank, default=None) for each in candidates]
    return _numbered([(span, each.source) for span, each in zip(spans, best, strict=True) if each is not None])


def extractive_answer(
    question: str, passages: Sequence[Passage], similarity: Similarity | None = None, max_sentences: int = 3
) -> Extract:
    """The sentences of `passages` nearest to `question`, in document order, as a cited answer; empty without any."""
    sentences = sources_of(passages, pairs=False)
    sources = [
        each for each in sentences if len(each.terms) > 1 and not is_title(each.passage.text, each.span)
    ] or sentences
    if not sources:
        return Extract(text="", citations=())
    scores = _question_scores(question, sources, similarity)
    order = sorted(range(len(sources)), key=lambda i: -scores[i])
    best = [i for i in order[:max_sentences] if scores[i] >= EXTRACT_SHARE * scores[order[0]]]
    chosen = _unrepeated(sources[i] for i in sorted(best))
    spans: list[tuple[Span, Source]] = []
    text = ""
    for source in chosen:
        text += (" " if text else "") + source.text
        spans.append((Span(len(text) - len(source.text), len(text)), source))
    return Extract(text=text, citations=_numbered(spans))


def _unrepeated(sources: Iterable[Source]) -> list[Source]:
    return list({source.text: source for source in sources}.values())


def _question_scores(question: str, sources: Sequence[Source], similarity: Similarity | None) -> list[float]:
    rarity = source_rarity(sources)
    asked = frozenset(terms(question))
    overlaps = [share(asked, source.terms, rarity) for source in sources]
    cosines = similarity([question], [source.text for source in sources])[0] if similarity else overlaps
    return [
        (overlap + cosine) / 2
        + QUESTION_WEIGHT * source.passage.score
        + TITLE_WEIGHT * share(asked, source.above, rarity)
        for overlap, cosine, source in zip(overlaps, cosines, sources, strict=True)
    ]


def sources_of(passages: Sequence[Passage], *, pairs: bool = True) -> list[Source]:
    """The sentences of `passages` and, with `pairs`, each two that follow each other."""
    sources = [source for passage in passages for source in _sources_in(passage)]
    return sources if pairs else [source for source in sources if not source.is_pair]


def _sources_in(passage: Passage) -> Iterator[Source]:
    spans = sentence_spans(passage.text)
    context = frozenset(words(f"{passage.file_name} {passage.heading} {passage.text}"))
    above = frozenset(terms(passage.heading.rsplit(" > ", 1)[-1]))
    for number, span in enumerate(spans):
        text = passage.text[span.start : span.end]
        own = frozenset(terms(text))
        above = own if is_title(passage.text, span) else above
        yield Source(passage, span, text, own, context, above, is_pair=False)
        if number + 1 < len(spans):
            pair = Span(span.start, spans[number + 1].end)
            both = passage.text[pair.start : pair.end]
            yield Source(passage, pair, both, frozenset(terms(both)), context, above, is_pair=True)


def is_title(text: str, span: Span) -> bool:
    """Whether the sentence is a paragraph of its own without a stop, as headings and questions of an FAQ are."""
    sentence = text[span.start : span.end]
    if _STOPPED.search(sentence) or _LISTED.match(sentence):
        return False
    begins = span.start == 0 or text.startswith("\n\n", span.start - 2)
    return begins and text[span.end : span.end + 2] in ("\n\n", "")


def source_rarity(sources: Sequence[Source]) -> dict[str, float]:
    """The inverse document frequency of each term over the sentences, BM25's formula."""
    counts = Counter(term for source in sources for term in source.terms)
    return {term: math.log(1 + (len(sources) - n + 0.5) / (n + 0.5)) for term, n in counts.items()}


def share(wanted: frozenset[str], held: frozenset[str], rarity: dict[str, float]) -> float:
    """The part of `wanted`, weighed by rarity, that is in `held`. A term that occurs nowhere weighs as the rarest."""
    rarest = max(rarity.values(), default=1.0)
    total = sum(rarity.get(term, rarest) for term in wanted)
    return sum(rarity.get(term, rarest) for term in wanted & held) / total if total else 0.0


def _candidates(
    sentence: str, sources: Sequence[Source], rarity: dict[str, float], asked: frozenset[str]
) -> list[_Candidate]:
    """The sources that may support `sentence`: they agree with it and hold enough of its terms."""
    own = frozenset(terms(sentence)) - _FRAME
    found: list[_Candidate] = []
    for source in sources:
        overlap = share(own, source.terms, rarity)
        if overlap >= MIN_OVERLAP and agrees(sentence, source):
            cost = PAIR_COST * source.is_pair - QUESTION_WEIGHT * share(asked, source.terms, rarity)
            found.append(_Candidate(source, overlap, overlap - cost))
    return sorted(found, key=lambda candidate: -candidate.rank)[:SHORTLIST]


def _weighed(
    sentences: Sequence[str], candidates: Sequence[list[_Candidate]], similarity: Similarity
) -> list[list[_Candidate]]:
    """`candidates` without those whose words match but whose meaning does not, by one call of `similarity`."""
    doubtful = [number for number, each in enumerate(candidates) if each and each[0].overlap < SURE_OVERLAP]
    texts = list(dict.fromkeys(candidate.source.text for number in doubtful for candidate in candidates[number]))
    weighed = list(candidates)
    if not texts:
        return weighed
    cosines = similarity([sentences[number] for number in doubtful], texts)
    for number, row in zip(doubtful, cosines, strict=True):
        cosine = dict(zip(texts, row, strict=True))
        weighed[number] = [
            replace(each, rank=each.rank + cosine[each.source.text])
            for each in candidates[number]
            if (each.overlap + cosine[each.source.text]) / 2 >= MIN_SUPPORT
        ]
    return weighed


def agrees(sentence: str, source: Source) -> bool:
    """Whether every number of `sentence` is in the source, and every name in its passage, heading or file name."""
    plain = _MARKUP.sub("", sentence)
    numbers = set(_NUMBER.findall(plain))
    if not numbers <= set(_NUMBER.findall(source.text)):
        return False
    names = {word for name in _NAME.findall(plain) for word in words(name)}
    return names <= source.context or {stem(name) for name in names} <= {stem(word) for word in source.context}


def _numbered(found: Sequence[tuple[Span, Source]]) -> tuple[Citation, ...]:
    tags: dict[tuple[str, int, int], int] = {}
    return tuple(_citation(span, source, tags) for span, source in found)


def _citation(span: Span, source: Source, tags: dict[tuple[str, int, int], int]) -> Citation:
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
