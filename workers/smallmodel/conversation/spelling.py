"""A question in the words of the files that it is about: typos corrected, and in English if they are."""

from collections.abc import Iterable
from typing import Final

from gpts.knowledge.terms import STOP_WORDS
from workers.knowledge.languages import language_of_text
from workers.smallmodel.conversation.wording import is_like, plain_words
from workers.smallmodel.routing.words import gloss, language_of

_LEAST_CHARS: Final = 4


def corrected(text: str, sources: Iterable[str]) -> str:
    """`text` with each word that is unknown to `sources` replaced by the one of theirs that it resembles, if any."""
    known = {word for source in sources for word in plain_words(source)}
    return " ".join(_corrected(word, known) for word in text.split())


def english(text: str, sources: Iterable[str]) -> str:
    """`text` in English words as far as the dictionary goes, if `sources` are English and it is not."""
    if language_of(text) == "en" or language_of_text(" ".join(sources)) != "en":
        return text
    return gloss(text)


def _corrected(word: str, known: set[str]) -> str:
    plain = plain_words(word)
    if len(plain) != 1 or len(plain[0]) < _LEAST_CHARS or plain[0] in known or plain[0] in STOP_WORDS:
        return word
    # Words of a similar length first: "tempreature" is "temperature" rather than "temperatures".
    similar = [other for other in known if is_like(plain[0], other)]
    return min(similar, key=lambda other: (abs(len(other) - len(plain[0])), other), default=word)
