"""The marks in an answer for sentences without a source, and the notes that explain them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext_lazy

from gpts.knowledge.documents import Citation, SentenceSupport
from gpts.runs.steps import Finished

_TITLES: Final = {
    "unsupported": gettext_noop("Not found in the files"),
    "calculated": gettext_noop("Calculated: {formulas}"),
    "conversation": gettext_noop("From this conversation"),
    "result": gettext_noop("From what a tool returned"),
    "not_checked": gettext_noop(
        "Not checked: the files are in a different language, or there is too much to compare"
    ),
}
# The notes that count sentences, by level.
_COUNTS: Final = {
    "unsupported": ngettext_lazy(
        "{n} sentence was not found in the files.", "{n} sentences were not found in the files."
    ),
    "not_checked": ngettext_lazy(
        "{n} sentence is not checked: the files are in a different language, or there is too much to compare.",
        "{n} sentences are not checked: the files are in a different language, or there is too much to compare.",
    ),
    "withheld": ngettext_lazy(
        "{n} sentence is not shown, as it was not found in the files.",
        "{n} sentences are not shown, as they were not found in the files.",
    ),
}
# The notes in their place where all sentences are alike.
_ALL: Final = {
    "unsupported": gettext_noop("Nothing in this answer was found in the files."),
    "not_checked": gettext_noop(
        "The answer is not checked: the files are in a different language, or there is too much to compare."
    ),
    "quoted": gettext_noop("Quoted from the files."),
    "result": gettext_noop("From what a tool returned, not from the files."),
}


@dataclass(frozen=True, slots=True)
class SupportNote:
    """The explanation of a kind of mark, or what it stands for; with sentences that can be opened."""

    kind: str
    words: str
    sentences: tuple[str, ...] = ()


def marked(support: Sequence[SentenceSupport]) -> tuple[SentenceSupport, ...]:
    """The sentences to mark as having no source in the files; none if one note says it of all."""
    levels = {sentence.level for sentence in support}
    is_told_once = len(levels) == 1 and not levels.isdisjoint(_ALL)
    return () if is_told_once else tuple(sentence for sentence in support if sentence.level in _TITLES)


def mark(sentence: SentenceSupport) -> SafeString:
    """The mark after a sentence without a source in the files."""
    return format_html(
        '&nbsp;<span class="sentence-mark {}" role="img" title="{title}" aria-label="{title}"></span>',
        sentence.level.replace("_", "-"),
        title=gettext(_TITLES[sentence.level]).format(formulas="; ".join(sentence.formulas)),
    )


def is_partly(citation: Citation, support: Sequence[SentenceSupport]) -> bool:
    """Whether the passage only partly supports the sentence that cites it."""
    partly = (sentence for sentence in support if sentence.level == "partly")
    return any(s.answer_start <= citation.answer_start and citation.answer_end <= s.answer_end for s in partly)


def notes(answer: Finished, *, is_by_code: bool = False) -> tuple[SupportNote, ...]:
    """The notes below an answer about its marks; none if every sentence is supported as a model wrote it.

    `is_by_code`: all that tools returned is from code that the model wrote.
    """
    n = Counter[str](sentence.level for sentence in answer.support)
    all_words = {**_ALL, "result": gettext_noop("Calculated by code.")} if is_by_code else _ALL
    found = [SupportNote(level, gettext(words)) for level, words in all_words.items() if n[level] == n.total() > 0]
    if n["partly"]:
        found.append(SupportNote("partly", gettext("Dotted citations only partly support the sentence.")))
    if formulas := tuple(dict.fromkeys(each for sentence in answer.support for each in sentence.formulas)):
        found.append(
            SupportNote("calculated", gettext("Calculated: {formulas}").format(formulas="; ".join(formulas)))
        )
    if 0 < n["result"] < n.total():
        found.append(SupportNote("result", gettext("Some of this is from what a tool returned.")))
    if n["conversation"]:
        found.append(SupportNote("conversation", gettext("From this conversation, not from the files.")))
    counts = {level: n[level] for level in ("unsupported", "not_checked") if 0 < n[level] < n.total()}
    found += [SupportNote(level, _count(level, count)) for level, count in counts.items()]
    if answer.n_withheld:
        found.append(SupportNote("withheld", _count("withheld", answer.n_withheld), answer.withheld))
    return tuple(found)


def _count(level: str, n: int) -> str:
    return (_COUNTS[level] % n).format(n=n)


def tag(citation: Citation, index: int, run_id: object, view: str, name: str, partly: bool) -> SafeString:
    """The number after a sentence: a link to its source, dotted if the source only partly supports the sentence."""
    return format_html(
        '&nbsp;<a class="cite{partly}" href="#source-{run}-{tag}" data-citation="{index}" data-tag="{tag}"'
        ' data-view="{view}" aria-label="{label}">{tag}</a>',
        partly=" partly" if partly else "",
        label=(gettext("Source {tag}, partly: {name}") if partly else gettext("Source {tag}: {name}")).format(
            tag=citation.tag, name=name
        ),
        run=run_id,
        tag=citation.tag,
        index=index,
        view=view,
        name=name,
    )
