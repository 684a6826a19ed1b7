"""Letting only supported sentences of an answer through, by code, while the answer is being generated.

A GPT that answers only from its knowledge promises just that, whatever model it runs on. A small model given the
right passage still turns "every 450 hours" into "every 150 hours"; so each sentence is held back until it is whole,
and shown only if what it says beyond the question stands in a passage.
"""

from collections.abc import Sequence
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.sentences import sentence_spans
from gpts.knowledge.support import Source, agrees, share, source_rarity, sources_of, supports
from gpts.knowledge.terms import terms

# Share of a sentence's terms beyond the question's, weighed by rarity, that one or two neighbouring sentences of a
# passage must hold. At 0.7 the bundled model's 40 starter answers of 2026-11-24 kept no false sentence.
MIN_SHARE: Final = 0.7
# Refused sentences after which generating on is not worth the wait.
PATIENCE: Final = 2


class Gate:
    """Holds an answer back sentence by sentence. `is_shut` says that the rest is not worth generating."""

    def __init__(self, question: str, passages: Sequence[Passage]) -> None:
        self._asked = frozenset(terms(question))
        self._sources: list[Source] = sources_of(passages)
        self._rarity = source_rarity(self._sources)
        self._pending = ""
        self._shown: list[str] = []
        self._refused = 0
        self.is_shut = False

    def feed(self, text: str) -> str:
        """The part of the answer that may be shown now that `text` was generated."""
        self._pending += text
        spans = sentence_spans(self._pending)
        if len(spans) < 2:
            return ""
        whole, self._pending = self._pending[: spans[-1].start], self._pending[spans[-1].start :]
        return self._release(whole)

    def finish(self) -> str:
        """The part of what is still held back that may be shown, now that nothing more comes."""
        whole, self._pending = self._pending, ""
        return self._release(whole)

    def _release(self, text: str) -> str:
        released, end = "", 0
        for span in sentence_spans(text):
            sentence = text[span.start : span.end]
            if self.is_shut:
                break
            if self._passes(sentence):
                released += text[end : span.start] if self._shown else ""
                released += sentence
                self._shown.append(sentence)
            end = span.end
        # The break after the last sentence belongs to the one that follows, if that is shown.
        self._pending = text[end:] + self._pending
        return released

    def _passes(self, sentence: str) -> bool:
        if sentence in self._shown:  # a small model that repeats itself has nothing left to say
            self.is_shut = True
            return False
        if self._is_supported(sentence):
            return True
        self._refused += 1
        self.is_shut = bool(self._shown) or self._refused >= PATIENCE
        return False

    def _is_supported(self, sentence: str) -> bool:
        new = frozenset(terms(sentence)) - self._asked
        return bool(new) and any(
            agrees(sentence, source)
            and supports(sentence, source, self._rarity)
            and share(new, source.terms, self._rarity) >= MIN_SHARE
            for source in self._sources
        )
