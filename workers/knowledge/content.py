"""The content of a segment, in columns, so that a part is read without the rest.

Public offsets count characters of the document's text. The text is stored as UTF-8, and each chunk stores both the
character and the byte at which it begins, so that a passage is decoded from the nearest chunk on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Final

import faiss
import numpy as np
import numpy.typing as npt

from gpts.knowledge.documents import Block, Chunk, Document, Finding, Notice, Unit
from gpts.knowledge.marks import Mark, marks_within
from gpts.knowledge.sections import Borders
from workers.knowledge.embed import Vectors
from workers.knowledge.lexical import Postings
from workers.knowledge.spelling import vocabulary

Array = npt.NDArray[Any]
_NO_PAGE: Final = -1


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a segment: `vectors` `(n_chunks, dim)` float32, L2-normalised; `n_tokens` of the whole text."""

    document: Document
    chunks: tuple[Chunk, ...]
    n_tokens: int
    vectors: Vectors
    postings: Postings


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A segment's metadata, available without loading it. `n_pages` is 0 where the format has none.

    `pinned` are the ranges of its text that are given with every question.
    """

    address: str
    title: str
    n_chunks: int
    n_pages: int
    n_tokens: int
    unit: Unit = "page"
    language: str = ""
    notices: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()
    pinned: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An open segment. `vectors` has one row per chunk, in 16 bits.

    `n_bytes` is the memory that it takes in this process; 0 if it is mapped.
    """

    info: SegmentInfo
    embedder: str
    columns: Mapping[str, Array]
    vectors: faiss.Index
    postings: Postings
    n_bytes: int

    @property
    def n_tokens(self) -> int:
        """The length of the text in tokens."""
        return self.info.n_tokens

    @property
    def n_chars(self) -> int:
        """The length of the text."""
        return int(self.columns["n_chars"][0])

    def vocabulary(self) -> list[str]:
        """The words that a typo in a question may stand for."""
        return self.columns["vocabulary"].tobytes().decode().split("\n")

    def part(self, start: int, end: int) -> str:
        """The text from character `start` to `end`, decoding only the chunks around it."""
        begins = self.columns["chunk_starts"]
        first = int(np.searchsorted(begins, start, side="right")) - 1
        last = int(np.searchsorted(begins, end, side="left"))
        char, byte = (int(begins[first]), self._byte(first)) if first >= 0 else (0, 0)
        text = self.columns["text"][byte : self._byte(last)].tobytes().decode()
        return text[start - char : end - char]

    def chunk(self, row: int) -> Chunk:
        """The chunk of this number."""
        first, last = int(self.columns["chunk_bytes"][row]), int(self.columns["chunk_end_bytes"][row])
        return Chunk(
            text=self.columns["text"][first:last].tobytes().decode(),
            start=int(self.columns["chunk_starts"][row]),
            end=int(self.columns["chunk_ends"][row]),
            heading=self._heading(int(self.columns["chunk_headings"][row])),
            page=_page(self.columns["chunk_pages"][row]),
        )

    def blocks(self, start: int, end: int) -> Iterator[tuple[int, Block]]:
        """The blocks that overlap the characters `start` to `end`, each with the character at which it begins."""
        begins = self.columns["block_starts"]
        first = max(0, int(np.searchsorted(begins, start, side="right")) - 1)
        for number in range(first, int(np.searchsorted(begins, end, side="left"))):
            yield int(begins[number]), self._block(number)

    def blocks_from(self, number: int) -> Iterator[Block]:
        """The blocks from this number on."""
        return map(self._block, range(number, len(self.columns["block_starts"])))

    def _block(self, number: int) -> Block:
        begins = self.columns["block_starts"]
        after = int(begins[number + 1]) - 2 if number + 1 < len(begins) else self.n_chars
        heading = self._heading(int(self.columns["block_headings"][number]))
        return Block(
            text=self.part(int(begins[number]), after),
            heading=heading,
            page=_page(self.columns["block_pages"][number]),
        )

    def marks(self, start: int, end: int) -> tuple[Mark, ...]:
        """What the model reads beside the characters `start` to `end`; nothing in segments from before marks."""
        if "marks" not in self.columns:
            return ()
        begins, ends = self.columns["mark_starts"], self.columns["mark_ends"]
        rows = np.flatnonzero((begins <= end) & (ends >= start))
        marks = (
            Mark(start=begins[row], end=ends[row], before=self._mark(2 * row), after=self._mark(2 * row + 1))
            for row in rows.tolist()
        )
        return marks_within(marks, start, end)

    def _mark(self, number: int) -> str:
        first, last = self.columns["mark_bounds"][number : number + 2]
        return self.columns["marks"][first:last].tobytes().decode()

    def borders(self) -> Borders:
        """Where the text may be cut."""
        begins = self.columns["block_starts"]
        sections = begins[1:][np.diff(self.columns["block_headings"]) != 0]
        return Borders(sections.tolist(), begins.tolist(), self.columns["chunk_starts"].tolist())

    def row_at(self, char: int) -> int:
        """The number of the last chunk that begins at or before `char`."""
        return max(0, int(np.searchsorted(self.columns["chunk_starts"], char, side="right")) - 1)

    def nearest(self, vector: Vectors, k: int) -> list[tuple[float, int]]:
        """The cosine and the number of each of the `k` chunks nearest to `vector` `(1, dim)`."""
        return nearest(self.vectors, vector, k)

    def cosine(self, row: int, vector: Vectors) -> float:
        """The cosine between the chunk and `vector` `(1, dim)`."""
        return float(self.vectors.reconstruct(row) @ vector[0])

    def _byte(self, chunk: int) -> int:
        begins = self.columns["chunk_bytes"]
        return int(begins[chunk]) if chunk < len(begins) else len(self.columns["text"])

    def _heading(self, number: int) -> str:
        start, end = self.columns["heading_bounds"][number : number + 2]
        return self.columns["headings"][start:end].tobytes().decode()


