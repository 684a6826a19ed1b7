"""An answer without some of its sentences: the others keep their marks and citations."""

import re
from collections.abc import Sequence
from typing import Any, Final

from gpts.knowledge.documents import SentenceSupport
from gpts.runs.steps import Finished

_SPACES: Final = re.compile(r" {0,9}")
_LIST_MARK: Final = re.compile(r"[ \t>]{0,40}(?:[-*+•]|\d{1,4}[.)])?[ \t]{0,9}")
_PLACE: Final = ("answer_start", "answer_end")


def without(end: Finished, sentences: Sequence[SentenceSupport]) -> Finished:
    """`end` without these sentences of its text; the marks and citations of the others move to where they are now."""
    gone = [_extent(end.text, each) for each in sentences]

    def now(offset: int) -> int:
        return offset - sum(min(offset, to) - start for start, to in gone if start < offset)

    def moved(places: Sequence[Any]) -> tuple[Any, ...]:
        kept = (each for each in places if not any(start <= each.answer_start < to for start, to in gone))
        return tuple(each.model_copy(update={name: now(getattr(each, name)) for name in _PLACE}) for each in kept)

    borders = [0, *(border for place in gone for border in place), len(end.text)]
    text = "".join(end.text[start:to] for start, to in zip(borders[::2], borders[1::2], strict=True))
    changed = {"text": text.rstrip(), "citations": moved(end.citations), "support": moved(end.support)}
    return end.model_copy(update=changed)


def supported_text(end: Finished) -> str:
    """What of an answer may be taken up again: all but what nothing supported."""
    return without(end, [each for each in end.support if each.level == "unsupported"]).text


def _extent(text: str, sentence: SentenceSupport) -> tuple[int, int]:
    """Where a sentence begins and what follows it does: of one that is a line, with the mark of a list before it."""
    start, to = sentence.answer_start, sentence.answer_end
    line = text.rfind("\n", 0, start) + 1
    ends_line = text[to : to + 1] in ("", "\n")
    if ends_line and _LIST_MARK.fullmatch(text, line, start):
        return line, to + 1 if to < len(text) else to
    following = _SPACES.match(text, to)
    return start, following.end() if following else to
