"""A question in the words of the files that it is about: typos corrected, and in English if they are."""

from collections.abc import Sequence
from typing import Final

from gpts.knowledge.terms import STOP_WORDS
from workers.knowledge.languages import language_of_text
from workers.smallmodel.conversation.wording import is_like, plain_words
from workers.smallmodel.routing.words import gloss, language_of

_LEAST_CHARS: Final = 4


def in_words_of(sources: Sequence[str], *texts: str) -> list[str]:
    """`texts` in the words of `sources`: in English as far as the dictionary goes if they are, and without typos."""
    whole = " ".join(sources)
    are_english = language_of_text(whole) == "en"
    known = set(plain_words(whole))
    translated = (gloss(text) if are_english and language_of(text) != "en" else text for text in texts)
    return [" ".join(_corrected(word, known) for word in text.split()) for text in translated]


def _corrected(word: str, known: set[str]) -> str:
    plain = plain_words(word)
    if len(plain) != 1 or len(plain[0]) < _LEAST_CHARS or plain[0] in known or plain[0] in STOP_WORDS:
        return word
    # Words of a similar length first: "tempreature" is "temperature" rather than "temperatures".
    similar = [other for other in known if is_like(plain[0], other)]
    return min(similar, key=lambda other: (abs(len(other) - len(plain[0])), other), default=word)
