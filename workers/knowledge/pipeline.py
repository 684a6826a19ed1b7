"""From an uploaded file to a segment: parse, screen, apply decisions, chunk, embed, write.

A parsed document is kept under `<home>/parsed/` until its segment is written, so that OCR of two hundred pages is not
repeated after the owner's decision on a finding or a killed worker.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from pydantic import ValidationError

from gpts.knowledge.chunking import chunk, embedded_text
from gpts.knowledge.corrections import Corrections, corrected, digest
from gpts.knowledge.documents import Chunk, Document
from gpts.knowledge.terms import terms
from gpts.safety.findings import Decisions, settled, undecided
from workers.isolation.errors import NoText
from workers.knowledge import segments
from workers.knowledge.content import Content, SegmentInfo
from workers.knowledge.embed import Embedder, Vectors
from workers.knowledge.errors import Quarantined
from workers.knowledge.lexical import Postings
from workers.knowledge.parsers import PARSER_VERSION
from workers.knowledge.parsing import parse_file
from workers.knowledge.publishing import publish_file, remove_old, sha256
from workers.knowledge.segments import Recipe

# Chunks between two reports of progress: about a second of work on two cores.
REPORT_EVERY: Final = 64
# Each chunk's terms include the file's beginning, which names its subject: +3 nDCG@10 for BM25; in embeddings it
# would cost 0.6 (measured 2026-11).
LEXICAL_PREFIX_CHARS: Final = 300
# Longer than any segment takes to be written.
LEFTOVER_S: Final = 3_600
# How long an owner may take to decide before the file has to be parsed again.
PARSED_S: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class IndexingProgress:
    """`n_done` of `n_chunks` embedded, both 0 during parsing; `n_read` of `n_pages` read, both 0 if unknown."""

    state: Literal["parsing", "embedding"]
    n_done: int = 0
    n_chunks: int = 0
    n_read: int = 0
    n_pages: int = 0


# Called at each step, several times a second during parsing. What it raises cancels the work.
Report = Callable[[IndexingProgress], None]


def recipe_for(
    source_sha256: str,
    embedder: Embedder,
    decisions: Decisions = MappingProxyType({}),
    owner: str = "",
    corrections: Corrections = MappingProxyType({}),
) -> Recipe:
    """The recipe of the segment of the owner's file with this hash."""
    made = tuple(sorted(decisions.items()))
    return Recipe(
        source_sha256=source_sha256,
        embedder=embedder.id,
        dim=embedder.dim,
        decisions=made,
        corrections=digest(corrections),
        owner=owner,
    )


def build_segment(
    home: Path,
    source: Path,
    embedder: Embedder,
    report: Report = lambda progress: None,
    decisions: Decisions = MappingProxyType({}),
    owner: str = "",
    corrections: Corrections = MappingProxyType({}),
) -> SegmentInfo:
    """The segment of the owner's file `source` after their `decisions` and `corrections`, built unless it exists.

    What waits for a decision is left out meanwhile. Raises Quarantined if that leaves nothing, another
    FileError, or what `report` raises.
    """
    source_hash = sha256(source)
    recipe = recipe_for(source_hash, embedder, decisions, owner, corrections)
    for address in (segments.twin_of(recipe.address()), recipe.address()):
        if known := segments.reusable(home, address):
            os.utime(segments.folder(home, address))  # so that no sweep takes it before it is referred to
            return known
    document = read_file(home, source, report, owner)
    left = corrected(settled(document, decisions), corrections)
    waits = undecided(document.findings, decisions)
    if waits and not left.blocks:
        raise Quarantined(document)
    info = segments.write(home, recipe, content_of([left], embedder, report))
    if not waits:
        _parsed(home, source_hash, owner).unlink(missing_ok=True)
    return info


def read_file(home: Path, source: Path, report: Report = lambda progress: None, owner: str = "") -> Document:
    """The screened document in the owner's file `source`, parsed now or kept from an earlier parse.

    Raises a FileError or what `report` raises.
    """
    kept = _parsed(home, sha256(source), owner)
    report(IndexingProgress("parsing"))
    try:
        return Document.model_validate_json(kept.read_bytes())
    except (FileNotFoundError, ValidationError):
        document = parse_file(source, lambda *pages: report(IndexingProgress("parsing", 0, 0, *pages))).document
    kept.parent.mkdir(parents=True, exist_ok=True)
    publish_file(kept, document.model_dump_json().encode())
    return document


def remove_leftovers(home: Path) -> int:
    """Delete what killed workers left, after an hour, and old parsed files; the number of both."""
    folders = (home / "segments", home / "parsed")
    leftovers = [path for folder in folders for pattern in (".new-*", ".old-*") for path in folder.glob(pattern)]
    return remove_old(leftovers, LEFTOVER_S) + remove_old((home / "parsed").glob("*.json"), PARSED_S)


def _parsed(home: Path, source_hash: str, owner: str) -> Path:
    return home / "parsed" / f"{source_hash}-{owner}-{PARSER_VERSION}.json"


def content_of(documents: Sequence[Document], embedder: Embedder, report: Report = lambda progress: None) -> Content:
    """The content of a segment of these documents, concatenated; a file gives one document. Raises NoText.

    No chunk holds text of two documents.
    """
    chunks: list[Chunk] = []
    words: list[list[str]] = []
    asked: list[str] = []
    offset = 0
    for document in documents:
        text = document.text()
        questions = [(at, at + len(b.text), b.also_asked) for at, b in document.placed() if b.also_asked]
        for each in chunk(document, embedder.count_tokens):
            chunks.append(each.model_copy(update={"start": offset + each.start, "end": offset + each.end}))
            asked.append("\n".join(q for a, b, own in questions if a < each.end and each.start < b for q in own))
            words.append(terms(f"{text[:LEXICAL_PREFIX_CHARS]} {each.heading} {each.text} {asked[-1]}"))
        offset += len(text) + 2 if document.blocks else 0
    if not chunks:
        raise NoText
    blocks = tuple(block for document in documents for block in document.blocks)
    return Content(
        document=documents[0].model_copy(update={"blocks": blocks}),
        chunks=tuple(chunks),
        n_tokens=sum(embedder.count_tokens([block.text for block in blocks])),
        vectors=_vectors(chunks, asked, embedder, report),
        postings=Postings.of(words),
    )


def _vectors(chunks: Sequence[Chunk], asked: Sequence[str], embedder: Embedder, report: Report) -> Vectors:
    texts = ["\n".join(filter(None, (more, embedded_text(each)))) for each, more in zip(chunks, asked, strict=True)]
    # Texts of similar length need little padding: 0.84 of the bare embedder's speed, not 0.75 (measured 2026-11).
    order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))
    vectors = np.empty((len(texts), embedder.dim), np.float32)
    for start in range(0, len(order), REPORT_EVERY):
        report(IndexingProgress("embedding", start, len(order)))
        batch = order[start : start + REPORT_EVERY]
        vectors[batch] = embedder.encode([texts[number] for number in batch])
    report(IndexingProgress("embedding", len(order), len(order)))
    return vectors
