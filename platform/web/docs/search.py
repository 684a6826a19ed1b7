"""Search in the documentation: the sections that hold most words of a query."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from web.docs.contents import DocSection, doc_pages

QUERY_CHARS: Final = 200
N_RESULTS: Final = 12
# Characters of a snippet before its first marked word, and in all.
_BEFORE, _SNIPPET = 70, 240
# Words of questions that say nothing about their subject.
_COMMON: Final = frozenset(
    "a an and are as at be by can could do does for from gpt gpts has have how i if in is it me my of on or so that "
    "the there this to was what when where which who why will with you your".split()
)
_ENDING: Final = re.compile(r"(?:ations?|ing|ed|es|s)$")


@dataclass(frozen=True, slots=True)
class DocResult:
    """A section that was found, with a snippet in pieces: text, and whether it is a word of the query."""

    section: DocSection
    pieces: tuple[tuple[str, bool], ...]


def search_docs(query: str) -> list[DocResult]:
    """The sections that hold the most words of `query`, those with the words in their heading first."""
    stems = _stems(query[:QUERY_CHARS])
    scored = [(_score(section, stems), section) for page in doc_pages().values() for section in page.sections]
    most = max((score[0] for score, _ in scored), default=0)
    found = [(score, section) for score, section in scored if score[0] and score[0] >= most - (most > 2)]
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [DocResult(section, _snippet(section.text, stems)) for _, section in found[:N_RESULTS]]


def _stems(query: str) -> tuple[str, ...]:
    """The distinct words of a query without their endings; its common words only if it has no others."""
    words = re.findall(r"\w+", query[:QUERY_CHARS].casefold())
    telling = [word for word in words if word not in _COMMON]
    return tuple(dict.fromkeys(_ENDING.sub("", word) if len(word) > 5 else word for word in telling or words))


def _score(section: DocSection, stems: Sequence[str]) -> tuple[int, int, int]:
    """How many words the section holds, how many of them its heading, and how often in all."""
    heading, text = section.heading.casefold(), section.text.casefold()
    n_found = sum(_pattern([stem]).search(f"{heading}\n{text}") is not None for stem in stems)
    n_heading = sum(_pattern([stem]).search(heading) is not None for stem in stems)
    return n_found, n_heading, sum(len(_pattern([stem]).findall(text)) for stem in stems)


def _pattern(stems: Sequence[str]) -> re.Pattern[str]:
    """Words that begin with one of `stems`."""
    starts = "|".join(map(re.escape, stems))
    return re.compile(rf"\b(?:{starts})\w*", re.IGNORECASE)


def _snippet(text: str, stems: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """The part of `text` around the first word that was found, in pieces."""
    words = _pattern(stems)
    first = words.search(text)
    start = max(0, first.start() - _BEFORE) if first else 0
    start = text.find(" ", start) + 1 if start else 0
    shown = text[start : start + _SNIPPET].rsplit(" ", 1)[0] if len(text) > start + _SNIPPET else text[start:]
    pieces, at = list[tuple[str, bool]](), 0
    for found in words.finditer(shown):
        pieces += [(shown[at : found.start()], False), (found[0], True)]
        at = found.end()
    pieces.append((shown[at:], False))
    lead, tail = "… " if start else "", " …" if start + len(shown) < len(text) else ""
    return tuple(piece for piece in ((lead, False), *pieces, (tail, False)) if piece[0])