def nearest(vectors: faiss.Index, vector: Vectors, k: int) -> list[tuple[float, int]]:
    """The cosine and the number of each of the `k` rows nearest to `vector` `(1, dim)`; fewer if there are fewer."""
    # More OpenMP threads would compete with the model's for the cores; one searches 100,000 rows in 3.4 ms (2026-11).
    faiss.omp_set_num_threads(1)
    if not vectors.ntotal:
        return []
    cosines, rows = vectors.search(vector, min(k, vectors.ntotal))
    return [(float(cosine), int(row)) for cosine, row in zip(cosines[0], rows[0], strict=True) if row >= 0]


def vectors_of(vectors: Vectors) -> faiss.Index:
    """An exact index of `vectors` in 16 bits."""
    index = empty_vectors(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors, np.float32))
    return index


def empty_vectors(dim: int) -> Any:
    """An empty exact index in 16 bits: half the space of 32, and searched twice as fast (measured 2026-11)."""
    return faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def columns_of(content: Content) -> dict[str, Array]:
    """All of `content` but its vectors and its SegmentInfo, as one-dimensional arrays."""
    document, chunks = content.document, content.chunks
    text = document.text()
    block_starts = list(accumulate((len(block.text) + 2 for block in document.blocks), initial=0))
    numbers: dict[str, int] = {}
    block_headings = [numbers.setdefault(block.heading, len(numbers)) for block in document.blocks]
    chunk_headings = [numbers.setdefault(chunk.heading, len(numbers)) for chunk in chunks]
    headings = [heading.encode() for heading in numbers]
    marks = document.marks()
    mark_texts = [text.encode() for mark in marks for text in (mark.before, mark.after)]
    starts = np.array([chunk.start for chunk in chunks], np.int64)
    begins = _bytes_at(text, starts.tolist())
    sizes = np.array([len(chunk.text.encode()) for chunk in chunks], np.int64)
    return {
        "text": np.frombuffer(text.encode(), np.uint8),
        "n_chars": np.array([len(text)], np.int64),
        "vocabulary": np.frombuffer("\n".join(vocabulary(text)).encode(), np.uint8),
        "headings": np.frombuffer(b"".join(headings), np.uint8),
        "heading_bounds": np.array([0, *accumulate(map(len, headings))], np.int64),
        "block_starts": np.array(block_starts[:-1], np.int64),
        "block_headings": np.array(block_headings, np.int32),
        "block_pages": _pages([block.page for block in document.blocks]),
        "marks": np.frombuffer(b"".join(mark_texts), np.uint8),
        "mark_bounds": np.array([0, *accumulate(map(len, mark_texts))], np.int64),
        "mark_starts": np.array([mark.start for mark in marks], np.int64),
        "mark_ends": np.array([mark.end for mark in marks], np.int64),
        "chunk_starts": starts,
        "chunk_ends": np.array([chunk.end for chunk in chunks], np.int64),
        "chunk_bytes": begins,
        "chunk_end_bytes": begins + sizes,
        "chunk_headings": np.array(chunk_headings, np.int32),
        "chunk_pages": _pages([chunk.page for chunk in chunks]),
        **content.postings.columns(),
    }


def _bytes_at(text: str, chars: Sequence[int]) -> Array:
    """The byte offset in the text's UTF-8 of each of the ascending `chars`."""
    before = [0, *chars]
    sizes = (len(text[start:end].encode()) for start, end in pairwise(before))
    return np.array(list(accumulate(sizes)), np.int64)


def _pages(pages: Sequence[int | None]) -> Array:
    return np.array([_NO_PAGE if page is None else page for page in pages], np.int32)


def _page(stored: int) -> int | None:
    return None if stored == _NO_PAGE else int(stored)
