"""From an uploaded file to a segment: parse, screen, settle, chunk, embed, write. Knows nothing of tables and tasks.

A parsed document is kept under `<home>/parsed/` until its segment is written, so that neither the owner's decision on
a finding nor a killed worker makes anyone recognise the text of two hundred scanned pages again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, Protocol

import numpy as np
from pydantic import ValidationError

from gpts.knowledge.chunking import chunk
from gpts.knowledge.documents import Chunk, Document
from gpts.knowledge.terms import terms
from gpts.safety.findings import Decisions, settled, undecided
from workers.knowledge import segments
from workers.knowledge.content import Content, SegmentInfo
from workers.knowledge.embed import Vectors
from workers.knowledge.errors import NoText, Quarantined
from workers.knowledge.lexical import Postings
from workers.knowledge.parsers import PARSER_VERSION
from workers.knowledge.parsing import parse_apart
from workers.knowledge.publishing import publish_file, sha256
from workers.knowledge.segments import Recipe

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
    """How far a file is: `n_done` of `n_chunks` are embedded; both are 0 while it is parsed.

    `n_read` of `n_pages` pages are read, both 0 where the parser cannot tell.
    """

    state: Literal["parsing", "embedding"]
    n_done: int = 0
    n_chunks: int = 0
    n_read: int = 0
    n_pages: int = 0


# Told of each step, several times a second while parsing. It may raise, which cancels the work without a trace.
Report = Callable[[Progress], None]


def recipe_for(source_sha256: str, embedder: ChunkEmbedder, decisions: Decisions = MappingProxyType({})) -> Recipe:
    """What a file of this hash becomes with this embedder; its `address()` tells whether that exists already."""
    dropped = tuple(sorted(each for each, choice in decisions.items() if choice == "drop"))
    return Recipe(source_sha256=source_sha256, embedder=embedder.id, dim=embedder.dim, dropped=dropped)


def build_segment(
    home: Path,
    source: Path,
    embedder: ChunkEmbedder,
    report: Report = lambda progress: None,
    decisions: Decisions = MappingProxyType({}),
) -> SegmentInfo:
    """The segment of the file `source` after the owner's `decisions`, built unless it exists.

    Raises Quarantined while a finding waits for a decision, another KnowledgeError, or what `report` raises.
    """
    source_hash = sha256(source)
    recipe = recipe_for(source_hash, embedder, decisions)
    known = segments.reusable(home, recipe.address())
    # What another owner accepted is not accepted by this one.
    if known is not None and not undecided(known.findings, decisions):
        return known
    document = read_file(home, source, report)
    if undecided(document.findings, decisions):
        raise Quarantined(document)
    info = segments.write(home, recipe, content_of([settled(document, decisions)], embedder, report))
    _parsed(home, source_hash).unlink(missing_ok=True)
    return info


def read_file(home: Path, source: Path, report: Report = lambda progress: None) -> Document:
    """The document in the file `source`, parsed apart and screened, or as it was kept when it was parsed before.

    Raises a KnowledgeError or what `report` raises.
    """
    kept = _parsed(home, sha256(source))
    report(Progress("parsing"))
    if (document := _kept(kept)) is None:
        parsed = parse_apart(source, lambda n_read, n_pages: report(Progress("parsing", 0, 0, n_read, n_pages)))
        document = parsed.document
        _keep(kept, document)
    return document


def _parsed(home: Path, source_hash: str) -> Path:
    return home / "parsed" / f"{source_hash}-{PARSER_VERSION}.json"


def _kept(path: Path) -> Document | None:
    """The document kept at `path`, None if there is none or it is damaged."""
    try:
        return Document.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _keep(path: Path, document: Document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    publish_file(path, document.model_dump_json().encode())


def content_of(
    documents: Sequence[Document], embedder: ChunkEmbedder, report: Report = lambda progress: None
) -> Content:
    """What a segment of these documents holds, one after the other in one text. A file gives one document.

    No chunk holds text of two documents, and each has its own beginning before its chunks. Raises NoText.
    """
    chunks: list[Chunk] = []
    words: list[list[str]] = []
    offset = 0
    for document in documents:
        text = document.text()
        for each in chunk(document, embedder.count_tokens):
            chunks.append(each.model_copy(update={"start": offset + each.start, "end": offset + each.end}))
            words.append(terms(f"{text[:LEXICAL_PREFIX_CHARS]} {each.heading} {each.text}"))
        offset += len(text) + 2 if document.blocks else 0
    if not chunks:
        raise NoText
    blocks = tuple(block for document in documents for block in document.blocks)
    return Content(
        document=documents[0].model_copy(update={"blocks": blocks}),
        chunks=tuple(chunks),
        n_tokens=sum(embedder.count_tokens([block.text for block in blocks])),
        vectors=_vectors(chunks, embedder, report),
        postings=Postings.of(words),
    )


def _vectors(chunks: Sequence[Chunk], embedder: ChunkEmbedder, report: Report) -> Vectors:
    texts = [_dense_text(each) for each in chunks]
    # Texts of one length need no padding: 0.84 of the bare embedder's speed instead of 0.75 (measured 2026-11).
    order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
    vectors = np.empty((len(texts), embedder.dim), np.float32)
    for start in range(0, len(order), REPORT_EVERY):
        report(Progress("embedding", start, len(order)))
        batch = order[start : start + REPORT_EVERY]
        vectors[batch] = embedder.encode([texts[number] for number in batch])
    report(Progress("embedding", len(order), len(order)))
    return vectors


def _dense_text(each: Chunk) -> str:
    """What is embedded: the chunk under the headings that it does not show itself."""
    above = each.heading.split(" > ")
    missing = " > ".join(part for part in above if part and not each.text.startswith(part))
    return f"{missing}\n{each.text}" if missing else each.text
