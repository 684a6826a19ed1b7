"""Which passage supports each sentence of an answer, and how far: by code, and by a model where one may verify it.

When in doubt, a sentence gets no citation. A citation always lies inside a passage that was given, and its quote is
literal text of the document.
"""

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge import tables
from gpts.knowledge.calculations import Derivation
from gpts.knowledge.documents import Citation, Passage, SentenceSupport, Support
from gpts.knowledge.editions import Claim, own_editions
from gpts.knowledge.joined import MAX_SOURCES, parts_of, table_headers
from gpts.knowledge.judging import Judge, Known, MakeGloss, Meaning, Verdict
from gpts.knowledge.remembering import remembering
from gpts.knowledge.sentences import CodeFence, Span, sentence_spans
from gpts.knowledge.support import Source, is_claim, is_word_for_word
from gpts.values import Value

_ITEM: Final = re.compile(r"^- (.+)$", re.MULTILINE)
# Sentences before and after a calculated one that may give its figures.
AROUND: Final = 6
# A sentence is compared with all characters of what it may rest on, and calculated with, which takes as long as
# EACH_CHARS do. A longer answer, of 800 sentences or of 160 on a file of 200,000 characters, which take a minute of
# a processor, is not checked to its end; nor is a sentence of more than LONGEST characters.
MOST_COMPARED: Final = 80_000_000
EACH_CHARS: Final = 100_000
LONGEST: Final = 4_000
# How likely it must be that a sentence is said to count as said, and that it is not to count as made up.
SAID: Final = 0.7


class Grounding(Value):
    """The support of an answer: its citations in reading order, and the level of each sentence that makes a claim.

    `n_dropped` more are open, and have no level; not those that claim nothing, as the model says.
    """

    citations: tuple[Citation, ...] = ()
    support: tuple[SentenceSupport, ...] = ()
    n_dropped: int = 0


class Checked(Value):
    """What a model makes of a sentence: how likely what it was given says it, and the first words of the place."""

    likely: float
    words: str = ""


# What the model makes of each sentence; None without a verdict.
Verify = Callable[[Sequence[str]], Sequence[Checked | None]]


@dataclass(frozen=True, slots=True)
class Basis:
    """What the sentences of an answer may rest on beside the passages.

    Lines in `titles` and text that `instructions` ask for need no source. What no passage supports may be from the
    conversation: from what was `said` in it. Names and figures may be from `known`. With `verify` the model judges
    what is not word for word in a passage. A sentence is open that no place says, though its names and figures
    are known: it is not supported, or has no level if `drops_open`. What the model finds no place for is not
    supported; of open ones only if `denies_open`.
    """

    titles: Container[str] = ()
    instructions: str = ""
    gloss: MakeGloss = lambda answer: None
    said: Passage | None = None
    known: Sequence[Passage] = ()
    verify: Verify | None = None
    drops_open: bool = False
    denies_open: bool = True


def ground(
    answer: str,
    passages: Sequence[Passage],
    meaning: Meaning | None = None,
    question: str = "",
    basis: Basis | None = None,
) -> Grounding:
    """The support of `answer`: at most three citations per sentence; tags number passages from 1 by first use.

    Code is skipped. Without passages and what was said no sentence is judged.
    """
    basis = basis or Basis()
    if not (passages or basis.said):
        return Grounding()
    with remembering():
        return _grounding(answer, passages, meaning, question, basis)


def _grounding(
    answer: str, passages: Sequence[Passage], meaning: Meaning | None, question: str, basis: Basis
) -> Grounding:
    fence = CodeFence()
    spans = [span for span in sentence_spans(answer) if not fence.covers(answer[span.start : span.end])]
    spans = [span for span in spans if answer[span.start : span.end] not in basis.titles]
    unchecked, spans = _too_many(spans, [*passages, *basis.known])
    sentences = [answer[span.start : span.end] for span in spans]
    judge = Judge(passages, question, meaning, basis.gloss)
    titled = table_headers(answer, spans)
    headers = [titled.get(span.start, "") for span in spans]
    verdicts = judge.judge(sentences, answer)
    judged = [
        _judged(n, sentence, verdict, judge, header)
        for n, (sentence, verdict, header) in enumerate(zip(sentences, verdicts, headers, strict=True))
    ]
    levels = _also_said([each.level for each in judged], sentences, basis.said, meaning, answer)
    chosen = iter(own_editions([claim for each in judged for claim in each.claims], sentences, question))
    found = [
        _Found(
            span, sentence, level, [*dict.fromkeys(source for _ in each.claims for source in next(chosen))], header
        )
        for span, sentence, level, each, header in zip(spans, sentences, levels, judged, headers, strict=True)
    ]
    claims = [
        each
        for each in found
        if is_claim(each.sentence, basis.instructions) or (each.header and (each.sources or basis.verify))
    ]
    _calculate(found, claims, judge, [Known(each, question, meaning) for each in (passages, basis.known) if each])
    if basis.verify:
        _verify(found, claims, judge, basis, question)
    kept, dropped = (
        [each for each in claims if bool(each.is_open and (basis.drops_open or each.header)) is is_out]
        for is_out in (False, True)
    )
    support = [each.support() for each in kept]
    support += [
        SentenceSupport(answer_start=each.start, answer_end=each.end, level="not_checked")
        for each in unchecked
        if is_claim(answer[each.start : each.end], basis.instructions)
    ]
    return Grounding(
        citations=numbered([(each.span, source) for each in kept for source in each.sources[:MAX_SOURCES]]),
        support=tuple(sorted(support, key=lambda each: each.answer_start)),
        n_dropped=sum(not each.is_confirmed for each in dropped),
    )


