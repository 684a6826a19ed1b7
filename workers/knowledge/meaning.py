"""How an embedder compares answers and passages, and where it cannot read one of them."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Final, Protocol

from gpts.knowledge.judging import Comparison
from workers.knowledge.languages import language_of_text

# From so many letters per piece on the embedder reads a text for certain: the bundled one takes each of 20 English
# paragraphs of XQuAD in pieces of 3.8 or more, each of the German ones in 3.6 or fewer (2026-11). An answer may be
# too short to tell; then its language does.
READ: Final = 3.65
# Four unrelated topics: the similarity that an embedder gives them is its zero.
_UNRELATED: Final = (
    "The train to the coast leaves at noon.",
    "Photosynthesis turns light into sugar.",
    "She plays the cello in an orchestra.",
    "Our invoice is due in thirty days.",
)
_GERMAN: Final = "Die Lieferung erfolgt innerhalb von drei Wochen nach Eingang der schriftlichen Bestellung."


class Embeds(Protocol):
    """The methods that comparing meanings needs of an embedder."""

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        """The cosine of each text of `one` with each of `other`."""

    def letters_per_token(self, text: str) -> float:
        """How long the pieces of `text` are on average in which the model reads it."""


class EmbeddedMeaning:
    """Compares meanings with any embedder: gpts.knowledge.judging.Meaning."""

    def __init__(self, embedder: Embeds) -> None:
        self._embedder = embedder
        # Passages are the same for every sentence of an answer.
        self._letters_per_token = lru_cache(embedder.letters_per_token)
        self._language = lru_cache(language_of_text)

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        """How near each text of `one` is to each of `other`, at most 1, about 0 for texts on unrelated matters."""
        zero = self._zero
        return [[(each - zero) / (1 - zero) for each in row] for row in self._embedder.similarity(one, other)]

    def comparison(self, text: str, passage: str) -> Comparison:
        """What can be compared of an answer's text and a passage."""
        reads_text, reads_passage = (self._letters_per_token(each) >= READ for each in (text, passage))
        # What the bundled embedder reads is English: telling languages apart takes time at first use.
        if reads_text and reads_passage and not self._reads_more:
            return "meaning"
        languages = {self._language(text), self._language(passage)} - {""}
        if len(languages) < 2:
            return "meaning" if reads_text or reads_passage else "words"
        return "translation" if reads_text and reads_passage else "nothing"

    @cached_property
    def _reads_more(self) -> bool:
        """Whether the embedder reads languages other than English."""
        return self._embedder.letters_per_token(_GERMAN) >= READ

    @cached_property
    def _zero(self) -> float:
        """The cosine that this embedder gives to unrelated texts."""
        rows = self._embedder.similarity(_UNRELATED, _UNRELATED)
        apart = [each for at, row in enumerate(rows) for to, each in enumerate(row) if at != to]
        return min(0.9, max(0.0, sum(apart) / len(apart)))
