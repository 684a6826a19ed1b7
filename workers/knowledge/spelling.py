"""Corrects the typos of a question by the words of the files that it is put to."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from gpts.knowledge.terms import STOP_WORDS, stem

# Shorter words are a letter away from too many others; from the second length on a word may have two typos.
LEAST_CHARS: Final = 4
TWO_TYPO_CHARS: Final = 8
# Longer ones are no words: base64, hashes.
MOST_CHARS: Final = 24
# A question with at least this many unknown words, of which few are like any of the files, is in another language.
MANY_UNKNOWN: Final = 4
_WORD: Final = re.compile(r"[^\W\d_]+")
_STOP_WORDS: Final = sorted(STOP_WORDS)

# How many chunks have each of these terms.
Count = Callable[[Sequence[str]], Sequence[int]]


def vocabulary(text: str) -> list[str]:
    """The words of `text` that a typo may stand for, folded and sorted."""
    return sorted({word.casefold() for word in _WORD.findall(text) if LEAST_CHARS <= len(word) <= MOST_CHARS})


def corrected(
    text: str, count: Count, common: Sequence[str], vocabularies: Callable[[], Sequence[Sequence[str]]]
) -> str:
    """`text` with each word that neither the files, by `count`, nor `common` have replaced by one of the files'.

    The words are sorted. A common one may stand for the files' own form of it.
    """
    words = [word for word in dict.fromkeys(_WORD.findall(text)) if word.casefold() not in STOP_WORDS]
    held = count([stem(word.casefold()) for word in words])
    unknown = [
        word
        for word, n in zip(words, held, strict=True)
        if not n and LEAST_CHARS <= len(word) <= MOST_CHARS and not _is_in(word.casefold(), common)
    ]
    if not unknown:
        return text
    known = [*vocabularies(), common, _STOP_WORDS]
    found = {word: other for word in unknown if (other := _meant(word.casefold(), known, count))}
    if len(unknown) >= MANY_UNKNOWN and 2 * len(found) < len(unknown):
        return text
    return _WORD.sub(lambda match: _in_case(match.group(), found.get(match.group(), match.group())), text)


def _meant(word: str, known: Sequence[Sequence[str]], count: Count) -> str:
    """The likeliest of the words that `word` is a typo of, empty if there is none."""
    allowed = 2 if len(word) >= TWO_TYPO_CHARS else 1
    near = chain.from_iterable(
        process.extract(word, _beginning_with(word[:2], each), scorer=OSA.distance, score_cutoff=allowed, limit=None)
        for each in known
    )
    distances = {other: int(distance) for other, distance, _ in near if _is_likely(word, other, int(distance))}
    held = dict(zip(distances, count([stem(other) for other in distances]), strict=True))
    likely = [other for other in distances if held[other] or other in STOP_WORDS]
    return min(likely, key=lambda other: (distances[other], -held[other], other), default="")


def _beginning_with(letters: str, words: Sequence[str]) -> list[str]:
    """Those of the sorted `words` that begin with one of `letters`."""
    ranges = ((bisect_left(words, letter), bisect_left(words, chr(ord(letter) + 1))) for letter in {*letters})
    return [word for start, end in ranges for word in words[start:end]]


def _is_in(word: str, words: Sequence[str]) -> bool:
    place = bisect_left(words, word)
    return place < len(words) and words[place] == word


def _is_likely(word: str, other: str, distance: int) -> bool:
    """Whether only its first two letters may be swapped, and it is no other word of four letters."""
    if len(other) < LEAST_CHARS or (len(word) == len(other) == LEAST_CHARS and sorted(word) != sorted(other)):
        return False
    return word[0] == other[0] or (distance == 1 and word[:2] == other[1::-1])


def _in_case(word: str, other: str) -> str:
    return other.capitalize() if word[0].isupper() and other[0].islower() else other
