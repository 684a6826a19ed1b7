"""A message as a list of plain words, and the small talk in it, in the languages of data/small_talk.toml."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from rapidfuzz.distance import DamerauLevenshtein

from workers.smallmodel.phrases import phrases
from workers.smallmodel.routing.words import fold

LANGUAGES: Final = ("en", "de", "fr", "es", "it", "pt", "nl", "zh")
# The order in which the kinds of small talk of one message decide on the reply.
KINDS: Final = ("complaint", "how_are_you", "thanks", "farewell", "greeting", "acknowledgement")
# Words from this length on may have a typo, longer ones two.
_TYPO_CHARS: Final = 5
_TWO_TYPO_CHARS: Final = 8
_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
_BETWEEN_HAN: Final = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_APOSTROPHE: Final = re.compile(r"(?<=[a-z])['’](?=[a-z])")
_DRAWN_OUT: Final = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """What of a message is small talk: its kind and language, and the words of the message beside it.

    `content` are those of `rest` that are no filler: none if the message is small talk altogether.
    """

    kind: str
    lang: str
    rest: tuple[str, ...]
    content: tuple[str, ...]


def plain_words(text: str, *, apostrophes: str = "") -> list[str]:
    """The words of `text`, folded; "what's" is one word, or two with a blank as `apostrophes`."""
    joined = _APOSTROPHE.sub(apostrophes, fold(text))
    return [_DRAWN_OUT.sub(r"\1", word) for word in _WORD.findall(joined)]


def joined(words: Iterable[str]) -> str:
    """The words as a text to match: with blanks between them, except in Chinese."""
    return _BETWEEN_HAN.sub("", " ".join(words))


def small_talk(text: str) -> SmallTalk | None:
    """The small talk in `text`, in the language that explains most of its words; None if there is none."""
    words = plain_words(text)
    if text.strip() and not words:  # "…" or a smiley
        return SmallTalk("acknowledgement", "en", (), ())
    found = [talk for lang in LANGUAGES if (talk := _in_language(words, lang))]
    return min(found, key=lambda talk: len(talk.content), default=None)


def _in_language(words: Sequence[str], lang: str) -> SmallTalk | None:
    kinds: set[str] = set()
    rest: list[str] = []
    at = 0
    while at < len(words):
        if match := _longest(words[at:], lang):
            kind, length = match
            kinds.add(kind)
            at += length
        else:
            rest.append(words[at])
            at += 1
    kind = next((each for each in KINDS if each in kinds), "")
    content = tuple(word for word in rest if word not in _filler(lang))
    return SmallTalk(kind, lang, tuple(rest), content) if kind else None


def _longest(words: Sequence[str], lang: str) -> tuple[str, int] | None:
    """The longest phrase with which `words` begin: its kind and number of words."""
    for kind, phrase in _phrases(lang):
        if len(phrase) <= len(words) and all(map(is_like, words, phrase)):
            return kind, len(phrase)
    return None


def is_like(word: str, known: str) -> bool:
    """Whether `word` is `known`, or that with a typo."""
    if word == known:
        return True
    if min(len(word) + 1, len(known)) < _TYPO_CHARS or abs(len(word) - len(known)) > 2 or word[:1] != known[:1]:
        return False
    allowed = 2 if len(known) >= _TWO_TYPO_CHARS else 1
    return bool(DamerauLevenshtein.distance(word, known, score_cutoff=allowed) <= allowed)


@cache
def _phrases(lang: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    table = phrases("small_talk")[lang]
    listed = ((kind, tuple(plain_words(phrase))) for kind in KINDS for phrase in table[kind])
    return tuple(sorted(listed, key=lambda each: -len(each[1])))


@cache
def _filler(lang: str) -> frozenset[str]:
    return frozenset(plain_words(phrases("small_talk")[lang]["filler"]))
