"""Which passage supports each sentence of an answer, and how far, decided by code and never by a model.

When in doubt, a sentence gets no citation. A citation always lies inside a passage that was given, and its quote is
literal text of the document.
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.documents import Citation, Passage, SentenceSupport, Support
from gpts.knowledge.editions import Claim, own_editions
from gpts.knowledge.joined import MAX_SOURCES, parts_of, table_headers
from gpts.knowledge.judging import Judge, MakeGloss, Meaning, Verdict
from gpts.knowledge.sentences import CodeFence, Span, sentence_spans
from gpts.knowledge.support import Source, is_claim
from gpts.values import Value

_ITEM: Final = re.compile(r"^- (.+)$", re.MULTILINE)
# Sentences before a calculated one that may give its figures.
AROUND: Final = 6


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
    said: Passage | None = None,
) -> Grounding:
    """The support of `answer`: at most one citation per fact of a sentence; tags number passages from 1 by first use.

    What no passage supports may be from the conversation: from what was `said` in it.

    Lines in `titles` and text that `instructions` ask for need no source; code is skipped. Without passages and what
    was said no sentence is judged.
    """
    if not (passages or said):
        return Grounding()
    fence = CodeFence()
    spans = [span for span in sentence_spans(answer) if not fence.covers(answer[span.start : span.end])]
    spans = [span for span in spans if answer[span.start : span.end] not in titles]
    sentences = [answer[span.start : span.end] for span in spans]
    judge = Judge(passages, question, meaning, gloss)
    headers = table_headers(answer, spans)
    judged = [
        _judged(n, sentence, verdict, judge, headers.get(span.start, ""))
        for n, (span, sentence, verdict) in enumerate(
            zip(spans, sentences, judge.judge(sentences, answer), strict=True)
        )
    ]
    levels = _also_said([each.level for each in judged], sentences, said, meaning, answer)
    chosen = iter(own_editions([claim for each in judged for claim in each.claims], sentences, question))
    sources = [[*dict.fromkeys(source for _ in each.claims for source in next(chosen))] for each in judged]
    citations: list[tuple[Span, Source]] = []
    support: list[SentenceSupport] = []
    for n, (span, sentence) in enumerate(zip(spans, sentences, strict=True)):
        level, is_row = levels[n], bool(headers.get(span.start))
        formulas: tuple[str, ...] = ()
        if not (is_claim(sentence, instructions) or (is_row and sources[n])):
            continue
        if level == "unsupported" and (formulas := _formulas(n, sentences, judge)):
            sources[n], level = _operands(n, sentences, sources, judge), "calculated"
        citations += [(span, source) for source in sources[n][:MAX_SOURCES]]
        support.append(SentenceSupport(answer_start=span.start, answer_end=span.end, level=level, formulas=formulas))
    return Grounding(citations=numbered(citations), support=tuple(support))


def _formulas(n: int, sentences: Sequence[str], judge: Judge) -> tuple[str, ...]:
    """How the figures of sentence `n` follow from those of the files; empty if they do not, or stand there."""
    derived = judge.names_and_figures(sentences[n], "\n".join(sentences[max(0, n - AROUND) : n + AROUND + 1]))
    return tuple(each.in_words for each in derived or ())


def _operands(n: int, sentences: Sequence[str], sources: Sequence[Sequence[Source]], judge: Judge) -> list[Source]:
    """The sources of what sentence `n` calculates with, those of the sentences before it first."""
    before = range(n - 1, max(-1, n - 1 - AROUND), -1)
    return judge.operands(sentences[n], [source for each in before for source in sources[each]])


@dataclass(frozen=True, slots=True)
class _Judged:
    """A sentence of an answer: how far it is supported, and its claims, each with its sources."""

    level: Support
    claims: tuple[Claim, ...]


def _judged(number: int, sentence: str, verdict: Verdict, judge: Judge, header: str) -> _Judged:
    if verdict.level != "supported" and (parts := parts_of(sentence, header)):
        found = judge.judge_parts(sentence, parts)
        if found:
            is_full = all(each.level == "supported" for each in found)
            claims = (Claim(number, part, each.tied) for part, each in zip(parts, found, strict=True))
            return _Judged("supported" if is_full else "partly", tuple(claims))
    return _Judged(verdict.level, (Claim(number, sentence, verdict.tied),))


def _also_said(
    levels: list[Support], sentences: Sequence[str], said: Passage | None, meaning: Meaning | None, answer: str
) -> list[Support]:
    """The levels of the sentences, where "conversation" is that of those which only what was `said` supports."""
    open_ones = [n for n, level in enumerate(levels) if level == "unsupported"]
    if said and open_ones:
        judged = Judge((said,), "", meaning).judge([sentences[n] for n in open_ones], answer)
        for n, verdict in zip(open_ones, judged, strict=True):
            if verdict.level == "supported":
                levels[n] = "conversation"
    return levels


def ground_list(answer: str, listed: str, passages: Sequence[Passage]) -> Grounding | None:
    """The support of an answer with the list `listed`, each item of which is from one of `passages`, in their order.

    None if it is not such a list. Nothing is judged: code has taken the items from the passages.
    """
    at = answer.find(listed)
    items = [Span(at + found.start(1), at + found.end(1)) for found in _ITEM.finditer(listed)]
    if at < 0 or not items or len(items) != len(passages):
        return None
    tags: dict[tuple[str, str, int, int, int], int] = {}
    cited = zip(items, passages, strict=True)
    return Grounding(
        citations=tuple(_citation(span, passage, Span(0, len(passage.text)), tags) for span, passage in cited),
        support=tuple(
            SentenceSupport(answer_start=span.start, answer_end=span.end, level="supported") for span in items
        ),
    )


def numbered(found: Sequence[tuple[Span, Source]]) -> tuple[Citation, ...]:
    """The citations of ranges of an answer by their sources; tags number passages from 1 by first use."""
    tags: dict[tuple[str, str, int, int, int], int] = {}
    return tuple(_citation(span, source.passage, source.span, tags) for span, source in found)


def _citation(
    span: Span, passage: Passage, quoted: Span, tags: dict[tuple[str, str, int, int, int], int]
) -> Citation:
    start = passage.start + quoted.start
    return Citation(
        tag=tags.setdefault((passage.file_id, passage.url, passage.chunk, passage.start, passage.end), len(tags) + 1),
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
        gpt=passage.gpt,
    )
