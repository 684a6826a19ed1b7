"""Segments: the immutable, content-addressed index of a file.

A segment is a folder `<home>/segments/<address>/`, which exists completely or not at all; two workers that build the
same one end with one. Opening one needs its address only, so the number of segments does not matter.

A corrupted byte must be noticed soon, and opening must not take seconds. So a small segment is read and checked when
it is opened; a large one is mapped: its manifest and sizes are checked at once, and its bytes by a background thread
(segment_cache.py).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np

from gpts.knowledge import chunking
from gpts.knowledge.documents import Finding, Notice
from gpts.knowledge.terms import TERMS_VERSION
from workers.knowledge import array_files, publishing
from workers.knowledge.content import Content, Segment, SegmentInfo, columns_of, vectors_of
from workers.knowledge.errors import SegmentCorrupt, SegmentMissing
from workers.knowledge.lexical import Postings
from workers.knowledge.parsers import PARSER_VERSION

FORMAT: Final = 5
# Read and checked whole when opened: 5 ms of SHA-256 (1.7 GB/s, measured 2026-11), about 3,000 chunks.
SMALL_BYTES: Final = 8_000_000
_COLUMNS: Final = "columns.bin"
_VECTORS: Final = "vectors.faiss"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that determines a segment's content; its address is a hash of this, known before parsing."""

    source_sha256: str
    embedder: str
    dim: int
    chunk_tokens: int = chunking.CHUNK_TOKENS
    overlap_tokens: int = chunking.OVERLAP_TOKENS
    chunking_version: int = chunking.CHUNKING_VERSION
    embedded_version: int = chunking.EMBEDDED_VERSION
    parser_version: int = PARSER_VERSION
    terms_version: int = TERMS_VERSION
    format: int = FORMAT
    # The owner's decisions, as pairs of a finding's id and the choice, sorted.
    decisions: tuple[tuple[str, str], ...] = ()
    # What the owner corrected, by `gpts.knowledge.corrections.digest`.
    corrections: str = ""
    # Whether lines of context, which a model wrote, are among what its chunks are found by.
    contexts: bool = False
    # Whose file it is. What one person's file left is not used for another's, which would be ready at once: so nobody
    # learns from an upload that somebody else has the file.
    owner: str = ""

    def address(self) -> str:
        """The segment's name, 32 hexadecimal digits."""
        facts = {name: value for name, value in asdict(self).items() if name != "contexts"}
        address = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        return twin_of(address) if self.contexts else address


def twin_of(address: str) -> str:
    """The name of the segment of the same file with lines of context."""
    return hashlib.sha256(f"{address} with contexts".encode()).hexdigest()[:32]


def recipe_of(home: Path, address: str) -> Recipe:
    """What the segment was made of. Raises SegmentMissing or SegmentCorrupt."""
    return Recipe(**_manifest(folder(home, address))["recipe"])


def folder(home: Path, address: str) -> Path:
    """The segment's folder, which need not exist. Raises SegmentMissing for a malformed address."""
    if not address or not all(character in "0123456789abcdef" for character in address):
        raise SegmentMissing
    return home / "segments" / address


def info(home: Path, address: str) -> SegmentInfo | None:
    """The segment's metadata, None if it does not exist. Raises SegmentCorrupt."""
    try:
        return _info(address, _manifest(folder(home, address)))
    except SegmentMissing:
        return None


def reusable(home: Path, address: str) -> SegmentInfo | None:
    """The segment's metadata if it exists undamaged, else None; a damaged one is removed."""
    try:
        check(home, address)
    except SegmentMissing:
        return None
    except SegmentCorrupt:
        publishing.discard(folder(home, address))
        return None
    return info(home, address)


def check(home: Path, address: str) -> None:
    """Check all bytes of the segment. Raises SegmentMissing or SegmentCorrupt."""
    place = folder(home, address)
    try:
        whole = publishing.is_whole(place, _manifest(place))
    except OSError as error:
        raise SegmentCorrupt from error
    if not whole:
        raise SegmentCorrupt


def write(home: Path, recipe: Recipe, content: Content) -> SegmentInfo:
    """Write the segment, unless it exists; its metadata."""
    document = content.document
    address = recipe.address()
    with publishing.published(folder(home, address)) as aside:
        facts = {
            "recipe": asdict(recipe),
            "title": document.title,
            "n_chunks": len(content.chunks),
            "n_pages": max((block.page for block in document.blocks if block.page is not None), default=0),
            "n_tokens": content.n_tokens,
            **document.model_dump(mode="json", include={"unit", "language", "notices", "findings"}),
            "pinned": [(at, at + len(block.text)) for at, block in document.placed() if block.pinned],
            "columns": array_files.write(aside / _COLUMNS, columns_of(content)),
        }
        faiss.write_index(vectors_of(content.vectors), str(aside / _VECTORS))
        publishing.write_manifest(aside, facts)
    return _info(address, facts)


def load(home: Path, address: str) -> Segment:
    """The segment, open, or its twin, which has the same text; a small one is checked.

    Raises SegmentMissing or SegmentCorrupt.
    """
    place = folder(home, address)
    if not place.is_dir() and folder(home, twin_of(address)).is_dir():
        return load(home, twin_of(address))
    manifest = _manifest(place)
    try:
        sizes = [facts["size"] for facts in manifest["files"].values()]
        is_small = sum(sizes) <= SMALL_BYTES
        arrays, vectors = _read(place, manifest) if is_small else _map(place, manifest)
        return Segment(
            info=_info(address, manifest),
            embedder=manifest["recipe"]["embedder"],
            columns=arrays,
            vectors=vectors,
            postings=Postings.from_columns(arrays),
            n_bytes=sum(sizes) if is_small else 0,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise SegmentCorrupt from error


def _read(place: Path, manifest: Mapping[str, Any]) -> tuple[Mapping[str, array_files.Array], faiss.Index]:
    files = {name: (place / name).read_bytes() for name in (_COLUMNS, _VECTORS)}
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != manifest["files"][name]["sha256"]:
            raise SegmentCorrupt
    arrays = array_files.read(files[_COLUMNS], manifest["columns"])
    return arrays, faiss.deserialize_index(np.frombuffer(files[_VECTORS], np.uint8))


def _map(place: Path, manifest: Mapping[str, Any]) -> tuple[Mapping[str, array_files.Array], faiss.Index]:
    if not publishing.sizes_match(place, manifest):
        raise SegmentCorrupt
    arrays = array_files.map_file(place / _COLUMNS, manifest["columns"])
    return arrays, faiss.read_index(str(place / _VECTORS), faiss.IO_FLAG_MMAP_IFC)


def _info(address: str, manifest: Mapping[str, Any]) -> SegmentInfo:
    return SegmentInfo(
        address,
        **{name: manifest[name] for name in ("title", "n_chunks", "n_pages", "n_tokens", "unit", "language")},
        notices=tuple(Notice.model_validate(each) for each in manifest["notices"]),
        findings=tuple(Finding.model_validate(each) for each in manifest["findings"]),
        # Not told by segments from before passages could be pinned.
        pinned=tuple((start, end) for start, end in manifest.get("pinned", ())),
    )


def _manifest(place: Path) -> dict[str, Any]:
    try:
        return publishing.read_manifest(place)
    except FileNotFoundError as error:
        raise SegmentMissing from error
    except (OSError, ValueError) as error:
        raise SegmentCorrupt from error
