"""A message as a list of plain words."""

import re
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein

from workers.smallmodel.routing.words import fold

# Words from this length on may have a typo, longer ones two.
_TYPO_CHARS: Final = 5
_TWO_TYPO_CHARS: Final = 8
_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_APOSTROPHE: Final = re.compile(r"(?<=[a-z])['’](?=[a-z])")
_DRAWN_OUT: Final = re.compile(r"(.)\1{2,}")


def plain_words(text: str) -> list[str]:
    """The words of `text`, folded; "what's" is one word."""
    joined = _APOSTROPHE.sub("", fold(text))
    return [_DRAWN_OUT.sub(r"\1", word) for word in _WORD.findall(joined)]


def is_like(word: str, known: str) -> bool:
    """Whether `word` is `known`, or that with a typo."""
    if word == known:
        return True
    if min(len(word) + 1, len(known)) < _TYPO_CHARS or abs(len(word) - len(known)) > 2 or word[:1] != known[:1]:
        return False
    allowed = 2 if len(known) >= _TWO_TYPO_CHARS else 1
    return bool(DamerauLevenshtein.distance(word, known, score_cutoff=allowed) <= allowed)
