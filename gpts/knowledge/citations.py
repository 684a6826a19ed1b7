"""Which passage each sentence of an answer rests on, and how far, decided by code and never by a model.

It errs towards silence: a sentence without enough support gets no citation. A citation always lies inside a passage
that was given, and its quote is literal text of the document.
"""

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel, ConfigDict

from gpts.knowledge.documents import Citation, Passage, SentenceSupport, Support
from gpts.knowledge.sentences import Span, sentence_spans
from gpts.knowledge.support import Source, agrees, claims, is_title, share, source_rarity, sources_of, supports
from gpts.knowledge.terms import terms

# Cosines of each first text with each second text, shape (n_first, n_second).
Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]

# The part of a sentence's terms, weighed by rarity, that its source must hold to be cited at all; above the second
# figure the meaning need not be asked; the mean of that part and the cosine, where it is asked. Chosen among 19
# settings on 249 XQuAD answers (2026-11), each as "The answer is ...", as its own sentence with half of the words
# gone, behind the question, and in a long frame: 99, 99, 86 and 58 % are cited, and 98 % of the citations hold the
# gold answer; of sentences from elsewhere in the article 0.5 % are cited. Whether a cited sentence counts as
# supported or as partly supported is decided by `supports`.
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
# Below the first score no sentence of the passages answers the question, whatever speaks for it; from the second on
# one does, whatever speaks against it. Of questions about other subjects that passed as covered the first turns away
# 5 of 7 in English, 24 of 31 in German and 22 of 46 in Chinese (of 120, 80 and 80 asked), for 3, 8 and 2 right
# answers lost of 240, 120 and 120; of those that did not pass, none of 113 reaches the second (SQuAD 2.0 and XQuAD,
# 2026-11).
ANSWER_SCORE: Final = 0.4
SURE_SCORE: Final = 0.5

_STOPPED: Final = re.compile(r"[.!?…。！？][\"'”’)\]]*$")


class Grounding(BaseModel):
    """What an answer rests on: its citations in reading order, and the level of each sentence that says something."""

    model_config = ConfigDict(frozen=True)

    citations: tuple[Citation, ...] = ()
    support: tuple[SentenceSupport, ...] = ()


class Extract(BaseModel):
    """An answer made of literal sentences and rows of the passages, each with its citation.

    `score` tells how near the best of them is to the question, by words and meaning; 0 without any.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    citations: tuple[Citation, ...]
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A source that a sentence may rest on: the share of its terms there, whether all of it is, and the rank."""

    source: Source
    overlap: float
    is_full: bool
    rank: float


def ground(
    answer: str,
    passages: Sequence[Passage],
    similarity: Similarity | None = None,
    question: str = "",
    titles: Container[str] = (),
) -> Grounding:
    """What `answer` rests on: at most one citation a sentence; tags count passages by first use from 1.

    A line that is one of `titles` claims nothing, so it needs no source.
    """
    sources = sources_of(passages)
    rarity = source_rarity(sources)
    asked = frozenset(terms(question))
    spans = sentence_spans(answer)
    sentences = [answer[span.start : span.end] for span in spans]
    candidates = [
        [] if sentence in titles else _candidates(sentence, sources, rarity, asked) for sentence in sentences
    ]
    if similarity:
        candidates = _weighed(sentences, candidates, similarity)
    best = [max(each, key=lambda one: (one.is_full, one.rank), default=None) for each in candidates]
    found = [(span, each.source) for span, each in zip(spans, best, strict=True) if each is not None]
    levels = tuple(
        _support(span, each)
        for span, sentence, each in zip(spans, sentences, best, strict=True)
        if sentence not in titles and claims(sentence)
    )
    return Grounding(citations=_numbered(found), support=levels)


def _support(span: Span, best: _Candidate | None) -> SentenceSupport:
    level: Support = "unsupported" if best is None else "supported" if best.is_full else "partly"
    return SentenceSupport(answer_start=span.start, answer_end=span.end, level=level)


