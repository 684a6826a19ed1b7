"""A question and the files that it is about, both in English to be compared."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Final

from gpts.knowledge.extracts import Translate
from gpts.knowledge.judging import Gloss
from gpts.knowledge.support import codes
from gpts.knowledge.terms import STOP_WORDS, stem, terms, words
from workers.knowledge.languages import language_of_text
from workers.smallmodel.phrases import phrases
from workers.smallmodel.routing.words import english_words, is_english

# A longer question asks more of a code than what it means.
MOST_WORDS: Final = 8
# Shorter numbers are codes of nothing.
LEAST_DIGITS: Final = 3


def into_english(sources: Sequence[str], language: str, *asked: str) -> Translate | None:
    """How the texts `asked`, in this language, and those of `sources` are brought to English; None if all are."""
    languages = [language_of_text(source) or "en" for source in sources]
    if {language, *languages} == {"en"}:
        return None
    of_most = language_of_text(" ".join(sources)) or "en"

    def translate(text: str) -> str:
        if text in asked:
            return english_words(text, language)
        own = (each for source, each in zip(sources, languages, strict=True) if text in source)
        return english_words(text, next(own, of_most))

    return translate


def gloss_between(language: str, sources: Sequence[str]) -> Gloss | None:
    """How answers in this language and `sources` are compared in English; None if all are in it."""
    if {language_of_text(source) or "en" for source in sources} <= {language}:
        return None
    return Gloss(partial(english_words, language=language), into_english(sources, language) or str)


def about_codes(question: str, sources: Sequence[str], language: str) -> str:
    """A short question for a code that `sources` have, without the words that only ask what it means.

    Nor with those that nobody here reads: "Was bedeutet P2?" and "P2 ne demek?" are p2, and "What does P2 cost?"
    stays. Other questions stay, too.
    """
    marks = [word for word in codes(question) if not word.isdigit() or len(word) >= LEAST_DIGITS]
    if not marks or len(question.split()) > MOST_WORDS:
        return question
    held = frozenset(terms(" ".join(sources)))
    if held.isdisjoint(map(stem, marks)):
        return question
    own = [word for word in words(question) if word not in STOP_WORDS]
    is_read = is_english(question)

    def asks(word: str) -> bool:
        is_known = is_read or stem(word) in held or english_words(word, "zh" if language == "zh" else "") != word
        return is_known and stem(word) not in _defining()

    kept = list(dict.fromkeys((*marks, *filter(asks, own))))
    return " ".join(kept) if len(kept) < len(own) else question


@cache
def _defining() -> frozenset[str]:
    return frozenset(terms(phrases("intents")["defining"]))
