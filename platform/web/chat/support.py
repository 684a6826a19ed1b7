"""The marks in an answer for sentences without a source, and the notes that explain them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from gpts.knowledge.documents import Citation, SentenceSupport

_TITLES: Final = {
    "unsupported": "Not supported by the files",
    "not_checked": "Not checked: the files are in a different language",
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
        title=_TITLES[sentence.level],
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
        found.append(SupportNote("quoted", "Quoted from the files."))
    if n["partly"]:
        found.append(SupportNote("partly", "Dotted citations only partly support the sentence."))
    if n["unsupported"] == n.total() > 0:
        found.append(SupportNote("unsupported", "Nothing in this answer is supported by the files."))
    elif n["unsupported"]:
        found.append(SupportNote("unsupported", f"{_sentences(n['unsupported'])} not supported by the files."))
    if n["not_checked"]:
        some = "The answer is" if n["not_checked"] == n.total() else _sentences(n["not_checked"])
        found.append(SupportNote("not-checked", f"{some} not checked: the files are in a different language."))
    return tuple(found)


def _sentences(n: int) -> str:
    return "1 sentence is" if n == 1 else f"{n} sentences are"


def tag(citation: Citation, index: int, run_id: object, view: str, name: str, partly: bool) -> SafeString:
    """The number after a sentence: a link to its source, dotted if the source only partly supports the sentence."""
    return format_html(
        '&nbsp;<a class="cite{partly}" href="#source-{run}-{tag}" data-citation="{index}" data-tag="{tag}"'
        ' data-view="{view}" aria-label="Source {tag}{partly_words}: {name}">{tag}</a>',
        partly=" partly" if partly else "",
        partly_words=", partly" if partly else "",
        run=run_id,
        tag=citation.tag,
        index=index,
        view=view,
        name=name,
    )
