"""Segments made of words and vectors directly, where a test needs many of them."""

from pathlib import Path

import numpy as np

from gpts.knowledge.documents import Block, Chunk, Document
from workers.knowledge import segments
from workers.knowledge.content import Content, SegmentInfo
from workers.knowledge.lexical import Postings


def clustered(n: int, dim: int, seed: int, n_topics: int = 50) -> np.ndarray:
    """Vectors around topics that are the same for every seed, `(n, dim)` float32, L2-normalised."""
    topics = np.random.default_rng(0).standard_normal((n_topics, dim)).astype(np.float32)
    rng = np.random.default_rng(seed)
    vectors = topics[rng.integers(0, n_topics, n)] + rng.standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def made_segment(home: Path, seed: int, n_chunks: int, dim: int = 16, embedder: str = "words-1") -> SegmentInfo:
    """A segment of chunks of three words of a hundred."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(f"word{number}" for number in row) for row in rng.integers(0, 100, (n_chunks, 3))]
    chunks, start = [], 0
    for text in texts:
        chunks.append(Chunk(text=text, start=start, end=start + len(text)))
        start += len(text) + 2
    document = Document(title=f"made {seed}", blocks=tuple(Block(text=text) for text in texts))
    recipe = segments.Recipe(f"{seed:064}", embedder, dim)
    postings = Postings.of([text.split() for text in texts])
    return segments.write(
        home, recipe, Content(document, tuple(chunks), 3 * n_chunks, clustered(n_chunks, dim, seed), postings)
    )
