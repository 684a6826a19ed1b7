"""Hybrid search over the segments of a GPT's knowledge.

An open segment serves every GPT that has the file. A segment that is missing or damaged raises a KnowledgeError that
names the file. Large or many files are searched through their union; until that has been built, as `request_union`
arranges, every search is exact and takes longer.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from gpts.knowledge.chunking import CountTokens
from gpts.knowledge.documents import Block, Document, Passage
from gpts.knowledge.ranking import (
    BUDGET_TOKENS,
    DENSE_WEIGHT,
    DEPTH,
    LIKELY_WEIGHT,
    PHRASE_DEPTH,
    PHRASE_WEIGHT,
    RERANK_DEPTH,
    Evidence,
    Half,
    blend,
    fuse,
    is_covered,
    is_identifier,
    phrase_share,
    raised,
    readable,
    select,
)
from gpts.knowledge.sections import FilePart, Section, parts_of, section_around
from gpts.knowledge.terms import stem, terms
from gpts.runs.steps import Retrieval
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge import lexical, unions
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder, Vectors
from workers.knowledge.errors import KnowledgeError
from workers.knowledge.lexical import Postings
from workers.knowledge.passages import holds, passage_of, placed, stretch
from workers.knowledge.segment_cache import CACHE_BYTES, SegmentCache
from workers.knowledge.spelling import corrected, vocabulary
from workers.knowledge.stores import FaissFiles, VectorStore
from workers.knowledge.unions import Union

# How many of the best passages are read to choose a few, allowing for duplicates.
CONSIDERED: Final = 60
# Between two requests for the same union: building one of a million chunks takes minutes.
REQUEST_AGAIN_S: Final = 600.0
# Files whose words are kept in memory as strings. Of more, nothing is corrected: reading the words of ten thousand
# files would take far longer than the search.
VOCABULARIES: Final = 256
# GPTs whose files' words are kept together.
VOCABULARIES_OF: Final = 16
# What pinned passages may take of the budget.
PINNED_SHARE: Final = 1 / 3
# Texts whose corrections are kept: a turn needs them to tell what a message asks for, and to search.
CORRECTED: Final = 64

# A chunk of one of the searched segments: (address of the segment, number of the chunk in it).
_Key = tuple[str, int]
# A function from a question and texts to how well each text answers it, 0..1.
Rerank = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Explained:
    """A chunk that was found, and why. `passage.score` is the fused score, `bm25` None if no term matched.

    `is_given`: the model would receive it.
    """

    passage: Passage
    bm25: float | None
    is_given: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """The BM25 scores, the fused scores best first, and the cosine of every chunk found; the union searched."""

    lexical: Mapping[_Key, float]
    fused: Mapping[_Key, float]
    cosines: Mapping[_Key, float]
    evidence: Evidence
    union: Union | None


class KnowledgeIndex:
    """Searches the segments under `home`. Thread-safe; share one per process."""

    def __init__(
        self,
        home: Path,
        embedder: Embedder,
        cache_bytes: int = CACHE_BYTES,
        reranker: Rerank | None = None,
        open_store: Callable[[SegmentCache], VectorStore] = FaissFiles,
        request_union: Callable[[str], object] = lambda name: None,
    ) -> None:
        self._embedder = embedder
        self._reranker = reranker
        self._cache = SegmentCache(home, cache_bytes)
        self._store = open_store(self._cache)
        self._request_union = request_union
        self._requested_at: dict[str, float] = {}
        self._vocabulary = lru_cache(VOCABULARIES)(lambda address: self._cache.segment(address).vocabulary())
        self._vocabularies = lru_cache(VOCABULARIES_OF)(self._join_vocabularies)
        self._corrected = lru_cache(CORRECTED)(self._correct)

    def search(
        self, refs: Sequence[KnowledgeRef], query: str, budget_tokens: int = BUDGET_TOKENS, likely: str = ""
    ) -> Retrieval:
        """The passages of `refs` for `query`, best first, within `budget_tokens`, and whether they cover it.

        `likely`: a text that may be like the answer, which counts less. Raises KnowledgeError naming the file whose
        segment cannot be used.
        """
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            query = self.corrected(refs, query)
            found = self._found(by_address, query, ("dense", "lexical"), likely)
            passages = self._given(
                by_address, found, self._ranked(found, by_address, query, CONSIDERED), budget_tokens
            )
        covered = bool(found.fused) and is_covered(found.evidence)
        return Retrieval(query=query, passages=passages, covered=covered, n_files=len(by_address))

    def corrected(self, refs: Sequence[KnowledgeRef], text: str) -> str:
        """`text` with typos replaced by words of the files, if they are few enough. Raises like `search`."""
        return text if len(refs) > VOCABULARIES else self._corrected(tuple(refs), text)

    def _correct(self, refs: tuple[KnowledgeRef, ...], text: str) -> str:
        addresses = tuple(ref.segment for ref in refs)
        with self._naming(refs):
            postings = self._postings(addresses, self._union(addresses))
            names = _words_of(tuple(ref.name for ref in refs))

            def count(words: Sequence[str]) -> list[int]:
                held = lexical.n_holders(words, postings)
                return [n or int(word in names.values()) for n, word in zip(held, words, strict=True)]

            def vocabularies() -> list[Sequence[str]]:
                return [list(names), self._vocabularies(addresses)]

            return corrected(text, count, self._embedder.words, vocabularies)

    def _join_vocabularies(self, addresses: tuple[str, ...]) -> list[str]:
        """The words of these segments, sorted: most are in many of them."""
        return sorted(frozenset[str]().union(*map(self._vocabulary, addresses)))

    def whole(self, refs: Sequence[KnowledgeRef]) -> tuple[Passage, ...]:
        """Each of the files as one passage. Raises KnowledgeError naming the file whose segment cannot be used."""
        with self._naming(refs):
            opened = ((ref, self._cache.segment(ref.segment)) for ref in refs)
            return tuple(stretch(ref, segment, 0, segment.n_chars) for ref, segment in opened)

    def infos(self, refs: Sequence[KnowledgeRef]) -> tuple[SegmentInfo, ...]:
        """The facts about each of the files. Raises like `whole`."""
        with self._naming(refs):
            return tuple(self._cache.segment(ref.segment).info for ref in refs)

    def n_tokens(self, refs: Sequence[KnowledgeRef]) -> int:
        """The length of the files in the embedder's tokens. Raises KnowledgeError like `whole`."""
        return sum(info.n_tokens for info in self.infos(refs))

    def parts(self, ref: KnowledgeRef, part_tokens: int) -> tuple[FilePart, ...]:
        """The file in parts of at most about `part_tokens` of the embedder's tokens. Raises like `whole`."""
        with self._naming([ref]):
            segment = self._cache.segment(ref.segment)
            return parts_of(segment.borders(), segment.n_chars, segment.n_tokens, part_tokens)

    def part(self, ref: KnowledgeRef, start: int, end: int) -> Passage:
        """The characters `start` to `end` of the file as one passage. Raises like `whole`."""
        with self._naming([ref]):
            return stretch(ref, self._cache.segment(ref.segment), start, end)

    def n_chars(self, ref: KnowledgeRef) -> int:
        """The length of the file's text. Raises like `whole`."""
        with self._naming([ref]):
            return self._cache.segment(ref.segment).n_chars

    def chunks_with(self, ref: KnowledgeRef, spans: Iterable[tuple[int, int]]) -> tuple[Passage, ...]:
        """The chunks of the file that contain these ranges of its text, each once. Raises like `whole`."""
        with self._naming([ref]):
            segment = self._cache.segment(ref.segment)
            ends: dict[int, int] = {}
            for start, end in spans:
                row = segment.row_at(start)
                ends[row] = max(end, ends.get(row, segment.chunk(row).end))
            return tuple(stretch(ref, segment, segment.chunk(row).start, ends[row]) for row in sorted(ends))

    def rank(
        self,
        refs: Sequence[KnowledgeRef],
        query: str,
        halves: Sequence[Half] = ("dense", "lexical"),
        likely: str = "",
    ) -> tuple[list[Passage], Evidence]:
        """Every chunk that one of `halves` found, best first, and the evidence that the knowledge covers `query`."""
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            found = self._found(by_address, query, halves, likely)
            return self._ranked(found, by_address, query), found.evidence

    def explain(
        self, refs: Sequence[KnowledgeRef], query: str, budget_tokens: int = BUDGET_TOKENS
    ) -> list[Explained]:
        """Every chunk that was found, best first, with its scores and whether the model would receive it."""
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            found = self._found(by_address, query, ("dense", "lexical"))
            ranked = self._ranked(found, by_address, query)
            chosen = self._given(by_address, found, ranked, budget_tokens)
        bm25 = {key: round(score, 4) for key, score in found.lexical.items()}
        return [
            Explained(each, bm25.get((each.segment, each.chunk)), any(holds(given, each) for given in chosen))
            for each in ranked
        ]

    def surroundings(self, address: str, start: int, end: int, n_chars: int) -> Section:
        """The section around the characters `start` to `end` of a segment's text; reads only that part.

        Raises SegmentMissing or SegmentCorrupt.
        """
        segment = self._cache.segment(address)
        # Blocks of one character have two more between them; one block beyond shows whether more follows.
        reach = 3 * n_chars + 4
        inside = list(segment.blocks(start, end)) or [(0, Block(text=""))]
        first, last = inside[0][0], inside[-1][0] + len(inside[-1][1].text)
        near = list(segment.blocks(max(0, first - reach), min(segment.n_chars, last + reach)))
        shift = near[0][0] if near else 0
        excerpt = Document(title="", blocks=tuple(block for _, block in near))
        section = section_around(excerpt, start - shift, end - shift, n_chars)
        parts = tuple(part.model_copy(update={"start": part.start + shift}) for part in section.parts)
        return section.model_copy(update={"parts": parts})

    def _found(
        self, by_address: Mapping[str, KnowledgeRef], query: str, halves: Sequence[Half], likely: str = ""
    ) -> _Found:
        addresses = tuple(by_address)
        union = self._union(addresses)
        # After a change of the embedder, words alone find the files until all are read again.
        has_vectors = self._has_vectors(addresses, union)
        halves = halves if has_vectors else ("lexical",)
        vector = self._embedder.encode_query(query)
        query_terms = terms(query)
        hits = self._store.search(addresses, vector, DEPTH) if "dense" in halves else ()
        dense = {(hit.address, hit.row): hit.cosine for hit in hits}
        sparse = self._lexical(addresses, union, query_terms) if "lexical" in halves else {}
        keys = dict.fromkeys([*dense, *sparse])
        cosines = {key: dense.get(key, 0.0) for key in keys}
        if has_vectors:
            cosines |= {key: self._cosine(key, vector) for key in keys if key not in dense}
        weights = lexical.rarities(query_terms, self._postings(addresses, union))
        readability = readable(self._embedder.letters_per_token(query)) if has_vectors else 0.0
        dense_weight = DENSE_WEIGHT * readability if len(set(halves)) > 1 else float("dense" in halves)
        fused = fuse(cosines, sparse, lexical.ceiling(weights), dense_weight)
        if len(set(halves)) > 1:
            fused = self._with_phrases(fused, query_terms, weights)
        if likely:
            fused = raised(fused, self._found(by_address, likely, halves).fused, LIKELY_WEIGHT)
        evidence = self._evidence(weights, by_address, list(fused), max(cosines.values(), default=-1.0), readability)
        return _Found(sparse, fused, cosines, evidence, union)

    def _with_phrases(
        self, fused: Mapping[_Key, float], query_terms: Sequence[str], weights: Mapping[str, float]
    ) -> dict[_Key, float]:
        """`fused` with the first results in the order of what they share with the question side by side as well."""
        first = islice(fused, PHRASE_DEPTH)
        texts = {key: self._cache.segment(key[0]).chunk(key[1]).text for key in first}
        shares = {key: phrase_share(query_terms, weights, text) for key, text in texts.items()}
        return raised(fused, shares, PHRASE_WEIGHT)

    def _union(self, addresses: Sequence[str]) -> Union | None:
        """The union of these segments, None if they are few and small or it has not been built yet."""
        name = unions.union_id(addresses)
        union = self._cache.union(name)
        if union is None:
            n_chunks = sum(self._cache.segment(address).info.n_chunks for address in addresses)
            is_large = len(addresses) > unions.MANY_SEGMENTS or n_chunks > unions.MANY_CHUNKS
            if is_large and self._has_vectors(addresses, None):
                self._request(name, addresses)
        return union

    def _request(self, name: str, addresses: Sequence[str]) -> None:
        now = time.monotonic()
        if now - self._requested_at.get(name, -REQUEST_AGAIN_S) >= REQUEST_AGAIN_S:
            self._requested_at[name] = now
            self._request_union(unions.request(self._cache.home, addresses))

    def _has_vectors(self, addresses: Sequence[str], union: Union | None) -> bool:
        """Whether all of the segments were made with this embedder."""
        embedders = [union.embedder] if union else (self._cache.segment(each).embedder for each in addresses)
        return all(each == self._embedder.id for each in embedders)

    @contextmanager
    def _naming(self, refs: Iterable[KnowledgeRef]) -> Iterator[None]:
        """Add to a KnowledgeError the name of the file whose segment cannot be used."""
        try:
            yield
        except KnowledgeError:
            for ref in refs:
                try:
                    self._cache.segment(ref.segment)
                except KnowledgeError as error:
                    raise type(error)(f"{ref.name}: {error}") from error
            raise

    def _lexical(self, addresses: Sequence[str], union: Union | None, query: Sequence[str]) -> dict[_Key, float]:
        """The BM25 scores of the DEPTH best chunks of all segments that share a term with the question."""
        found = lexical.best(query, self._postings(addresses, union), DEPTH)
        if union:
            return {union.place(row): score for score, _, row in found}
        return {(addresses[number], row): score for score, number, row in found}

    def _postings(self, addresses: Sequence[str], union: Union | None) -> list[Postings]:
        return [union.postings] if union else [self._cache.segment(each).postings for each in addresses]

    def _cosine(self, key: _Key, vector: Vectors) -> float:
        return self._cache.segment(key[0]).cosine(key[1], vector)

    def _evidence(
        self,
        weights: Mapping[str, float],
        by_address: Mapping[str, KnowledgeRef],
        best: Sequence[_Key],
        cosine: float,
        readability: float,
    ) -> Evidence:
        """The question's terms in the three best chunks and the names of their files.

        A term that no file has weighs as much as the rarest.
        """
        total = sum(weights.values())
        share, rare = 0.0, False
        for address, row in best[:3]:
            postings = self._cache.segment(address).postings
            name = terms(by_address[address].name)
            held = [term for term in weights if term in name or postings.holds(term, row)]
            share = max(share, sum(weights[term] for term in held) / total if total else 0.0)
            rare = rare or any(is_identifier(term) for term in held)
        return Evidence(cosine=cosine, term_share=share, rare_term=rare, readable=readability)

    def _ranked(
        self, found: _Found, by_address: Mapping[str, KnowledgeRef], query: str, limit: int | None = None
    ) -> list[Passage]:
        ranked = [
            passage_of(by_address[key[0]], self._cache.segment(key[0]), key[1], score, found.cosines[key])
            for key, score in islice(found.fused.items(), limit)
        ]
        if self._reranker is not None:
            ranked = blend(ranked, self._reranker(query, [each.text for each in ranked[:RERANK_DEPTH]]))
        return ranked

    def _given(
        self, by_address: Mapping[str, KnowledgeRef], found: _Found, ranked: Sequence[Passage], budget_tokens: int
    ) -> tuple[Passage, ...]:
        """The best of `ranked`, and after them the pinned passages, as far as these fit a part of the budget."""
        pinned: list[Passage] = []
        left = int(budget_tokens * PINNED_SHARE)
        for ref, start, end in self._pins(by_address, found.union):
            passage = stretch(ref, self._cache.segment(ref.segment), start, end)
            n_tokens = self._embedder.count_tokens([passage.text])[0]
            if n_tokens <= left:
                left -= n_tokens
                pinned.append(passage)
        chosen = self._chosen(ranked, budget_tokens - (int(budget_tokens * PINNED_SHARE) - left))
        return (*chosen, *(each for each in pinned if not any(holds(given, each) for given in chosen)))

    def _pins(
        self, by_address: Mapping[str, KnowledgeRef], union: Union | None
    ) -> Iterator[tuple[KnowledgeRef, int, int]]:
        """The pinned ranges of the files. A union tells them, as opening ten thousand segments takes seconds."""
        for address in union.pinned if union else by_address:
            for start, end in union.pinned[address] if union else self._cache.segment(address).info.pinned:
                yield by_address[address], start, end

    def _chosen(self, ranked: Sequence[Passage], budget_tokens: int) -> tuple[Passage, ...]:
        opened = {address: self._cache.segment(address) for address in {each.segment for each in ranked}}
        chosen = select(ranked, opened, _TokenCounter(self._embedder.count_tokens), budget_tokens)
        return tuple(placed(passage, opened[passage.segment]) for passage in chosen)


@lru_cache
def _words_of(names: tuple[str, ...]) -> dict[str, str]:
    """The words of these names of files, sorted, each with its stem."""
    return {word: stem(word) for word in vocabulary(" ".join(names))}


class _TokenCounter:
    """Counts tokens, of each text only once: choosing passages counts the same ones repeatedly."""

    def __init__(self, count: CountTokens) -> None:
        self._count = count
        self._known: dict[str, int] = {}

    def __call__(self, texts: Sequence[str]) -> Sequence[int]:
        new = [text for text in texts if text not in self._known]
        self._known.update(zip(new, self._count(new), strict=True))
        return [self._known[text] for text in texts]
