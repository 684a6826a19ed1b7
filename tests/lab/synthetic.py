"""Synthetic knowledge of any size with the statistics of real files.

Word frequencies follow Zipf's law with Mandelbrot's shift, without stop words (the most common word is in a fifth of
the chunks); vectors cluster around topics and sub-topics as an embedder's do.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gpts.knowledge.documents import Block, Chunk, Document
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge import lexical, segments
from workers.knowledge.content import Content
from workers.knowledge.embed import Vectors, normalised
from workers.knowledge.lexical import Postings

WORDS_PER_CHUNK: Final = 100
_N_WORDS: Final = 200_000
_SHIFT: Final = 50
_N_TOPICS: Final = 2_000
_N_SUBTOPICS: Final = 20
# Two chunks of one sub-topic have a cosine of about 0.6, of one topic 0.4, as with the bundled embedder.
_TOPIC, _SUBTOPIC, _OWN = 0.65, 0.45, 0.62
# Consonant and vowel, and _END: no such word is a stop word or has an ending that stemming removes.
_SYLLABLES: Final = [consonant + vowel for consonant in "bdfgklmnprtv" for vowel in "aiou"]
_END: Final = "k"


@dataclass(frozen=True)
class SyntheticCorpus:
    """The vocabulary and the topics, for vectors of `dim` numbers."""

    dim: int

    @cached_property
    def words(self) -> list[str]:
        """The most common first."""
        n = len(_SYLLABLES)
        return [
            "".join(_SYLLABLES[number // n**place % n] for place in (3, 2, 1, 0)) + _END
            for number in range(n**3, n**3 + _N_WORDS)
        ]

    @cached_property
    def keys(self) -> lexical.Keys:
        return np.array([lexical.key(word) for word in self.words], np.uint64)

    @cached_property
    def _upto(self) -> npt.NDArray[np.float64]:
        share = np.cumsum(1.0 / (np.arange(_N_WORDS) + _SHIFT))
        return np.asarray(share / share[-1])

    @cached_property
    def _topics(self) -> Vectors:
        return normalised(np.random.default_rng(1).standard_normal((_N_TOPICS, self.dim), np.float32))

    @cached_property
    def _subtopics(self) -> Vectors:
        return normalised(np.random.default_rng(2).standard_normal((_N_TOPICS * _N_SUBTOPICS, self.dim), np.float32))

    def draw_words(self, rng: np.random.Generator, n_chunks: int) -> npt.NDArray[np.int64]:
        """Indices of words, `(n_chunks, WORDS_PER_CHUNK)`."""
        return np.searchsorted(self._upto, rng.random((n_chunks, WORDS_PER_CHUNK)))

    def draw_vectors(self, rng: np.random.Generator, n_chunks: int) -> Vectors:
        """`(n_chunks, dim)` float32, L2-normalised; some topics are much more common than others."""
        topics = (rng.random(n_chunks) ** 2 * _N_TOPICS).astype(int)
        subtopics = topics * _N_SUBTOPICS + rng.integers(0, _N_SUBTOPICS, n_chunks)
        own = normalised(rng.standard_normal((n_chunks, self.dim), np.float32))
        return normalised(_TOPIC * self._topics[topics] + _SUBTOPIC * self._subtopics[subtopics] + _OWN * own)


def make_file(home: Path, corpus: SyntheticCorpus, number: int, n_chunks: int) -> KnowledgeRef:
    """A file's segment of `n_chunks` chunks, made unless it exists."""
    name = f"synthetic {number}.txt"
    recipe = segments.Recipe(f"{number:032x}{n_chunks:032x}", f"synthetic-{corpus.dim}", corpus.dim)
    if segments.info(home, recipe.address()) is None:
        rng = np.random.default_rng([number, n_chunks])
        drawn = corpus.draw_words(rng, n_chunks)
        vectors = corpus.draw_vectors(rng, n_chunks)
        segments.write(home, recipe, _content(name, drawn, vectors, corpus))
    return KnowledgeRef(file_id=str(number), name=name, segment=recipe.address())


def near(vector: Vectors, cosine: float, rng: np.random.Generator) -> Vectors:
    """A vector `(1, dim)` with about this cosine to `vector` `(dim,)`, L2-normalised."""
    noise = normalised(rng.standard_normal((1, len(vector)), np.float32))
    return normalised(cosine * vector[None] + (1 - cosine**2) ** 0.5 * noise)


def _content(name: str, drawn: npt.NDArray[np.int64], vectors: Vectors, corpus: SyntheticCorpus) -> Content:
    texts = [" ".join(corpus.words[word] for word in row) for row in drawn.tolist()]
    starts = accumulate((len(text) + 2 for text in texts), initial=0)
    chunks = [
        Chunk(text=text, start=start, end=start + len(text)) for text, start in zip(texts, starts, strict=False)
    ]
    document = Document(title=name, blocks=tuple(Block(text=text) for text in texts))
    return Content(document, tuple(chunks), len(drawn) * WORDS_PER_CHUNK * 2, vectors, _postings(drawn, corpus))


def _postings(drawn: npt.NDArray[np.int64], corpus: SyntheticCorpus) -> Postings:
    owners = np.repeat(np.arange(len(drawn)), WORDS_PER_CHUNK)
    entries, counts = np.unique(owners * _N_WORDS + drawn.ravel(), return_counts=True)
    return Postings.gathered(
        corpus.keys[entries % _N_WORDS],
        (entries // _N_WORDS).astype(np.int32),
        np.minimum(counts, 255).astype(np.uint8),
        np.full(len(drawn), WORDS_PER_CHUNK, np.int32),
    )
