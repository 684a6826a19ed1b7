"""`python -m tests.lab retrieval DIR`: quality and latency of retrieval on any BEIR-style collection.

The corpus is indexed like uploaded files (chunks, vectors, segments on disk) and searched through the same index as
chats; only parsing is left out, as the collection is text already. A document ranks by its best chunk.
"""

import hashlib
import json
import os
import tempfile
import time
from argparse import ArgumentParser
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from django.conf import settings

from gpts.knowledge.documents import Block, Document, Passage
from gpts.knowledge.ranking import Half
from gpts.spec.gpt import KnowledgeRef
from tests.lab.collection import Collection, CorpusDocument, packed, read_collection
from tests.lab.measures import quality
from workers.bench import Say
from workers.bench.timing import percentile
from workers.configuration import services
from workers.indexing.contexts import line_of, with_contexts
from workers.knowledge import segments, unions
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder, EmbedderMissing, shared_embedder
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.pipeline import IndexingProgress, content_of, recipe_for
from workers.knowledge.rerank import RerankerMissing, reranker_for
from workers.runs.searching import likely_answer

HELP = "nDCG@10, recall@10, MRR and latency of dense, BM25 and hybrid on a BEIR-style folder"

# Text per segment, some 6,000 chunks: few files, and little lost if the run is interrupted.
PACK_CHARS: Final = 4_000_000
# Texts that a model writes at once.
WRITERS: Final = 16


T = TypeVar("T")
# The figures of one way of ranking, over all queries.
Arm = dict[str, float]


@dataclass(frozen=True, slots=True)
class PackedSegment:
    """A segment with many documents of the corpus: `ids[i]` begins at `starts[i]` of its text."""

    ref: KnowledgeRef
    ids: tuple[str, ...]
    starts: tuple[int, ...]

    def holder(self, passage: Passage) -> str:
        """The document of the corpus that `passage` belongs to."""
        return self.ids[bisect_right(self.starts, passage.start) - 1]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A corpus on disk. `queries` are the ids of the documents that are queries too."""

    packs: Mapping[str, PackedSegment]
    n_documents: int
    n_chunks: int
    queries: frozenset[str]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="corpus.jsonl, queries.jsonl and qrels.tsv or qrels/test.tsv")
    parser.add_argument("--limit", type=int, help="only the first N judged queries")
    parser.add_argument("--contexts", action="store_true", help="also with a line by the site's model for each chunk")
    parser.add_argument("--expand", action="store_true", help="also with a likely answer to each query by that model")
    parser.add_argument("--home", type=Path, help="keep the index here and reuse it (default: a temporary folder)")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures. Raises RuntimeError."""
    collection = read_collection(options["folder"], options["limit"])
    try:
        # One core stays free, as for indexing: two busy threads on two cores collapse (measured 2026-11).
        threads = max(1, (os.cpu_count() or 2) - 1)
        embedder = shared_embedder(settings.EMBEDDER, threads, settings.GUILDHALL_HOME)
        rerank = reranker_for(settings.RERANKER)
    except (EmbedderMissing, RerankerMissing) as error:
        raise RuntimeError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="guildhall-bench-") as temporary:
        home = options["home"] or Path(temporary)
        indexed = index_corpus(collection, home, embedder, say)
        index = KnowledgeIndex(home, embedder, request_union=lambda name: unions.build(home, name))
        arms = measure(collection, indexed, index, embedder, say)
        if options["expand"]:
            written = _at_once(partial(likely_answer, services=services()), list(collection.queries.values()))
            answers = dict(zip(collection.queries, written, strict=True))
            arms |= measure(collection, indexed, index, embedder, say, {"expanded": BOTH}, answers)
        if options["contexts"]:
            described = with_lines(indexed, home, embedder)
            arms |= measure(collection, described, index, embedder, say, {"with contexts": BOTH})
        if rerank is not None:
            index = KnowledgeIndex(home, embedder, reranker=rerank)
            arms |= measure(collection, indexed, index, embedder, say, {"reranked": BOTH})
    return {
        "collection": str(collection.folder),
        "embedder": settings.EMBEDDER,
        "documents": indexed.n_documents,
        "chunks": indexed.n_chunks,
        "queries": len(collection.queries),
        "oddities": {name: n for name, n in collection.oddities.items() if n},
        "arms": arms,
    }


def index_corpus(collection: Collection, home: Path, embedder: Embedder, say: Say) -> Indexed:
    """The corpus as segments under `home`; existing ones are reused."""
    packs: dict[str, PackedSegment] = {}
    queries: set[str] = set()
    n_documents = n_chunks = 0
    started = time.monotonic()
    for group in packed(collection.documents(), PACK_CHARS):
        info, pack = _index_pack(group, len(packs), home, embedder, say)
        packs[info.address] = pack
        queries.update(each.id for each in group if collection.is_query(each))
        n_documents, n_chunks = n_documents + len(group), n_chunks + info.n_chunks
        say(f"Indexed {n_documents:,} documents in {n_chunks:,} chunks, {time.monotonic() - started:.0f} s.")
    if not packs:
        raise RuntimeError(f"{collection.folder}/corpus.jsonl has no document with text.")
    return Indexed(packs, n_documents, n_chunks, frozenset(queries))