def extractive_answer(
    question: str, passages: Sequence[Passage], similarity: Similarity | None = None, max_sentences: int = 3
) -> Extract:
    """The sentences of `passages` nearest to `question`, in document order, as a cited answer; empty without any."""
    sentences = sources_of(passages, pairs=False)
    sources = [each for each in sentences if _tells_something(each)] or sentences
    if not sources:
        return Extract(text="", citations=())
    scores = _question_scores(question, sources, similarity)
    order = sorted(range(len(sources)), key=lambda i: -scores[i])
    best = [i for i in order[:max_sentences] if scores[i] >= EXTRACT_SHARE * scores[order[0]]]
    chosen = _unrepeated(sources[i] for i in sorted(best))
    spans: list[tuple[Span, Source]] = []
    text = ""
    for source in chosen:
        # A sentence without a stop, such as a row, would run into the next and rest on neither source.
        text += "" if not text else " " if _STOPPED.search(text) and source.told == source.text else "\n\n"
        text += source.told
        spans.append((Span(len(text) - len(source.told), len(text)), source))
    return Extract(text=text, citations=_numbered(spans), score=scores[order[0]])


def is_answer(extract: Extract, is_covered: bool) -> bool:
    """Whether `extract` answers its question, which counts as covered or not by the passages as a whole."""
    return extract.score >= (ANSWER_SCORE if is_covered else SURE_SCORE)


def _tells_something(source: Source) -> bool:
    return bool(source.told) and len(source.terms) > 1 and not is_title(source.passage.text, source.span)


def _unrepeated(sources: Iterable[Source]) -> list[Source]:
    return list({source.text: source for source in sources}.values())


def _question_scores(question: str, sources: Sequence[Source], similarity: Similarity | None) -> list[float]:
    rarity = source_rarity(sources)
    asked = frozenset(terms(question))
    overlaps = [share(asked, source.terms, rarity) for source in sources]
    cosines = similarity([question], [source.told for source in sources])[0] if similarity else overlaps
    return [
        (overlap + cosine) / 2
        + QUESTION_WEIGHT * source.passage.score
        + TITLE_WEIGHT * share(asked, source.above, rarity)
        for overlap, cosine, source in zip(overlaps, cosines, sources, strict=True)
    ]


def _candidates(
    sentence: str, sources: Sequence[Source], rarity: dict[str, float], asked: frozenset[str]
) -> list[_Candidate]:
    """The sources that `sentence` may rest on: they agree with it and hold enough of its terms."""
    own = frozenset(claims(sentence))
    found: list[_Candidate] = []
    for source in sources:
        overlap = share(own, source.terms, rarity)
        if overlap >= MIN_OVERLAP and agrees(sentence, source):
            cost = PAIR_COST * source.is_pair - QUESTION_WEIGHT * share(asked, source.terms, rarity)
            found.append(_Candidate(source, overlap, supports(sentence, source, rarity), overlap - cost))
    return sorted(found, key=lambda one: (one.is_full, one.rank), reverse=True)[:SHORTLIST]


def _weighed(
    sentences: Sequence[str], candidates: Sequence[list[_Candidate]], similarity: Similarity
) -> list[list[_Candidate]]:
    """`candidates` without those whose words match but whose meaning does not, by one call of `similarity`."""
    doubtful = [n for n, each in enumerate(candidates) if each and max(one.overlap for one in each) < SURE_OVERLAP]
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


def _numbered(found: Sequence[tuple[Span, Source]]) -> tuple[Citation, ...]:
    tags: dict[tuple[str, str, int, int], int] = {}
    return tuple(_citation(span, source, tags) for span, source in found)


def _citation(span: Span, source: Source, tags: dict[tuple[str, str, int, int], int]) -> Citation:
    passage = source.passage
    start = passage.start + source.span.start
    return Citation(
        tag=tags.setdefault((passage.file_id, passage.url, passage.start, passage.end), len(tags) + 1),
        file_id=passage.file_id,
        file_name=passage.file_name,
        segment=passage.segment,
        chunk=passage.chunk,
        quote=source.text,
        start=start,
        end=passage.start + source.span.end,
        answer_start=span.start,
        answer_end=span.end,
        heading=passage.heading_at(start),
        page=passage.page_at(start),
        unit=passage.unit,
        untrusted=passage.untrusted,
        url=passage.url,
    )
