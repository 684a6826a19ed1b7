"""A question and the files that it is about, both in English to be compared."""

from collections.abc import Sequence

from gpts.knowledge.citations import Translate
from workers.knowledge.languages import language_of_text
from workers.smallmodel.routing.words import english_words


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