def _too_many(spans: Sequence[Span], sources: Sequence[Passage]) -> tuple[list[Span], list[Span]]:
    """The sentences of an answer for which there is no time, and the others."""
    most = MOST_COMPARED // (EACH_CHARS + sum(len(each.text) for each in sources))
    short = [span for span in spans if span.end - span.start <= LONGEST][:most]
    return sorted(set(spans).difference(short)), short


@dataclass(slots=True)
class _Found:
    """A sentence of an answer, with what was found out about it.

    `header`: the line over it, of a table row. `is_open`: no place says it, though its names and figures are known.
    `is_confirmed`: the model says that it is said.
    """

    span: Span
    sentence: str
    level: Support
    sources: list[Source]
    header: str = ""
    formulas: tuple[str, ...] = ()
    is_open: bool = False
    is_confirmed: bool = False

    @property
    def readable(self) -> str:
        """The sentence as it is understood alone."""
        return tables.labelled(self.header, self.sentence) if self.header else self.sentence

    def support(self) -> SentenceSupport:
        start, end = self.span.start, self.span.end
        passages = [each.passage for each in self.sources]
        is_result = bool(passages) and not any(each.file_id or each.url or each.gpt for each in passages)
        level = "result" if is_result and self.level in ("supported", "partly") else self.level
        return SentenceSupport(answer_start=start, answer_end=end, level=level, formulas=self.formulas)


def _calculate(found: Sequence[_Found], claims: Sequence[_Found], judge: Judge, known: Sequence[Known]) -> None:
    """Note how the figures of claims without a source follow from known ones, and cite what they follow from."""
    asked = {id(each) for each in claims}
    for n, each in enumerate(found):
        if id(each) not in asked or each.level != "unsupported":
            continue
        around = found[max(0, n - AROUND) : n + AROUND + 1]
        derived = _derived(each.sentence, "\n".join(one.sentence for one in around), known)
        if derived:
            each.level, each.formulas = "calculated", tuple(one.in_words for one in derived if one.is_right)
            near = [source for one in reversed(found[max(0, n - AROUND) : n]) for source in one.sources]
            each.sources = judge.operands(each.sentence, near, [one.formula for one in derived])
        each.is_open = derived == () or (bool(each.header) and derived is None)


def _derived(sentence: str, around: str, known: Sequence[Known]) -> tuple[Derivation, ...] | None:
    """See `Known.names_and_figures`: by the first of `known` that has them."""
    found = (each.names_and_figures(sentence, around) for each in known)
    return next((each for each in found if each is not None), None)


def _verify(found: Sequence[_Found], claims: Sequence[_Found], judge: Judge, basis: Basis, question: str) -> None:
    """Let the model judge the claims that do not stand in a source word for word."""
    assert basis.verify is not None
    doubtful = [each for each in claims if not any(is_word_for_word(each.sentence, one) for one in each.sources)]
    named = dict[int, list[Source]]()
    for each, checked in zip(doubtful, basis.verify([one.readable for one in doubtful]), strict=True):
        if checked and checked.likely >= SAID:
            each.level = "supported" if each.level in ("unsupported", "partly", "not_checked") else each.level
            each.is_confirmed, named[id(each)] = True, judge.with_words(checked.words, each.sentence)
            if not checked.words:  # it claims nothing: “¡De nada!” is not from “nada de enjuagues”
                each.sources = []
        elif checked and checked.likely <= 1 - SAID and (basis.denies_open or not each.is_open):
            each.level, each.sources, each.formulas, each.is_open = "unsupported", [], (), False
    cited = [Claim(n, each.sentence, tuple(named.get(id(each)) or each.sources)) for n, each in enumerate(found)]
    for each, own in zip(found, own_editions(cited, [one.sentence for one in found], question), strict=True):
        if id(each) in named:
            _cite(each, named[id(each)], own)


def _cite(claim: _Found, named: Sequence[Source], own: Sequence[Source]) -> None:
    """Cite what the model `named` for a claim that is said, of which the answer's `own` edition counts."""
    # A row that happens to have a figure of the sentence need not be the one that is meant, nor an edition.
    is_unsure = claim.level == "calculated" or len({one.place for one in named}) > 1
    if named and (is_unsure or not any(one in named for one in claim.sources)):
        claim.sources = [*own]
    # What is said, but at no place that could be shown, needs no mark; a greeting is nothing else.
    claim.is_open = not (claim.sources or claim.level in ("calculated", "conversation"))


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
