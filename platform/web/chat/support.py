"""The marks in an answer for sentences without a source, and the notes that explain them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from gpts.knowledge.documents import Citation, SentenceSupport

_TITLES: Final = {
    "unsupported": gettext_noop("Not supported by the files"),
    "not_checked": gettext_noop("Not checked: the files are in a different language"),
}


@dataclass(frozen=True, slots=True)
class SupportNote:
    """The explanation of a kind of mark."""

    kind: Literal["partly", "unsupported", "not-checked", "quoted"]
    words: str


def marked(support: Sequence[SentenceSupport]) -> tuple[SentenceSupport, ...]:
    """The sentences to mark as having no source; none if all are alike, which one note says better."""
    levels = {sentence.level for sentence in support}
    return tuple(sentence for sentence in support if sentence.level in _TITLES and len(levels) > 1)


def mark(sentence: SentenceSupport) -> SafeString:
    """The mark after a sentence without a source."""
    return format_html(
        '&nbsp;<span class="{}" role="img" title="{title}" aria-label="{title}"></span>',
        sentence.level.replace("_", "-"),
        title=gettext(_TITLES[sentence.level]),
    )


def is_partly(citation: Citation, support: Sequence[SentenceSupport]) -> bool:
    """Whether the passage only partly supports the sentence that cites it."""
    partly = (sentence for sentence in support if sentence.level == "partly")
    return any(s.answer_start <= citation.answer_start and citation.answer_end <= s.answer_end for s in partly)


def notes(support: Sequence[SentenceSupport]) -> tuple[SupportNote, ...]:
    """The notes below an answer about its marks; none if every sentence is supported as a model wrote it."""
    n = Counter(sentence.level for sentence in support)
    found = []
    if n["quoted"] == n.total() > 0:
        found.append(SupportNote("quoted", gettext("Quoted from the files.")))
    if n["partly"]:
        found.append(SupportNote("partly", gettext("Dotted citations only partly support the sentence.")))
    if n["unsupported"] == n.total() > 0:
        found.append(SupportNote("unsupported", gettext("Nothing in this answer is supported by the files.")))
    elif n["unsupported"]:
        found.append(SupportNote("unsupported", _not_supported(n["unsupported"])))
    if n["not_checked"]:
        found.append(SupportNote("not-checked", _not_checked(n["not_checked"], n.total())))
    return tuple(found)


def _not_supported(n: int) -> str:
    return ngettext(
        "1 sentence is not supported by the files.", "{n} sentences are not supported by the files.", n
    ).format(n=n)


def _not_checked(n: int, total: int) -> str:
    if n == total:
        return gettext("The answer is not checked: the files are in a different language.")
    return ngettext(
        "1 sentence is not checked: the files are in a different language.",
        "{n} sentences are not checked: the files are in a different language.",
        n,
    ).format(n=n)


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
