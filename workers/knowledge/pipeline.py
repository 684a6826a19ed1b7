"""From an uploaded file to a segment: parse, chunk, embed, write. Knows nothing of tables and tasks."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np

from gpts.knowledge.chunking import chunk
from gpts.knowledge.documents import Chunk, Document
from gpts.knowledge.terms import terms
from workers.knowledge import segments
from workers.knowledge.embed import Vectors
from workers.knowledge.errors import NoText
from workers.knowledge.lexical import Postings
from workers.knowledge.parsing import parse_apart
from workers.knowledge.segments import Content, Recipe, SegmentInfo

# Chunks between two reports of progress: about a second of work on two cores.
REPORT_EVERY: Final = 64
# The file's beginning names its subject, which its chunks often do not: +3 nDCG@10 for BM25, while it costs the
# dense half 0.6 (measured 2026-11).
LEXICAL_PREFIX_CHARS: Final = 300


class ChunkEmbedder(Protocol):
    """What indexing needs of an embedder."""

    id: str
    dim: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, `(n_texts, dim)` float32, L2-normalised."""

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each text has."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is: `n_done` of `n_chunks` are embedded; both are 0 while it is parsed."""

    state: Literal["parsing", "embedding"]
    n_done: int = 0
    n_chunks: int = 0


# Told of each step, several times a second while parsing. It may raise, which cancels the work without a trace.
Report = Callable[[Progress], None]


def recipe_for(source_sha256: str, embedder: ChunkEmbedder) -> Recipe:
    """What a file of this hash becomes with this embedder; its `address()` tells whether that exists already."""
    return Recipe(source_sha256=source_sha256, embedder=embedder.id, dim=embedder.dim)


def build_segment(
    home: Path, source: Path, embedder: ChunkEmbedder, report: Report = lambda progress: None
) -> SegmentInfo:
    """The segment of the file `source`, built unless it exists. Raises a KnowledgeError or what `report` raises."""
    with source.open("rb") as file:
        recipe = recipe_for(hashlib.file_digest(file, "sha256").hexdigest(), embedder)
    known = segments.reusable(home, recipe.address())
    if known is not None:
        return known
    report(Progress("parsing"))
    document = parse_apart(source, keep_going=lambda: report(Progress("parsing")))
    return segments.write(home, recipe, _content(document, embedder, report))


def _content(document: Document, embedder: ChunkEmbedder, report: Report) -> Content:
    chunks = chunk(document, embedder.count_tokens)
    if not chunks:
        raise NoText
    prefix = document.text()[:LEXICAL_PREFIX_CHARS]
    return Content(
        document=document,
        chunks=chunks,
        n_tokens=sum(embedder.count_tokens([block.text for block in document.blocks])),
        vectors=_vectors(chunks, embedder, report),
        postings=Postings.of([terms(f"{prefix} {each.heading} {each.text}") for each in chunks]),
    )


def _vectors(chunks: Sequence[Chunk], embedder: ChunkEmbedder, report: Report) -> Vectors:
    batches = []
    for start in range(0, len(chunks), REPORT_EVERY):
        report(Progress("embedding", start, len(chunks)))
        batches.append(embedder.encode([_dense_text(each) for each in chunks[start : start + REPORT_EVERY]]))
    report(Progress("embedding", len(chunks), len(chunks)))
    return np.concatenate(batches)


def _dense_text(each: Chunk) -> str:
    """What is embedded: the chunk under the headings that it does not show itself."""
    above = each.heading.split(" > ")
    missing = " > ".join(part for part in above if part and not each.text.startswith(part))
    return f"{missing}\n{each.text}" if missing else each.text
