"""Answers "what do these files say about this?" over the segments of a GPT's knowledge.

The same open segment serves every GPT that has the file. A segment that is missing or damaged raises a KnowledgeError
that names the file. Large or many files are searched through their union once it is made; asking for it is left to
`want_union`, and until then every search is exact and takes longer.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from gpts.knowledge.chunking import CountTokens
from gpts.knowledge.documents import Block, Document, Passage
from gpts.knowledge.ranking import (
    BUDGET_TOKENS,
    DENSE_WEIGHT,
    DEPTH,
    RERANK_DEPTH,
    Evidence,
    Explained,
    Half,
    SearchStanding,
    blend,
    fuse,
    is_covered,
    is_identifier,
    readable,
    select,
)
from gpts.knowledge.sections import Section, section_around
from gpts.knowledge.terms import terms
from gpts.runs.steps import Retrieval
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge import lexical, unions
from workers.knowledge.content import Segment
from workers.knowledge.embed import Vectors
from workers.knowledge.errors import EmbedderMismatch, KnowledgeError
from workers.knowledge.shelf import CACHE_BYTES, Shelf
from workers.knowledge.stores import VectorStore
from workers.knowledge.stores.faiss_files import FaissFiles
from workers.knowledge.unions import Union

# How many of the passages found a search reads to choose a handful, leaving room for duplicates.
CONSIDERED: Final = 60
# Between two requests for the same union: making one of a million chunks takes minutes.
WANT_AGAIN_S: Final = 600.0

# A chunk of one of the searched segments: (address of the segment, number of the chunk in it).
_Key = tuple[str, int]
# How well each text answers the question, 0..1.
Rerank = Callable[[str, Sequence[str]], Sequence[float]]


class QueryEmbedder(Protocol):
    """The methods that searching needs of an embedder."""

    id: str

    def encode_query(self, text: str) -> Vectors:
        """The vector of a question, `(1, dim)` float32, L2-normalised."""

    def count_tokens(self, texts: Sequence[str]) -> Sequence[int]:
        """How many tokens each text has."""

    def letters_per_token(self, text: str) -> float:
        """How long the pieces of `text` are on average in which the model reads it."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The results of both halves: cosines, BM25 scores, the fused scores best first, and each fused cosine."""

    dense: Mapping[_Key, float]
    lexical: Mapping[_Key, float]
    fused: Mapping[_Key, float]
    cosines: Mapping[_Key, float]
    evidence: Evidence


