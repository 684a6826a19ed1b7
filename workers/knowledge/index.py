"""Hybrid search over the segments of a GPT's knowledge.

Large or many files are searched through their union; until that has been built, as `request_union` arranges, every
search is exact and takes longer.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Final

from gpts.knowledge.documents import Passage
from gpts.knowledge.ranking import (
    BUDGET_TOKENS,
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
from gpts.knowledge.terms import stem, terms
from gpts.runs.steps import Retrieval
from gpts.spec.gpt import KnowledgeRef
from workers.knowledge import lexical
from workers.knowledge.embed import Embedder
from workers.knowledge.file_texts import FileTexts
from workers.knowledge.lexical import Postings
from workers.knowledge.passages import holds, passage_of, placed, stretch
from workers.knowledge.segment_cache import CACHE_BYTES, SegmentCache
from workers.knowledge.spelling import corrected, vocabulary
from workers.knowledge.stores import FaissFiles, VectorStore
from workers.knowledge.unions import Union

# How many of the best passages are read to choose a few, allowing for duplicates.
CONSIDERED: Final = 60
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


class KnowledgeIndex(FileTexts):
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
        super().__init__(SegmentCache(home, cache_bytes, request_union))
        self._store = open_store(self._cache)
        self._vocabulary = lru_cache(VOCABULARIES)(lambda address: self._cache.segment(address).vocabulary())
        self._vocabularies = lru_cache(VOCABULARIES_OF)(self._join_vocabularies)
        self._corrected = lru_cache(CORRECTED)(self._correct)

    def search(
        self, refs: Sequence[KnowledgeRef], query: str, budget_tokens: int = BUDGET_TOKENS, likely: str = ""
    ) -> Retrieval:
        """The passages of `refs` for `query`, best first, within `budget_tokens`, and whether they cover it.

        `likely`: a text that may be like the answer, which counts less. Raises FileError naming the file whose
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

    def explain(self, refs: Sequence[KnowledgeRef], query: str) -> list[Explained]:
        """Every chunk that was found, best first, with its scores and whether the model would receive it."""
        by_address = {ref.segment: ref for ref in refs}
        with self._naming(by_address.values()):
            found = self._found(by_address, query, ("dense", "lexical"))
            ranked = self._ranked(found, by_address, query)
            chosen = self._given(by_address, found, ranked, BUDGET_TOKENS)
        bm25 = {key: round(score, 4) for key, score in found.lexical.items()}
        return [
            Explained(each, bm25.get((each.segment, each.chunk)), any(holds(given, each) for given in chosen))
            for each in ranked
        ]

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
            cosines |= {key: self._cache.segment(key[0]).cosine(key[1], vector) for key in keys if key not in dense}
        weights = lexical.rarities(query_terms, self._postings(addresses, union))
        readability = readable(self._embedder.letters_per_token(query)) if has_vectors else 0.0
        are_both = len(set(halves)) > 1
        read = readability if are_both else float("dense" in halves)
        fused = fuse(cosines, sparse, lexical.ceiling(weights), read)
        if are_both:
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
        return self._cache.union_of(addresses, self._embedder.id)

    def _has_vectors(self, addresses: Sequence[str], union: Union | None) -> bool:
        """Whether all of the segments were made with this embedder."""
        embedders = [union.embedder] if union else (self._cache.segment(each).embedder for each in addresses)
        return all(each == self._embedder.id for each in embedders)

    def _lexical(self, addresses: Sequence[str], union: Union | None, query: Sequence[str]) -> dict[_Key, float]:
        """The BM25 scores of the DEPTH best chunks of all segments that share a term with the question."""
        found = lexical.best(query, self._postings(addresses, union), DEPTH)
        if union:
            return {union.place(row): score for score, _, row in found}
        return {(addresses[number], row): score for score, number, row in found}

    def _postings(self, addresses: Sequence[str], union: Union | None) -> list[Postings]:
        return [union.postings] if union else [self._cache.segment(each).postings for each in addresses]

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
        # Choosing counts the same passages repeatedly.
        count = cache(lambda text: self._embedder.count_tokens([text])[0])
        chosen = select(ranked, opened, lambda texts: list(map(count, texts)), budget_tokens)
        return tuple(placed(passage, opened[passage.segment]) for passage in chosen)


@lru_cache
def _words_of(names: tuple[str, ...]) -> dict[str, str]:
    """The words of these names of files, sorted, each with its stem."""
    return {word: stem(word) for word in vocabulary(" ".join(names))}
