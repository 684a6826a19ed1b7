"""How an answer shows which sentences its files support: marks in the text and a line that explains them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from gpts.knowledge.documents import Citation, SentenceSupport

UNSUPPORTED_MARK: Final = format_html(
    '&nbsp;<span class="unsupported" role="img" aria-label="Not supported by the files"></span>'
)


@dataclass(frozen=True, slots=True)
class Note:
    """The explanation of a kind of mark."""

    kind: Literal["partly", "unsupported"]
    words: str


def unsupported(support: Sequence[SentenceSupport]) -> tuple[SentenceSupport, ...]:
    """The sentences to mark as not from the files: none if no sentence is, which one line says better."""
    if all(sentence.level == "unsupported" for sentence in support):
        return ()
    return tuple(sentence for sentence in support if sentence.level == "unsupported")


def is_partly(citation: Citation, support: Sequence[SentenceSupport]) -> bool:
    """Whether the passage says only some of the sentence that cites it."""
    partly = (sentence for sentence in support if sentence.level == "partly")
    return any(s.answer_start <= citation.answer_start and citation.answer_end <= s.answer_end for s in partly)


def notes(support: Sequence[SentenceSupport]) -> tuple[Note, ...]:
    """What to say below an answer about the marks in it; nothing if every sentence is supported."""
    levels = [sentence.level for sentence in support]
    found = []
    if "partly" in levels:
        found.append(Note("partly", "Dotted citations only partly support the sentence."))
    if n_unsupported := levels.count("unsupported"):
        found.append(Note("unsupported", _not_from_the_files(n_unsupported, len(levels))))
    return tuple(found)


def _not_from_the_files(n_unsupported: int, n_sentences: int) -> str:
    if n_unsupported == n_sentences:
        return "The files don’t support anything in this answer."
    if n_unsupported == 1:
        return "The files don’t support 1 sentence."
    return f"The files don’t support {n_unsupported} sentences."


def tag(citation: Citation, index: int, run_id: object, view: str, name: str, partly: bool) -> SafeString:
    """The number behind a sentence: a link to its source, dotted where the source says only some of the sentence."""
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