class KnowledgeIndex:
    """Searches the segments under `home`. Share one per process; safe between threads."""

    def __init__(
        self,
        home: Path,
        embedder: QueryEmbedder,
        cache_bytes: int = CACHE_BYTES,
        reranker: Rerank | None = None,
        open_store: Callable[[Shelf], VectorStore] = FaissFiles,
        want_union: Callable[[str], object] = lambda name: None,
    ) -> None:
        self._embedder = embedder
        self._reranker = reranker
        self._shelf = Shelf(home, cache_bytes)
        self._store = open_store(self._shelf)
        self._want_union = want_union
        self._wanted_at: dict[str, float] = {}

    def search(self, refs: Sequence[KnowledgeRef], query: str, budget_tokens: int = BUDGET_TOKENS) -> Retrieval:
        """The passages of `refs` for `query`, best first, within `budget_tokens`, and whether they cover it.

        Raises KnowledgeError naming the file whose segment cannot be used.
        """
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            found = self._found(by_address, query, ("dense", "lexical"))
            passages = self._chosen(self._ranked(found, by_address, query, CONSIDERED), budget_tokens)
        return Retrieval(query=query, passages=passages, covered=bool(passages) and is_covered(found.evidence))

    def rank(
        self, refs: Sequence[KnowledgeRef], query: str, halves: Sequence[Half] = ("dense", "lexical")
    ) -> tuple[list[Passage], Evidence]:
        """Every chunk that one of `halves` found, best first, and what speaks for the knowledge covering `query`."""
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            found = self._found(by_address, query, halves)
            return self._ranked(found, by_address, query), found.evidence

    def explain(
        self, refs: Sequence[KnowledgeRef], query: str, budget_tokens: int = BUDGET_TOKENS
    ) -> list[Explained]:
        """Every chunk that was found, best first, with how it stood in either half and whether it would be read."""
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            found = self._found(by_address, query, ("dense", "lexical"))
            ranked = self._ranked(found, by_address, query)
            chosen = self._chosen(ranked, budget_tokens)
        dense, sparse = _standings(found.dense), _standings(found.lexical)
        return [
            Explained(
                passage=each,
                dense=dense.get((each.segment, each.chunk)),
                lexical=sparse.get((each.segment, each.chunk)),
                is_given=any(_holds(given, each) for given in chosen),
            )
            for each in ranked
        ]

    def surroundings(self, address: str, start: int, end: int, n_chars: int) -> Section:
        """The section around the characters `start` to `end` of a segment's text, reading only that part of it.

        Raises SegmentMissing or SegmentCorrupt.
        """
        segment = self._shelf.segment(address)
        # Blocks of one character each have two more between them, and one block beyond tells whether more follows.
        reach = 3 * n_chars + 4
        inside = list(segment.blocks(start, end)) or [(0, Block(text=""))]
        first, last = inside[0][0], inside[-1][0] + len(inside[-1][1].text)
        near = list(segment.blocks(max(0, first - reach), min(segment.n_chars, last + reach)))
        shift = near[0][0] if near else 0
        excerpt = Document(title="", blocks=tuple(block for _, block in near))
        section = section_around(excerpt, start - shift, end - shift, n_chars)
        parts = tuple(part.model_copy(update={"start": part.start + shift}) for part in section.parts)
        return section.model_copy(update={"parts": parts})

    def _found(self, by_address: Mapping[str, KnowledgeRef], query: str, halves: Sequence[Half]) -> _Found:
        addresses = tuple(by_address)
        union = self._union(addresses)
        vector = self._embedder.encode_query(query)
        asked = list(dict.fromkeys(terms(query)))
        hits = self._store.search(addresses, vector, DEPTH) if "dense" in halves else ()
        dense = {(hit.address, hit.row): hit.cosine for hit in hits}
        sparse = self._lexical(addresses, union, asked) if "lexical" in halves else {}
        keys = dict.fromkeys([*dense, *sparse])
        cosines = {key: dense[key] if key in dense else self._cosine(key, vector) for key in keys}
        postings = [union.postings] if union else [self._shelf.segment(each).postings for each in addresses]
        weights = lexical.rarities(asked, postings)
        known = readable(self._embedder.letters_per_token(query))
        dense_weight = DENSE_WEIGHT * known if len(set(halves)) > 1 else float("dense" in halves)
        fused = fuse(cosines, sparse, lexical.ceiling(weights), dense_weight)
        evidence = self._evidence(weights, list(fused), max(cosines.values(), default=-1.0), known)
        return _Found(dense, sparse, fused, cosines, evidence)

    def _union(self, addresses: Sequence[str]) -> Union | None:
        """The union of these segments, None if they are few and small or it is yet to be made."""
        name = unions.union_id(addresses)
        union = self._shelf.union(name)
        if union is None:
            opened = [self._open(address) for address in addresses]
            n_chunks = sum(segment.info.n_chunks for segment in opened)
            if len(addresses) > unions.MANY_SEGMENTS or n_chunks > unions.MANY_CHUNKS:
                self._want(name, addresses)
        return union

    def _want(self, name: str, addresses: Sequence[str]) -> None:
        now = time.monotonic()
        if now - self._wanted_at.get(name, -WANT_AGAIN_S) >= WANT_AGAIN_S:
            self._wanted_at[name] = now
            self._want_union(unions.want(self._shelf.home, addresses))

    def _open(self, address: str) -> Segment:
        segment = self._shelf.segment(address)
        if segment.embedder != self._embedder.id:
            raise EmbedderMismatch
        return segment

    @contextmanager
    def _naming(self, refs: Iterable[KnowledgeRef]) -> Iterator[None]:
        """Let a KnowledgeError name the file whose segment cannot be used."""
        try:
            yield
        except KnowledgeError:
            for ref in refs:
                try:
                    self._open(ref.segment)
                except KnowledgeError as error:
                    raise type(error)(f"{ref.name}: {error}") from error
            raise

    def _lexical(self, addresses: Sequence[str], union: Union | None, asked: Sequence[str]) -> dict[_Key, float]:
        """The BM25 scores of the DEPTH best chunks of all segments; none that share no term with the question."""
        if union:
            return {union.place(row): score for score, _, row in lexical.best(asked, [union.postings], DEPTH)}
        postings = [self._shelf.segment(address).postings for address in addresses]
        return {(addresses[number], row): score for score, number, row in lexical.best(asked, postings, DEPTH)}

    def _cosine(self, key: _Key, vector: Vectors) -> float:
        return self._shelf.segment(key[0]).cosine(key[1], vector)

    def _evidence(self, weights: Mapping[str, float], best: Sequence[_Key], cosine: float, known: float) -> Evidence:
        """What the three best chunks hold of the question's terms; a term that no file has weighs as the rarest."""
        total = sum(weights.values())
        share, rare = 0.0, False
        for address, row in best[:3]:
            own = self._shelf.segment(address).postings
            held = [term for term in weights if own.holds(term, row)]
            share = max(share, sum(weights[term] for term in held) / total if total else 0.0)
            rare = rare or any(is_identifier(term) for term in held)
        return Evidence(cosine=cosine, term_share=share, rare_term=rare, readable=known)

    def _ranked(
        self, found: _Found, by_address: Mapping[str, KnowledgeRef], query: str, limit: int | None = None
    ) -> list[Passage]:
        ranked = [
            _passage(by_address[key[0]], self._shelf.segment(key[0]), key[1], score, found.cosines[key])
            for key, score in islice(found.fused.items(), limit)
        ]
        if self._reranker is not None:
            ranked = blend(ranked, self._reranker(query, [each.text for each in ranked[:RERANK_DEPTH]]))
        return ranked

    def _chosen(self, ranked: Sequence[Passage], budget_tokens: int) -> tuple[Passage, ...]:
        opened = {address: self._shelf.segment(address) for address in {each.segment for each in ranked}}
        chosen = select(ranked, opened, _Counted(self._embedder.count_tokens), budget_tokens)
        return tuple(_placed(passage, opened[passage.segment]) for passage in chosen)


