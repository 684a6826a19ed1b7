"""A question in the words of the files that it is about: typos corrected, and both in English to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gpts.knowledge.citations import Translate
from gpts.knowledge.terms import STOP_WORDS
from workers.knowledge.languages import language_of_text
from workers.smallmodel.conversation.classifier import language
from workers.smallmodel.conversation.wording import is_like, plain_words
from workers.smallmodel.routing.words import english_words

_LEAST_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class Wording:
    """`texts` without typos, and how they and the files are brought to English; None if all of it is."""

    texts: tuple[str, ...]
    translate: Translate | None = None


def in_words_of(sources: Sequence[str], *texts: str, before: str = "") -> Wording:
    """`texts`, of which the last is the message itself, said after `before`, in the words of `sources`."""
    whole = " ".join(sources)
    of_files, of_texts = language_of_text(whole) or "en", language(texts[-1], before)
    known = set(plain_words(whole))
    asked = tuple(_in_words(text, known) if of_texts == of_files else text for text in texts)
    if of_files == of_texts == "en":
        return Wording(asked)
    english = set(plain_words(english_words(whole, of_files)))

    def translate(text: str) -> str:
        return _in_words(english_words(text, of_texts), english) if text in asked else english_words(text, of_files)

    return Wording(asked, translate)


def _in_words(text: str, known: set[str]) -> str:
    return " ".join(_corrected(word, known) for word in text.split())


def _corrected(word: str, known: set[str]) -> str:
    plain = plain_words(word)
    if len(plain) != 1 or len(plain[0]) < _LEAST_CHARS or plain[0] in known or plain[0] in STOP_WORDS:
        return word
    # Words of a similar length first: "tempreature" is "temperature" rather than "temperatures".
    similar = [other for other in known if is_like(plain[0], other)]
    return min(similar, key=lambda other: (abs(len(other) - len(plain[0])), other), default=word)
