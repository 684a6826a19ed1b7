"""Segments: what a file became, immutable and named by what it was made of.

A segment is a folder `<home>/segments/<address>/`. It is written beside its place, synced and renamed, so it is there
whole or not at all; two workers that build the same one end with one. Files are checked against their SHA-256 when
read, because a flipped byte in a vectors file would otherwise load silently (measured 2026-11).
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np

from gpts.knowledge import chunking
from gpts.knowledge.documents import Chunk, Document, Finding, Notice, Unit
from gpts.knowledge.terms import TERMS_VERSION
from workers.knowledge.embed import Vectors
from workers.knowledge.errors import SegmentCorrupt, SegmentMissing
from workers.knowledge.lexical import Postings
from workers.knowledge.parsers import PARSER_VERSION

FORMAT: Final = 2
_FILES: Final = ("document.json", "chunks.jsonl", "vectors.faiss", "lexical.npz")


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a segment's content; its address is a hash of this, known before the file is parsed."""

    source_sha256: str
    embedder: str
    dim: int
    chunk_tokens: int = chunking.CHUNK_TOKENS
    overlap_tokens: int = chunking.OVERLAP_TOKENS
    chunking_version: int = chunking.CHUNKING_VERSION
    parser_version: int = PARSER_VERSION
    terms_version: int = TERMS_VERSION
    format: int = FORMAT
    # The findings that the owner had cut out of the text, by id, sorted; what was accepted changes nothing.
    dropped: tuple[str, ...] = ()

    def address(self) -> str:
        """The segment's name, 32 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Content:
    """What a segment holds: `vectors` `(n_chunks, dim)` float32 L2-normalised, `n_tokens` of the whole document."""

    document: Document
    chunks: tuple[Chunk, ...]
    n_tokens: int
    vectors: Vectors
    postings: Postings


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment in memory. `vectors` has one row per chunk; `n_bytes` is what it takes, roughly."""

    address: str
    embedder: str
    document: Document
    text: str
    chunks: tuple[Chunk, ...]
    n_tokens: int
    vectors: faiss.Index
    postings: Postings
    n_bytes: int


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """What there is to say about a segment without loading it. `n_pages` is 0 where the format has none."""

    address: str
    title: str
    n_chunks: int
    n_pages: int
    n_tokens: int
    unit: Unit = "page"
    language: str = ""
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()


def folder(home: Path, address: str) -> Path:
    """Where the segment lies, whether it exists or not. Raises SegmentMissing on what is no address."""
    if not address or not all(character in "0123456789abcdef" for character in address):
        raise SegmentMissing
    return home / "segments" / address


def info(home: Path, address: str) -> SegmentInfo | None:
    """What the segment holds, None if it does not exist."""
    path = folder(home, address) / "manifest.json"
    if not path.is_file():
        return None
    return _info(address, _manifest(path))


def reusable(home: Path, address: str) -> SegmentInfo | None:
    """What the segment holds if it is there and whole, else None; a damaged one is removed."""
    try:
        load(home, address)
    except SegmentMissing:
        return None
    except SegmentCorrupt:
        discard(home, address)
        return None
    return info(home, address)


def discard(home: Path, address: str) -> None:
    """Remove the segment at once; who has it in memory keeps it."""
    place = folder(home, address)
    with tempfile.TemporaryDirectory(prefix=".old-", dir=place.parent) as aside:
        place.rename(Path(aside) / address)


def write(home: Path, recipe: Recipe, content: Content) -> SegmentInfo:
    """Put a segment in its place and return what it holds. An equal one that is already there stays."""
    files = {
        "document.json": content.document.model_dump_json().encode(),
        "chunks.jsonl": _chunk_lines(content.chunks),
        "vectors.faiss": _faiss_bytes(content.vectors),
        "lexical.npz": content.postings.to_bytes(),
    }
    pages = [block.page for block in content.document.blocks if block.page is not None]
    manifest: dict[str, Any] = {
        "recipe": asdict(recipe),
        "title": content.document.title,
        "n_chunks": len(content.chunks),
        "n_pages": max(pages, default=0),
        "n_tokens": content.n_tokens,
        **content.document.model_dump(mode="json", include={"unit", "language", "notices", "findings"}),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    address = recipe.address()
    _publish(folder(home, address), files | {"manifest.json": json.dumps(manifest, indent=1).encode()})
    return _info(address, manifest)


def load(home: Path, address: str) -> Segment:
    """The segment, checked. Raises SegmentMissing or SegmentCorrupt."""
    place = folder(home, address)
    manifest = _manifest(place / "manifest.json")
    try:
        files = {name: (place / name).read_bytes() for name in _FILES}
        for name, data in files.items():
            if hashlib.sha256(data).hexdigest() != manifest["sha256"][name]:
                raise SegmentCorrupt
        document = Document.model_validate_json(files["document.json"])
        text = document.text()
        return Segment(
            address=address,
            embedder=manifest["recipe"]["embedder"],
            document=document,
            text=text,
            chunks=tuple(_chunks(files["chunks.jsonl"], text)),
            n_tokens=manifest["n_tokens"],
            vectors=faiss.deserialize_index(np.frombuffer(files["vectors.faiss"], np.uint8)),
            postings=Postings.from_bytes(files["lexical.npz"]),
            n_bytes=sum(map(len, files.values())),
        )
    except FileNotFoundError as error:
        raise SegmentMissing from error
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise SegmentCorrupt from error


def _info(address: str, manifest: Mapping[str, Any]) -> SegmentInfo:
    return SegmentInfo(
        address,
        **{name: manifest[name] for name in ("title", "n_chunks", "n_pages", "n_tokens", "unit", "language")},
        notices=tuple(Notice.model_validate(each) for each in manifest["notices"]),
        findings=tuple(Finding.model_validate(each) for each in manifest["findings"]),
    )


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise SegmentMissing from error
    except (OSError, ValueError) as error:
        raise SegmentCorrupt from error
    return manifest


def _chunk_lines(chunks: tuple[Chunk, ...]) -> bytes:
    """A line of JSON per chunk, without its text, which the document holds."""
    return b"".join(chunk.model_dump_json(exclude={"text"}).encode() + b"\n" for chunk in chunks)


def _chunks(lines: bytes, text: str) -> Iterator[Chunk]:
    for line in lines.splitlines():
        fields = json.loads(line)
        yield Chunk(text=text[fields["start"] : fields["end"]], **fields)


def _faiss_bytes(vectors: Vectors) -> bytes:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    data: bytes = faiss.serialize_index(index).tobytes()
    return data


def _publish(place: Path, files: dict[str, bytes]) -> None:
    """Write `files` into a folder beside `place`, sync them, and rename the folder to `place`."""
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        for name, data in files.items():
            _write_synced(aside / name, data)
        _sync_folder(aside)
        try:
            aside.rename(place)
        except OSError:
            # Another worker was first; content addresses make its segment as good as this one.
            if not (place / "manifest.json").is_file():
                raise
        _sync_folder(place.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
