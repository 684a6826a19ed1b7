"""Which of a dozen things a message wants, and its language, by linear models over its letters, words and meaning.

Logistic regressions on hashed letter groups and words of the message, the words in English as far as a dictionary
has them, and the vector of these. The weights are in data/messages.npz; `python -m tests.lab train messages` fits
them to messages that several authors wrote for the purpose (tests/lab/training/data/messages/README.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workers.knowledge.embed import Vectors
from workers.smallmodel.routing.dialogue import clip, without_edited_text
from workers.smallmodel.routing.router import Encoder
from workers.smallmodel.routing.words import english_words, fold

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WEIGHTS: Final = Path(__file__).parents[1] / "data" / "messages.npz"
N_HASHES: Final = 2**13
_HAN: Final = re.compile(r"([\u3400-\u9fff])")
_LATIN: Final = re.compile(r"[a-z]", re.IGNORECASE)
_SURE_LANGUAGE: Final = 0.5
# How likely a message is in another language than those before, beside what its own words say.
_SWITCHES: Final = 0.1
_WORD: Final = r"[^\W_]+|[?!]"
_REPEATED: Final = re.compile(r"\b(\w+)(?:\s+\1\b)+", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class ClassifiedMessage:
    """The language of a message, and the probability of each label of data/messages."""

    lang: str
    labels: dict[str, float]


class MessageClassifier:
    """Reads messages with one embedder, or without any, which is less exact. Safe for threads."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        knows = encoder is not None and getattr(encoder, "id", "") == str(_weights()["embedder"])
        self._encoder = encoder if knows else None

    def read(self, text: str, before: str = "") -> ClassifiedMessage:
        """What `text` wants, by its beginning and its end if it is long; `before` as in `language`."""
        text = request_in(text)
        letters = letter_features([text])
        lang = _language(text, letters, before)
        english = english_words(text, lang)
        vectors = self._encoder.encode([english]) if self._encoder else None
        head = "labels" if vectors is not None else "labels-unread"
        shares = _probabilities(features(letters, [english], vectors), head)
        names = map(str, _weights()["labels"])
        return ClassifiedMessage(lang, dict(zip(names, shares.tolist(), strict=True)))


def request_in(text: str) -> str:
    """What of a message says what it wants: without the text that it wants edited, and repeated words once."""
    return _REPEATED.sub(r"\1", without_edited_text(clip(text)))


@cache
def _weights() -> dict[str, Any]:
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def language(text: str, before: str = "") -> str:
    """The language of a message, one of those of data/messages; English if it is none of them for sure.

    A few words with typos are taken for those of the language of `before`, what was said until then.
    """
    text = request_in(text)
    return _language(text, letter_features([text]), before)


def _language(text: str, letters: "csr_matrix", before: str) -> str:
    """The language of `text`, whose `letter_features` are `letters`."""
    if _HAN.search(text):
        return "zh"
    shares = _probabilities(letters, "langs")
    if before:
        shares = shares * (_probabilities(letter_features([before]), "langs") + _SWITCHES)
        shares /= shares.sum()
    best = int(shares.argmax())
    return str(_weights()["langs"][best]) if _LATIN.search(text) and shares[best] >= _SURE_LANGUAGE else "en"


def _probabilities(rows: "csr_matrix", head: str) -> Vectors:
    """The probabilities by one head for the single row of `rows`, `(n_labels,)`."""
    weights = _weights()
    raw = np.asarray(rows @ weights[f"{head}/weight"].astype(np.float32) + weights[f"{head}/bias"])[0]
    power = np.exp(raw - raw.max())
    found: Vectors = power / power.sum()
    return found


def letter_features(texts: Sequence[str]) -> "csr_matrix":
    """The hashed letter groups and words of each text, `(n_texts, 2 * N_HASHES)`."""
    from scipy.sparse import hstack

    plain = [_plain(text) for text in texts]
    spaced = [_HAN.sub(r" \1 ", text) for text in plain]
    return hstack([_hashed("char_wb", 2, 4).transform(plain), _hashed("word", 1, 2).transform(spaced)]).tocsr()


def features(letters: "csr_matrix", english: Sequence[str], vectors: Vectors | None) -> "csr_matrix":
    """`letters` of `letter_features`, the hashed words of `english`, and the `vectors` `(n_texts, dim)` of these."""
    from scipy.sparse import csr_matrix, hstack

    parts = [letters, _hashed("word", 1, 2).transform(map(_plain, english))]
    return hstack([*parts, *([csr_matrix(vectors)] if vectors is not None else [])]).tocsr()


def _plain(text: str) -> str:
    return _DIGIT.sub("0", fold(text))


@cache
def _hashed(analyzer: str, least: int, most: int) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    return HashingVectorizer(
        analyzer=analyzer,
        ngram_range=(least, most),
        n_features=N_HASHES,
        alternate_sign=False,
        lowercase=False,
        token_pattern=_WORD,
        dtype=np.float32,
    )
