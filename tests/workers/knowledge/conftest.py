"""A stand-in for the embedder, so that all but the tests marked `model` run without weights."""

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from gpts.knowledge.terms import terms
from workers.knowledge.embed import Vectors


class WordEmbedder:
    """Embeds a text as the sum of one random direction per term: texts that share terms are near."""

    id = "words-1"
    dim = 64

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.array([self._vector(text) for text in texts], np.float32).reshape(-1, self.dim)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def encode_query(self, text: str) -> Vectors:
        return self.encode([text])

    def similarity(self, one: Sequence[str], other: Sequence[str]) -> list[list[float]]:
        return (self.encode(one) @ self.encode(other).T).tolist()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    words: Sequence[str] = ()

    def letters_per_token(self, text: str) -> float:
        return 5.0

    def _vector(self, text: str) -> Vectors:
        total = np.zeros(self.dim, np.float32)
        for term in terms(text):
            seed = int.from_bytes(hashlib.sha256(term.encode()).digest()[:4], "big")
            total += np.random.default_rng(seed).standard_normal(self.dim).astype(np.float32)
        return total


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()
