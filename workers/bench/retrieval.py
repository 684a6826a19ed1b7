"""`manage.py bench retrieval DIR`: how well and how fast the product finds, on any BEIR-style collection.

The corpus goes the way of an uploaded file: documents, chunks, vectors, segments on disk, and the index that answers
chats. Only parsing is left out, as the collection is text already. A document is worth as much as its best chunk.
"""

import hashlib
import json
import os
import tempfile
import time
from argparse import ArgumentParser
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from gpts.knowledge.documents import Block, Document, Passage
from gpts.knowledge.ranking import Half
from gpts.spec.gpt import KnowledgeRef
from workers.bench.collection import Collection, Entry, read_collection
from workers.bench.measures import Quality, percentile, quality
from workers.knowledge import segments, unions
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder, EmbedderMissing, shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.pipeline import Progress, content_of, recipe_for
from workers.knowledge.rerank import RerankerMissing, reranker_for

HELP = "nDCG@10, recall@10, MRR and latency of dense, BM25 and hybrid on a BEIR-style folder"

# A segment takes this much text, some 6,000 chunks: few enough files, and little lost when the run is cut short.
PACK_CHARS: Final = 4_000_000

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of ranking, measured over all queries. Milliseconds include the query's encoding where it has one."""

    name: str
    quality: Quality
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class Pack:
    """A segment with many documents of the corpus: `ids[i]` begins at `starts[i]` of its text."""

    ref: KnowledgeRef
    ids: tuple[str, ...]
    starts: tuple[int, ...]

    def holder(self, passage: Passage) -> str:
        """The document of the corpus that `passage` belongs to."""
        return self.ids[bisect_right(self.starts, passage.start) - 1]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A corpus on disk. `itself` names the queries that are documents of the corpus too."""

    packs: Mapping[str, Pack]
    n_documents: int
    n_chunks: int
    itself: frozenset[str]


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("folder", type=Path, help="corpus.jsonl, queries.jsonl and qrels.tsv or qrels/test.tsv")
    parser.add_argument("--limit", type=int, help="ask only the first N judged queries")
    parser.add_argument("--home", type=Path, help="keep the index here and use it again (default: a passing folder)")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures; `say` tells how far it is. Raises RuntimeError."""
    collection = read_collection(options["folder"], options["limit"])
    try:
        # One core stays free, as where files are indexed: two busy threads on two cores collapse (measured 2026-11).
        embedder = shared_embedder(settings.EMBEDDER, threads=max(1, (os.cpu_count() or 2) - 1))
        rerank = reranker_for(settings.RERANKER)
    except (EmbedderMissing, RerankerMissing) as error:
        raise RuntimeError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="guildhall-bench-") as passing:
        home = options["home"] or Path(passing)
        indexed = index_corpus(collection, home, embedder, say)
        index = KnowledgeIndex(home, embedder, request_union=lambda name: unions.build(home, name))
        arms = measure(collection, indexed, index, embedder, say)
        if rerank is not None:
            index = KnowledgeIndex(home, embedder, reranker=rerank)
            arms += measure(collection, indexed, index, embedder, say, {"reranked": ("dense", "lexical")})
    return {
        "collection": str(collection.folder),
        "embedder": settings.EMBEDDER,
        "documents": indexed.n_documents,
        "chunks": indexed.n_chunks,
        "queries": len(collection.queries),
        "oddities": {name: n for name, n in collection.oddities.items() if n},
        "arms": {arm.name: asdict(arm.quality) | {"p50_ms": arm.p50_ms, "p95_ms": arm.p95_ms} for arm in arms},
    }


def index_corpus(collection: Collection, home: Path, embedder: Embedder, say: Say) -> Indexed:
    """The corpus as segments under `home`, those that are there already taken as they are."""
    packs: dict[str, Pack] = {}
    itself: set[str] = set()
    n_documents = n_chunks = 0
    started = time.monotonic()
    for entries in _packed(collection.entries()):
        info, pack = _index_pack(entries, len(packs), home, embedder, say)
        packs[info.address] = pack
        itself.update(entry.id for entry in entries if collection.is_itself(entry.id, entry))
        n_documents, n_chunks = n_documents + len(entries), n_chunks + info.n_chunks
        say(f"Indexed {n_documents:,} documents in {n_chunks:,} chunks, {time.monotonic() - started:.0f} s.")
    if not packs:
        raise RuntimeError(f"{collection.folder}/corpus.jsonl has no document with text.")
    return Indexed(packs, n_documents, n_chunks, frozenset(itself))


