"""Comparing answers with passages by their embeddings, and where the embedder cannot read one of them."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from math import nan
from typing import Final

from gpts.knowledge.extracts import Similarity
from gpts.knowledge.judging import Comparison
from workers.knowledge.embed import Embedder
from workers.knowledge.languages import language_of_text

# With at least this many letters per token the embedder certainly understands a text: for the bundled one, each of 20
# English paragraphs of XQuAD has 3.8 or more, each of the German ones 3.6 or fewer (2026-11). An answer may be too
# short to tell; then its language decides.
READ: Final = 3.65
# Unrelated sentences: the cosine that an embedder gives them is its zero.
_UNRELATED: Final = (
    "The train to the coast leaves at noon.",
    "Photosynthesis turns light into sugar.",
    "She plays the cello in an orchestra.",
    "Our invoice is due in thirty days.",
)
_GERMAN: Final = "Die Lieferung erfolgt innerhalb von drei Wochen nach Eingang der schriftlichen Bestellung."


# Below this many letters per token the embedder only spells out a text in another script: Russian has 1.0.
SPELT: Final = 1.8


def readable_similarity(embedder: Embedder) -> Similarity:
    """The cosines of an embedder, NaN where it does not read one of the two texts: they would say nothing."""

    def is_read(text: str) -> bool:
        letters = [letter for letter in text if letter.isalpha()]
        n_latin = sum(letter < "\u0250" for letter in letters)
        return 2 * n_latin >= len(letters) or embedder.letters_per_token(text) >= SPELT

    def similarity(one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        ones, others = ([text for text in dict.fromkeys(texts) if is_read(text)] for texts in (one, other))
        rows = embedder.similarity(ones, others) if ones and others else []
        cosines = {
            (a, b): each for a, row in zip(ones, rows, strict=False) for b, each in zip(others, row, strict=True)
        }
        return [[cosines.get((a, b), nan) for b in other] for a in one]

    return similarity


class EmbeddedMeaning:
    """Compares meanings with an embedder (gpts.knowledge.judging.Meaning)."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        # The same passages are compared with every sentence of an answer.
        self._letters_per_token = lru_cache(embedder.letters_per_token)
        self._language = lru_cache(language_of_text)

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        """How similar each text of `one` is to each of `other`: at most 1, about 0 for unrelated texts."""
        zero = self._zero
        return [[(each - zero) / (1 - zero) for each in row] for row in self._embedder.similarity(one, other)]

    def comparison(self, text: str, passage: str) -> Comparison:
        """How an answer's text and a passage can be compared."""
        reads_text, reads_passage = (self._letters_per_token(each) >= READ for each in (text, passage))
        # The bundled embedder reads English only, and loading the language identifier takes time.
        if reads_text and reads_passage and not self._reads_more:
            return "meaning"
        languages = {self._language(text), self._language(passage)} - {""}
        if len(languages) < 2:
            return "meaning" if reads_text or reads_passage else "words"
        return "translation" if reads_text and reads_passage else "nothing"

    @cached_property
    def _reads_more(self) -> bool:
        """Whether the embedder also reads German."""
        return self._embedder.letters_per_token(_GERMAN) >= READ

    @cached_property
    def _zero(self) -> float:
        """The cosine that this embedder gives to unrelated texts."""
        rows = self._embedder.similarity(_UNRELATED, _UNRELATED)
        pairs = [each for at, row in enumerate(rows) for to, each in enumerate(row) if at != to]
        return min(0.9, max(0.0, sum(pairs) / len(pairs)))
