"""Where the sentences of a text begin and end.

Used both to cut chunks and to match answers with their sources, so the cuts must agree and keep exact offsets. A line
break always ends a sentence: parsers re-flow wrapped lines, so a remaining break marks a list item, table row,
heading or line of code. A table row, written between bars, is never cut.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class Span(NamedTuple):
    """A range of a text, `end` exclusive."""

    start: int
    end: int


# A stop and closing quotes or brackets, before a space or the end of the line; CJK stops need no space.
_STOP: Final = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]*_]*(?=\s|$)|[。！？｡]+[」』”’）]*")
_CJK_STOPS: Final = "。！？｡"
_CLOSING: Final = "\"'”’»"
_LINE: Final = re.compile(r"[^\n\r\u2028\u2029\x0b\x0c\x85]+")
_LAST_WORD: Final = re.compile(r"[(\[\"'“‘«*_]*([^\s(\[\"'“‘«*_]+)$")
_LIST_MARK: Final = re.compile(r"\s*(?:[-*+•]\s+)?(?:\(?[0-9]{1,3}|\(?[a-zA-Z]|[ivxIVX]{1,5})\.$")
_INITIAL: Final = re.compile(r"[A-Z]\. ?[A-Z]")
# "z. B."
_SECOND: Final = re.compile(r"[^\W\d_]\.")
_DOTTED: Final = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?$")
# German ordinals: "1. Januar", "in der 8. Klasse".
_DAY: Final = re.compile(r"(?<!\d)\d{1,2}$")
_ORDINAL: Final = re.compile(r"\b(?:de[rmns]|die|das|am|im|vom|zu[mr]|beim|jede[rmns]?)\s+\d{1,2}$", re.IGNORECASE)
_MONTH: Final = re.compile(r"(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)")

# Abbreviations that never end a sentence.
_BEFORE_A_NAME: Final = frozenset(
    "dr dra mr mrs ms prof st rev gen sen rep hon capt lt col sgt maj fr sr messrs mme mlle hr frau sra srta nr no "
    "nos fig figs eq eqs sec secs ch vol vols pp p ed eds vs cf viz approx ca e.g i.e eg ie bzw z.b d.h u.a vgl art "
    "op al ext tel kap abs incl excl inkl exkl zzgl ggf evtl".split()
)
# Abbreviations that end a sentence if a capital letter, a digit or a quote follows.
_MAY_END: Final = frozenset("etc inc ltd co corp jr esq usw a.m p.m u.s u.k u.n e.u ph.d b.c a.d dept est".split())


class CodeFence:
    """Tracks whether the sentences of a text, taken in order, are in a fenced code block."""

    def __init__(self) -> None:
        self._is_open = False

    def covers(self, sentence: str) -> bool:
        """Whether the next sentence is code, or a fence."""
        if not sentence.startswith(("```", "~~~")):
            return self._is_open
        self._is_open = not self._is_open and not sentence[3:].endswith(sentence[:3])
        return True


def sentence_spans(text: str) -> tuple[Span, ...]:
    """The sentences of `text` in order, without surrounding space; every other character lies in exactly one."""
    return tuple(span for line in _LINE.finditer(text) for span in _line_spans(text, line.start(), line.end()))


def _line_spans(text: str, start: int, end: int) -> Iterator[Span]:
    if text[start:end].strip().startswith("|") and text[start:end].strip().endswith("|"):
        yield from _stripped(text, start, end)
        return
    line_start = start
    for stop in _STOP.finditer(text, start, end):
        if _ends_sentence(text, line_start, start, stop, end):
            yield from _stripped(text, start, stop.end())
            start = stop.end()
    yield from _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if left < right:
        yield Span(left, right)


def _ends_sentence(text: str, line_start: int, start: int, stop: re.Match[str], end: int) -> bool:
    mark = stop.group()
    following = text[stop.end() : end].lstrip()
    if not following or mark[0] in _CJK_STOPS:
        return True
    if mark[0] in "!?":  # “Where?” she asked
        return not (mark[-1] in _CLOSING and following[0].islower())
    if _LIST_MARK.match(text[line_start : stop.start() + 1]):
        return False
    if (
        mark == "."
        and following[0].isupper()
        and _is_ordinal(text[max(start, stop.start() - 20) : stop.start()], following)
    ):
        return False
    if mark.rstrip("\"'”’»)]*_") not in (".", "…"):
        return not following[0].islower()
    return not following[0].islower() and not _is_abbreviation(text[start : stop.start()], following)


def _is_ordinal(before: str, following: str) -> bool:
    return bool(_ORDINAL.search(before) or (_MONTH.match(following) and _DAY.search(before)))


def _is_abbreviation(before: str, following: str) -> bool:
    found = _LAST_WORD.search(before)
    if not found:
        return False
    word = found.group(1)
    lowered = word.casefold()
    if lowered in _MAY_END:
        return not (following[0].isupper() or following[0].isdigit() or following[0] in "\"'“‘«(")
    if lowered in _BEFORE_A_NAME or lowered.endswith("nr"):  # "Seriennr. 3200417"
        return lowered not in ("no", "abs") or following[0].isdigit()
    return _is_initial(word, before[: found.start()], following)


def _is_initial(word: str, before: str, following: str) -> bool:
    """Whether `word` is "J" as in "J. K. Rowling". "Plan B." and "vitamin C." end a sentence, and so does "I."."""
    if _DOTTED.match(word) and "." in word:
        return True
    if len(word) != 1 or word == "I":
        return False
    if _INITIAL.match(following) or (word.islower() and _SECOND.match(following)):
        return True
    if not word.isupper():
        return False
    previous = before.rstrip().rsplit(None, 1)[-1] if before.strip() else ""
    return not previous or previous[0].isupper() or previous.endswith(".")