def _index_pack(
    group: Sequence[CorpusDocument], number: int, home: Path, embedder: Embedder, say: Say
) -> tuple[SegmentInfo, PackedSegment]:
    documents = [_document(each) for each in group]
    starts = [0]
    for document in documents:
        starts.append(starts[-1] + len(document.text()) + 2)
    digest = hashlib.sha256(json.dumps([asdict(each) for each in group]).encode()).hexdigest()
    recipe = recipe_for(digest, embedder)
    info = segments.reusable(home, recipe.address())
    if info is None:

        def report_progress(progress: IndexingProgress) -> None:
            if progress.n_done % 1_024 == 0 and progress.n_done:
                say(f"  part {number + 1}: {progress.n_done:,} of {progress.n_chunks:,} chunks embedded")

        info = segments.write(home, recipe, content_of(documents, embedder, report_progress))
    ref = KnowledgeRef(file_id=str(number), name=f"part {number + 1}", segment=info.address)
    return info, PackedSegment(ref, tuple(each.id for each in group), tuple(starts[:-1]))


def with_lines(indexed: Indexed, home: Path, embedder: Embedder) -> Indexed:
    """The corpus with a line of context for each chunk, written now unless the segments with them exist."""
    packs = dict(_with_lines(address, pack, home, embedder) for address, pack in indexed.packs.items())
    return replace(indexed, packs=packs)


def _with_lines(address: str, pack: PackedSegment, home: Path, embedder: Embedder) -> tuple[str, PackedSegment]:
    twin = segments.twin_of(address)
    if not segments.reusable(home, twin):
        segment, model = segments.load(home, address), services()
        starts = (pack.starts[bisect_right(pack.starts, start) - 1] for start in segment.columns["chunk_starts"])
        write = partial(line_of, segment, name="", services=model, check=lambda text: None)
        lines = _at_once(lambda chunk: write(row=chunk[0], begins=chunk[1]), list(enumerate(starts)))
        recipe = replace(segments.recipe_of(home, address), contexts=True)
        segments.write(home, recipe, with_contexts(segment, lines, embedder))
    return twin, replace(pack, ref=pack.ref.model_copy(update={"segment": twin}))


def _at_once(write: Callable[[T], str], of: Sequence[T]) -> list[str]:
    """What a model writes of each, several at a time, as in a batch."""
    with ThreadPoolExecutor(WRITERS) as writers:
        return list(writers.map(write, of))


def _document(source: CorpusDocument) -> Document:
    """`source` as a parser would return it: its title a heading over its paragraphs."""
    blocks = [Block(text=source.title, heading=source.title)] if source.title else []
    paragraphs = (each.strip() for each in source.text.split("\n\n"))
    blocks += [Block(text=each, heading=source.title) for each in paragraphs if each]
    return Document(title=source.title, blocks=tuple(blocks))


BOTH: Final[tuple[Half, ...]] = ("dense", "lexical")
ARMS: Final[Mapping[str, tuple[Half, ...]]] = {"dense": ("dense",), "BM25": ("lexical",), "hybrid": BOTH}


def measure(
    collection: Collection,
    indexed: Indexed,
    index: KnowledgeIndex,
    embedder: Embedder,
    say: Say,
    arms: Mapping[str, tuple[Half, ...]] = ARMS,
    answers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Arm]:
    """Each way of ranking over all queries, taking turns query by query, so that noise affects all of them alike.

    Latencies are milliseconds and include the query's encoding where vectors are used, but not what a model writes:
    `answers` are likely ones by the id of the query.
    """
    refs = [pack.ref for pack in indexed.packs.values()]
    rankings: dict[str, dict[str, list[str]]] = {name: {} for name in arms}
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    index.rank(refs, "warm")  # opens the segments, builds their union if there are many, loads the weights
    for number, (query, text) in enumerate(collection.queries.items(), 1):
        started = time.perf_counter()
        embedder.encode_query(text)  # the calls below reuse the vector
        encode_s = time.perf_counter() - started
        for name, halves in arms.items():
            started = time.perf_counter()
            ranked, _ = index.rank(refs, text, halves, answers.get(query, ""))
            took = time.perf_counter() - started
            seconds[name].append(took + (encode_s if "dense" in halves else 0.0))
            rankings[name][query] = _documents(ranked, query, indexed)
        if number % 500 == 0:
            say(f"Ran {number:,} of {len(collection.queries):,} queries.")
    return {name: _arm(rankings[name], seconds[name], collection) for name in arms}


def _documents(ranked: Sequence[Passage], query: str, indexed: Indexed) -> list[str]:
    """The documents of the ranked chunks, each at the rank of its best chunk, without the query itself."""
    found = dict.fromkeys(indexed.packs[passage.segment].holder(passage) for passage in ranked)
    return [document for document in found if document != query or query not in indexed.queries]


def _arm(rankings: Mapping[str, list[str]], seconds: Sequence[float], collection: Collection) -> Arm:
    p50, p95 = (round(1000 * percentile(seconds, share), 2) for share in (0.5, 0.95))
    return asdict(quality(rankings, collection.judgements)) | {"p50_ms": p50, "p95_ms": p95}
