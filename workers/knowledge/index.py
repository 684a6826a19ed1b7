"""Answers "what do these files say about this?" over the segments of a GPT's knowledge.

Segments are loaded on first use and kept, least recently used first out, within a limit of bytes; the same segment
serves every GPT that has the file. A segment that is missing or damaged raises a KnowledgeError that names the file.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import faiss
import numpy as np

from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import BUDGET_TOKENS, DEPTH, Evidence, SourceText, fuse, is_covered, is_identifier, select
from gpts.knowledge.terms import terms
from gpts.spec import KnowledgeRef
from gpts.steps import Retrieval
from workers.knowledge import lexical, segments
from workers.knowledge.embed import Vectors
from workers.knowledge.errors import EmbedderMismatch, KnowledgeError
from workers.knowledge.segments import Segment

CACHE_BYTES: Final = 1_000_000_000

# A chunk of one of the searched segments: (number of the segment, number of the chunk in it).
_Key = tuple[int, int]


class QueryEmbedder(Protocol):
    """What searching needs of an embedder."""

    id: str

    def encode_query(self, text: str) -> Vectors:
        """The vector of a question, `(1, dim)` float32, L2-normalised."""

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each text has."""


class KnowledgeIndex:
    """Searches the segments under `home`. Share one per process; safe between threads."""

    def __init__(self, home: Path, embedder: QueryEmbedder, cache_bytes: int = CACHE_BYTES) -> None:
        self._home = home
        self._embedder = embedder
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Segment] = OrderedDict()

    def search(self, refs: Sequence[KnowledgeRef], query: str, budget_tokens: int = BUDGET_TOKENS) -> Retrieval:
        """The passages of `refs` for `query`, best first, within `budget_tokens`, and whether they cover it.

        Raises KnowledgeError naming the file whose segment cannot be used.
        """
        ranked, evidence = self.rank(refs, query)
        loaded = {ref.segment: self._segment(ref) for ref in refs}
        sources = {address: SourceText(each.text, each.n_tokens) for address, each in loaded.items()}
        chosen = select(ranked, sources, self._embedder.count_tokens, budget_tokens)
        passages = tuple(_with_pages(passage, loaded[passage.segment]) for passage in chosen)
        return Retrieval(query=query, passages=passages, covered=bool(passages) and is_covered(evidence))

    def rank(self, refs: Sequence[KnowledgeRef], query: str) -> tuple[list[Passage], Evidence]:
        """Every chunk that either half found, best first, and what speaks for the knowledge covering `query`."""
        unique = list({ref.segment: ref for ref in refs}.values())
        loaded = [self._segment(ref) for ref in unique]
        vector = self._embedder.encode_query(query)
        asked = terms(query)
        dense = _dense(loaded, vector)
        sparse = _sparse(loaded, asked)
        fused = fuse(dense, sparse)
        cosines = {key: dense[key] if key in dense else _cosine(loaded, key, vector) for key in fused}
        ranked = [_passage(unique[key[0]], loaded[key[0]], key[1], fused[key], cosines[key]) for key in fused]
        return ranked, _evidence(loaded, asked, list(fused), max(cosines.values(), default=-1.0))

    def _segment(self, ref: KnowledgeRef) -> Segment:
        with self._lock:
            segment = self._kept.get(ref.segment)
            if segment is not None:
                self._kept.move_to_end(ref.segment)
                return segment
        try:
            segment = segments.load(self._home, ref.segment)
            if segment.embedder != self._embedder.id:
                raise EmbedderMismatch
        except KnowledgeError as error:
            raise type(error)(f"{ref.name}: {error}") from error
        self._keep(segment)
        return segment

    def _keep(self, segment: Segment) -> None:
        with self._lock:
            self._kept[segment.address] = segment
            while len(self._kept) > 1 and sum(each.n_bytes for each in self._kept.values()) > self._cache_bytes:
                self._kept.popitem(last=False)


def _dense(loaded: Sequence[Segment], vector: Vectors) -> dict[_Key, float]:
    """The cosines of the DEPTH nearest chunks of all segments."""
    # More OpenMP threads would fight with the model's for the cores; one searches 100,000 rows in 5 ms (2026-11).
    faiss.omp_set_num_threads(1)
    found: list[tuple[float, _Key]] = []
    for number, segment in enumerate(loaded):
        depth = min(DEPTH, segment.vectors.ntotal)
        if depth:
            cosines, rows = segment.vectors.search(vector, depth)
            found += [(float(cosine), (number, int(row))) for cosine, row in zip(cosines[0], rows[0], strict=True)]
    return {key: cosine for cosine, key in sorted(found, reverse=True)[:DEPTH]}


def _sparse(loaded: Sequence[Segment], asked: Sequence[str]) -> dict[_Key, float]:
    """The BM25 scores of the DEPTH best chunks of all segments; none that share no term with the question."""
    found: list[tuple[float, _Key]] = []
    for number, scores in enumerate(lexical.scores(asked, [segment.postings for segment in loaded])):
        best = np.argpartition(-scores, DEPTH)[:DEPTH] if len(scores) > DEPTH else np.arange(len(scores))
        found += [(float(scores[row]), (number, int(row))) for row in best if scores[row] > 0]
    return {key: score for score, key in sorted(found, reverse=True)[:DEPTH]}


def _cosine(loaded: Sequence[Segment], key: _Key, vector: Vectors) -> float:
    return float(loaded[key[0]].vectors.reconstruct(key[1]) @ vector[0])


def _evidence(loaded: Sequence[Segment], asked: Sequence[str], best: Sequence[_Key], cosine: float) -> Evidence:
    """What the three best chunks hold of the question's terms; a term that no file has weighs as the rarest."""
    postings = [segment.postings for segment in loaded]
    weights = {term: lexical.rarity(term, postings) for term in asked}
    total = sum(weights.values())
    share, rare = 0.0, False
    for number, row in best[:3]:
        held = [term for term in weights if row in postings[number].holders(term)[0]]
        share = max(share, sum(weights[term] for term in held) / total if total else 0.0)
        rare = rare or any(is_identifier(term) for term in held)
    return Evidence(cosine=cosine, term_share=share, rare_term=rare)


def _passage(ref: KnowledgeRef, segment: Segment, row: int, score: float, cosine: float) -> Passage:
    chunk = segment.chunks[row]
    return Passage(
        file_id=ref.file_id,
        file_name=ref.name,
        segment=ref.segment,
        chunk=row,
        score=round(score, 4),
        cosine=round(cosine, 4),
        **chunk.model_dump(),
    )


def _with_pages(passage: Passage, segment: Segment) -> Passage:
    """`passage` with where it begins, the offsets at which further pages begin, and whether to trust it.

    Text of a finding that is in a segment was accepted by the owner, which makes it known but no more trustworthy.
    """
    breaks: list[tuple[int, int]] = []
    heading, page, offset = passage.heading, passage.page, 0
    for block in segment.document.blocks:
        if offset <= passage.start:
            heading, page = block.heading, block.page
        elif offset < passage.end and block.page is not None and block.page != (breaks[-1][1] if breaks else page):
            breaks.append((offset, block.page))
        offset += len(block.text) + 2
    spans = [span for finding in segment.document.findings for span in finding.spans]
    return passage.model_copy(
        update={
            "heading": heading,
            "page": page,
            "page_breaks": tuple(breaks),
            "unit": segment.document.unit,
            "untrusted": any(start < passage.end and passage.start < end for start, end in spans),
        }
    )
