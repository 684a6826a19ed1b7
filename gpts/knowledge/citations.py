"""Which passage supports each sentence of an answer, and how far, decided by code and never by a model.

When in doubt, a sentence gets no citation. A citation always lies inside a passage that was given, and its quote is
literal text of the document.
"""

import re
from collections.abc import Container, Sequence
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.documents import Citation, Passage, SentenceSupport
from gpts.knowledge.editions import Claim, own_editions
from gpts.knowledge.judging import Judge, MakeGloss, Meaning
from gpts.knowledge.sentences import CodeFence, Span, sentence_spans
from gpts.knowledge.support import Source, is_claim
from gpts.values import Value

_ITEM: Final = re.compile(r"^- (.+)$", re.MULTILINE)


class Grounding(Value):
    """The support of an answer: its citations in reading order, and the level of each sentence that makes a claim."""

    citations: tuple[Citation, ...] = ()
    support: tuple[SentenceSupport, ...] = ()


def ground(
    answer: str,
    passages: Sequence[Passage],
    meaning: Meaning | None = None,
    question: str = "",
    titles: Container[str] = (),
    instructions: str = "",
    gloss: MakeGloss = lambda answer: None,
) -> Grounding:
    """The support of `answer`: at most one citation per sentence; tags number passages from 1 by first use.

    Lines in `titles` and text that `instructions` ask for need no source; code is skipped. Without passages no
    sentence is judged.
    """
    if not passages:
        return Grounding()
    fence = CodeFence()
    spans = [span for span in sentence_spans(answer) if not fence.covers(answer[span.start : span.end])]
    spans = [span for span in spans if answer[span.start : span.end] not in titles]
    sentences = [answer[span.start : span.end] for span in spans]
    verdicts = Judge(passages, question, meaning, gloss).judge(sentences, answer)
    claims = [
        Claim(n, sentence, each.tied) for n, (sentence, each) in enumerate(zip(sentences, verdicts, strict=True))
    ]
    sources = own_editions(claims, sentences, question)
    judged = zip(spans, sentences, verdicts, sources, strict=True)
    judged_claims = [
        (span, each, cited)
        for span, sentence, each, cited in judged
        if is_claim(sentence, instructions) or (each.source and tables.is_row(sentence))
    ]
    return Grounding(
        citations=numbered([(span, each) for span, _, cited in judged_claims for each in cited]),
        support=tuple(
            SentenceSupport(answer_start=span.start, answer_end=span.end, level=each.level)
            for span, each, _ in judged_claims
        ),
    )


def ground_list(answer: str, listed: str, passages: Sequence[Passage]) -> Grounding | None:
    """The support of an answer with the list `listed`, each item of which is from one of `passages`, in their order.

    None if it is not such a list. Nothing is judged: code has taken the items from the passages.
    """
    at = answer.find(listed)
    items = [Span(at + found.start(1), at + found.end(1)) for found in _ITEM.finditer(listed)]
    if at < 0 or not items or len(items) != len(passages):
        return None
    tags: dict[tuple[str, str, int, int], int] = {}
    cited = zip(items, passages, strict=True)
    return Grounding(
        citations=tuple(_citation(span, passage, Span(0, len(passage.text)), tags) for span, passage in cited),
        support=tuple(
            SentenceSupport(answer_start=span.start, answer_end=span.end, level="supported") for span in items
        ),
    )


def numbered(found: Sequence[tuple[Span, Source]]) -> tuple[Citation, ...]:
    """The citations of ranges of an answer by their sources; tags number passages from 1 by first use."""
    tags: dict[tuple[str, str, int, int], int] = {}
    return tuple(_citation(span, source.passage, source.span, tags) for span, source in found)


def _citation(span: Span, passage: Passage, quoted: Span, tags: dict[tuple[str, str, int, int], int]) -> Citation:
    start = passage.start + quoted.start
    return Citation(
        tag=tags.setdefault((passage.file_id, passage.url, passage.start, passage.end), len(tags) + 1),
        file_id=passage.file_id,
        file_name=passage.file_name,
        segment=passage.segment,
        chunk=passage.chunk,
        quote=passage.text[quoted.start : quoted.end],
        start=start,
        end=passage.start + quoted.end,
        answer_start=span.start,
        answer_end=span.end,
        heading=passage.heading_at(start),
        page=passage.page_at(start),
        unit=passage.unit,
        untrusted=passage.untrusted,
        url=passage.url,
    )