class _Counted:
    """Counts tokens, each text's only once: choosing asks for the same passages again and again."""

    def __init__(self, count: CountTokens) -> None:
        self._count = count
        self._known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> Sequence[int]:
        new = [text for text in texts if text not in self._known]
        self._known.update(zip(new, self._count(new), strict=True))
        return [self._known[text] for text in texts]


def _standings(scores: Mapping[_Key, float]) -> dict[_Key, SearchStanding]:
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return {key: SearchStanding(score=round(score, 4), place=place) for place, (key, score) in enumerate(ordered, 1)}


def _holds(given: Passage, chunk: Passage) -> bool:
    return given.segment == chunk.segment and given.start <= chunk.start and chunk.end <= given.end


def _passage(ref: KnowledgeRef, segment: Segment, row: int, score: float, cosine: float) -> Passage:
    chunk = segment.chunk(row)
    return Passage(
        file_id=ref.file_id,
        file_name=ref.name,
        segment=ref.segment,
        chunk=row,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        heading=chunk.heading,
        page=chunk.page,
        unit=segment.info.unit,
        untrusted=_is_untrusted(segment, chunk.start, chunk.end),
        score=round(score, 4),
        cosine=round(cosine, 4),
    )


def _is_untrusted(segment: Segment, start: int, end: int) -> bool:
    """Whether text of a finding is in it, which the owner accepted: that makes it known but no more trustworthy."""
    return any(a < end and start < b for finding in segment.info.findings for a, b in finding.spans)


def _placed(passage: Passage, segment: Segment) -> Passage:
    """`passage`, which may have grown, with where it begins, where further pages and sections do, and its trust."""
    breaks: list[tuple[int, int]] = []
    sections: list[tuple[int, str]] = []
    heading, page = passage.heading, passage.page
    for offset, block in segment.blocks(passage.start, passage.end):
        if offset <= passage.start:
            heading, page = block.heading, block.page
            continue
        if block.page is not None and block.page != (breaks[-1][1] if breaks else page):
            breaks.append((offset, block.page))
        if block.heading != (sections[-1][1] if sections else heading):
            sections.append((offset, block.heading))
    return passage.model_copy(
        update={
            "heading": heading,
            "page": page,
            "page_breaks": tuple(breaks),
            "heading_breaks": tuple(sections),
            "untrusted": _is_untrusted(segment, passage.start, passage.end),
        }
    )
