"""Joint indexes over many or very large files, built in the background and deleted freely.

A union is derived data: its rows refer to rows of segments. Its name is a hash of the segments' addresses, so adding
or removing a file needs another union; until that is built, the segments are searched one by one, exactly. `request`
records that a union is missing, `build` builds it (in a task), `remove_unused` deletes those not opened for a while.
"""

import hashlib
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from workers.knowledge import array_files, lexical, publishing, segments
from workers.knowledge.content import Segment, empty_vectors
from workers.knowledge.embed import Vectors, normalised
from workers.knowledge.errors import EmbedderMismatch
from workers.knowledge.lexical import Postings

logger = logging.getLogger(__name__)

FORMAT: Final = 1
# Up to these, segments are searched one by one: 32 small ones take a few milliseconds, 100,000 chunks 4 (2026-11).
MANY_SEGMENTS: Final = 32
MANY_CHUNKS: Final = 100_000
# Unions and requests that were not used for this long are deleted.
UNUSED_S: Final = 7 * 24 * 3600.0

# The share of the true ten nearest, averaged over the sampled questions: above the 0.95 that is documented.
RECALL: Final = 0.98
_SAMPLE: Final = 100
_TOP: Final = 10
# The usual cosine between a question and the passages that answer it, for the bundled embedder (measured 2026-11).
_QUESTION_COSINE: Final = 0.6
_TRAINING_PER_LIST: Final = 40
_BATCH_ROWS: Final = 8_192

_COLUMNS: Final = "columns.bin"
_VECTORS: Final = "vectors.faiss"


@dataclass(frozen=True, slots=True, eq=False)
class Union:
    """Segments searched as one, all made with `embedder`. `starts` `(n_segments + 1,)` holds the first row of each.

    `is_exact`: the cosines of `vectors` equal those of the segments. `pinned`: ranges of the text by address.
    """

    addresses: tuple[str, ...]
    embedder: str
    starts: npt.NDArray[np.int64]
    vectors: faiss.Index
    is_exact: bool
    postings: Postings
    pinned: Mapping[str, Sequence[Sequence[int]]]

    def place(self, row: int) -> tuple[str, int]:
        """The address of the row's segment, and the row's number there."""
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.addresses[number], row - int(self.starts[number])


def union_id(addresses: Sequence[str]) -> str:
    """The name of the union of these segments in any order; 32 hexadecimal digits."""
    return hashlib.sha256("\n".join([str(FORMAT), *sorted(addresses)]).encode()).hexdigest()[:32]


def folder(home: Path, name: str) -> Path:
    """The union's folder, which need not exist. Raises ValueError for a malformed name."""
    if not name or not all(character in "0123456789abcdef" for character in name):
        raise ValueError(f"{name!r} is not the name of a union")
    return home / "unions" / name


def exists(home: Path, name: str) -> bool:
    """Whether the union has been built."""
    return (folder(home, name) / publishing.MANIFEST).is_file()