def _packed(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """`entries` in groups that fill a segment each."""
    group: list[Entry] = []
    n_chars = 0
    for entry in entries:
        group.append(entry)
        n_chars += len(entry.title) + len(entry.text)
        if n_chars >= PACK_CHARS:
            yield group
            group, n_chars = [], 0
    if group:
        yield group


def _index_pack(
    entries: Sequence[Entry], number: int, home: Path, embedder: Embedder, say: Say
) -> tuple[SegmentInfo, Pack]:
    documents = [document_of(entry) for entry in entries]
    starts = [0]
    for document in documents:
        starts.append(starts[-1] + len(document.text()) + 2)
    digest = hashlib.sha256(json.dumps([asdict(entry) for entry in entries]).encode()).hexdigest()
    recipe = recipe_for(digest, embedder)
    info = segments.reusable(home, recipe.address())
    if info is None:

        def tell(progress: Progress) -> None:
            if progress.n_done % 1_024 == 0 and progress.n_done:
                say(f"  part {number + 1}: {progress.n_done:,} of {progress.n_chunks:,} chunks embedded")

        info = segments.write(home, recipe, content_of(documents, embedder, tell))
    ref = KnowledgeRef(file_id=str(number), name=f"part {number + 1}", segment=info.address)
    return info, Pack(ref, tuple(entry.id for entry in entries), tuple(starts[:-1]))


def document_of(entry: Entry) -> Document:
    """The entry as a parser would give it: its title a heading over its paragraphs."""
    blocks = [Block(text=entry.title, heading=entry.title)] if entry.title else []
    paragraphs = (each.strip() for each in entry.text.split("\n\n"))
    blocks += [Block(text=each, heading=entry.title) for each in paragraphs if each]
    return Document(title=entry.title, blocks=tuple(blocks))


ARMS: Final[Mapping[str, tuple[Half, ...]]] = {
    "dense": ("dense",),
    "BM25": ("lexical",),
    "hybrid": ("dense", "lexical"),
}


def measure(
    collection: Collection,
    indexed: Indexed,
    index: KnowledgeIndex,
    embedder: Embedder,
    say: Say,
    arms: Mapping[str, tuple[Half, ...]] = ARMS,
) -> list[Arm]:
    """Each way of ranking over all queries, query by query, so that all share the machine's good and bad moments."""
    refs = [pack.ref for pack in indexed.packs.values()]
    rankings: dict[str, dict[str, list[str]]] = {name: {} for name in arms}
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    index.rank(refs, "warm")  # opens the segments, makes their union if they are many, loads the weights
    for number, (query, text) in enumerate(collection.queries.items(), 1):
        started = time.perf_counter()
        embedder.encode_query(text)  # the calls below remember the vector
        encode_s = time.perf_counter() - started
        for name, halves in arms.items():
            started = time.perf_counter()
            ranked, _ = index.rank(refs, text, halves)
            took = time.perf_counter() - started
            seconds[name].append(took + (encode_s if "dense" in halves else 0.0))
            rankings[name][query] = _documents(ranked, query, indexed)
        if number % 500 == 0:
            say(f"Asked {number:,} of {len(collection.queries):,} queries.")
    return [_arm(name, rankings[name], seconds[name], collection) for name in arms]


def _documents(ranked: Sequence[Passage], query: str, indexed: Indexed) -> list[str]:
    """The documents of the ranked chunks, each at the place of its best chunk, without the query itself."""
    found = dict.fromkeys(indexed.packs[passage.segment].holder(passage) for passage in ranked)
    return [document for document in found if document != query or query not in indexed.itself]


def _arm(name: str, rankings: Mapping[str, list[str]], seconds: Sequence[float], collection: Collection) -> Arm:
    p50, p95 = (1000 * percentile(seconds, share) for share in (0.5, 0.95))
    return Arm(name, quality(rankings, collection.judgements), round(p50, 2), round(p95, 2))
