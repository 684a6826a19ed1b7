"""The language of a document, by py3langid (pure Python with NumPy, its model is in its package)."""

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Final

from gpts.knowledge.documents import Document
from gpts.knowledge.languages import LANGUAGES

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_loading: Final = Lock()
# Shorter texts cannot be identified; a Chinese character counts as three letters.
_LEAST_CHARS: Final = 40
# Names, figures and code reach 0.1 to 0.3, sentences of ten words 0.99 and headings 0.87 (measured 2026-11).
_SURE: Final = 0.6
# Samples from all over the text, so that one quotation does not decide.
_PIECES: Final = 5
_PIECE_CHARS: Final = 400


def language_of(document: Document) -> str:
    """The ISO 639-1 code of the main language of `document`, "" if it cannot be told."""
    return language_of_text(" ".join(b.text for b in document.blocks if any(each.isalpha() for each in b.text)))


def language_of_text(text: str) -> str:
    """The ISO 639-1 code of the main language of `text`, "" if it cannot be told."""
    letters = sum(3 if each > "\u2e80" else 1 for each in text[:1_000] if each.isalpha())
    if letters < _LEAST_CHARS:
        return ""
    step = max(1, (len(text) - _PIECE_CHARS) // (_PIECES - 1))
    pieces = [text[at : at + _PIECE_CHARS] for at in range(0, len(text), step)][:_PIECES]
    code, confidence = identifier().classify(" ".join(pieces))
    return str(code) if confidence >= _SURE else ""


def identifier() -> "LanguageIdentifier":
    """The identifier of languages, loaded once, in 0.4 s."""
    with _loading:
        return _identifier()


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(LANGUAGES))
    return identifier