def request(home: Path, addresses: Sequence[str]) -> str:
    """Record that this union is missing; its name, for `build`."""
    name = union_id(addresses)
    path = _request_file(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    publishing.publish_file(path, "\n".join(sorted(addresses)).encode())
    return name


def build(home: Path, name: str) -> bool:
    """Build the requested union; False if it exists, was not requested, or another process is building it.

    Raises FileError if a segment cannot be used, and drops the request.
    """
    request_file = _request_file(home, name)
    with publishing.locked(request_file.with_suffix(".lock")) as is_locked:
        if not is_locked or not request_file.is_file() or exists(home, name):
            return False
        try:
            _build(home, name, tuple(request_file.read_text("utf-8").split()))
        finally:
            request_file.unlink(missing_ok=True)
    return True


def _build(home: Path, name: str, addresses: tuple[str, ...]) -> None:
    parts = [segments.load(home, address) for address in addresses]
    embedders = {part.embedder for part in parts}
    if len(embedders) != 1:
        raise EmbedderMismatch
    started = time.monotonic()
    with publishing.published(folder(home, name)) as aside:
        vectors, is_exact = _vectors(parts)
        faiss.write_index(vectors, str(aside / _VECTORS))
        contents: array_files.Contents = {}

        def allocate(sizes: Mapping[str, tuple[npt.DTypeLike, int]]) -> Mapping[str, array_files.Array]:
            room, made = array_files.create(aside / _COLUMNS, sizes)
            contents.update(made)
            return room

        lexical.merge([part.postings for part in parts], allocate)
        facts = {
            "addresses": addresses,
            "sizes": [part.info.n_chunks for part in parts],
            "embedder": embedders.pop(),
            "is_exact": is_exact,
            "pinned": {each.info.address: each.info.pinned for each in parts if each.info.pinned},
            "columns": contents,
        }
        publishing.write_manifest(aside, facts)
    logger.info("joined %d segments as %s in %.1f s", len(parts), name, time.monotonic() - started)


def load(home: Path, name: str) -> Union:
    """The union, open. Raises FileNotFoundError if it was not built, ValueError or OSError if it is damaged."""
    place = folder(home, name)
    manifest = publishing.read_manifest(place)
    if not publishing.sizes_match(place, manifest):
        raise ValueError("a file of the union has another size")
    os.utime(place)
    try:
        vectors = faiss.read_index(str(place / _VECTORS), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise ValueError("the union's vectors cannot be read") from error
    return Union(
        addresses=tuple(manifest["addresses"]),
        embedder=manifest["embedder"],
        starts=np.concatenate([[0], np.cumsum(manifest["sizes"])]).astype(np.int64),
        vectors=vectors,
        is_exact=manifest["is_exact"],
        postings=Postings.from_columns(array_files.map_file(place / _COLUMNS, manifest["columns"])),
        pinned=manifest.get("pinned", {}),  # not told by unions from before passages could be pinned
    )


def remove_unused(home: Path, unused_s: float = UNUSED_S) -> int:
    """Delete unions, requests and locks not used for `unused_s`; the number of them."""
    return publishing.remove_old((home / "unions").glob("*"), unused_s)


def _request_file(home: Path, name: str) -> Path:
    return folder(home, name).with_suffix(".wanted")


def _vectors(parts: Sequence[Segment]) -> tuple[faiss.Index, bool]:
    """An index of all rows, and whether its cosines are exact."""
    faiss.omp_set_num_threads(1)
    n_rows, dim = sum(part.info.n_chunks for part in parts), parts[0].vectors.d
    if n_rows <= MANY_CHUNKS:
        exact = empty_vectors(dim)
        _add_all(exact, parts)
        return exact, True
    index = _trained(parts, n_rows, dim)
    _add_all(index, parts)
    index.nprobe = _enough_probes(index, parts)
    return index, False


def _trained(parts: Sequence[Segment], n_rows: int, dim: int) -> Any:
    """An empty index of inverted lists with 8 bits per component, half of 16; candidates are rescored."""
    n_lists = 2 * int(n_rows**0.5)
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim), dim, n_lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.niter = 6
    index.cp.min_points_per_centroid = 1
    index.train(_rows_of(parts, _drawn(n_rows, _TRAINING_PER_LIST * n_lists)))
    return index


def _add_all(index: Any, parts: Sequence[Segment]) -> None:
    for part in parts:
        for start in range(0, part.info.n_chunks, _BATCH_ROWS):
            index.add(part.vectors.reconstruct_n(start, min(_BATCH_ROWS, part.info.n_chunks - start)))


def _enough_probes(index: Any, parts: Sequence[Segment]) -> int:
    """How many lists must be searched to find RECALL of the true nearest, for sampled questions."""
    questions = _questions(parts, index.ntotal, index.d)
    true = _true_nearest(questions, parts)
    probes = 8
    while probes < index.nlist:
        index.nprobe = probes
        _, found = index.search(questions, 10 * _TOP)
        kept = sum(len(np.intersect1d(*pair)) for pair in zip(true, found, strict=True))
        if kept >= RECALL * true.size:
            break
        probes = probes * 3 // 2
    return min(probes, int(index.nlist))


def _questions(parts: Sequence[Segment], n_rows: int, dim: int) -> Vectors:
    """Vectors as close to some rows as a question is to its answer, `(_SAMPLE, dim)`, L2-normalised."""
    noise = normalised(np.random.default_rng(0).standard_normal((_SAMPLE, dim), np.float32))
    mixed = _QUESTION_COSINE * _rows_of(parts, _drawn(n_rows, _SAMPLE)) + (1 - _QUESTION_COSINE**2) ** 0.5 * noise
    return normalised(mixed)


def _true_nearest(questions: Vectors, parts: Sequence[Segment]) -> npt.NDArray[np.int64]:
    """The rows of the _TOP nearest over all parts, `(n_questions, _TOP)`."""
    heap = faiss.ResultHeap(len(questions), _TOP, keep_max=True)
    start = 0
    for part in parts:
        cosines, rows = part.vectors.search(questions, min(_TOP, part.info.n_chunks))
        heap.add_result(cosines, rows + start)
        start += part.info.n_chunks
    heap.finalize()
    return np.asarray(heap.I)


def _drawn(n_rows: int, n: int) -> npt.NDArray[np.int64]:
    return np.sort(np.random.default_rng(0).choice(n_rows, min(n, n_rows), replace=False))


def _rows_of(parts: Sequence[Segment], rows: npt.NDArray[np.int64]) -> Vectors:
    """The vectors of these rows (ascending) of all parts."""
    found = []
    start = 0
    for part in parts:
        own = rows[(rows >= start) & (rows < start + part.info.n_chunks)] - start
        if len(own):
            found.append(part.vectors.reconstruct_batch(own))
        start += part.info.n_chunks
    return np.concatenate(found)
