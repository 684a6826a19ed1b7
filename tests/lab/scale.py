"""`python -m tests.lab scale`: latency of a search, a cold start and a joint index, and the index's recall.

The knowledge is synthetic (synthetic.py), its questions are encoded by the real embedder, and with --beside-chat the
real engine streams an answer in the same process meanwhile, as in a model worker.
"""

import heapq
import os
import shutil
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from django.conf import settings

from gpts.knowledge.ranking import DEPTH
from gpts.spec.gpt import KnowledgeRef
from tests.lab.measures import milliseconds, percentiles
from tests.lab.synthetic import SyntheticCorpus, make_file, near
from workers.bench import Say
from workers.bench.timing import conversation
from workers.configuration import engine_config
from workers.engine import open_engine
from workers.engine.base import GenerationRequest
from workers.knowledge import segments, unions
from workers.knowledge.embed import Embedder, Vectors
from workers.knowledge.index import KnowledgeIndex
from workers.knowledge.segment_cache import SegmentCache
from workers.knowledge.stores import FaissFiles

HELP = "search latency, recall, cold start and memory at many chunks and many GPTs"

FILE_CHUNKS: Final = 5_000
SMALL_CHUNKS: Final = 500
N_COLD: Final = 50
# Cosine between a question and the passages that answer it, with the bundled embedder (measured 2026-11).
QUESTION_COSINE: Final = 0.6
# Hard links to one file that every usual file system allows.
_LINKS: Final = 10_000


@dataclass(frozen=True, slots=True)
class ScaleFigures:
    """Of one GPT with `chunks` chunks; times in milliseconds unless the name says seconds.

    p50, p95: a whole search with the joint index, encoding included; `common_words_p95` for ten very common words.
    `exact_`: only the nearest chunks, without the joint index. `union_s`: building that, 0 if it existed.
    """

    chunks: int
    files: int
    exact_p50: float
    exact_p95: float
    p50: float
    p95: float
    common_words_p95: float
    encode_p50: float
    recall_10: float
    union_s: float
    own_mb: float
    mapped_mb: float


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--chunks", type=int, nargs="+", default=[100_000], help="sizes of one GPT (default 100000)")
    parser.add_argument("--gpts", type=int, default=10_000, help="small GPTs beside the one opened (default 10000)")
    parser.add_argument("--queries", type=int, default=100, help="questions per size (default 100)")
    parser.add_argument("--beside-chat", action="store_true", help="while the engine streams an answer")
    parser.add_argument("--keep", default="", help="a directory to keep the indexes in, for the next time")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    keep = options["keep"]
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        home = Path(folder)
        cold = measure_cold(home, options["gpts"], say)
        with chatting() if options["beside_chat"] else nullcontext():
            rows = [measure(home, n_chunks, options["queries"], say) for n_chunks in options["chunks"]]
    return {
        "beside_chat": options["beside_chat"],
        "gpts": options["gpts"],
        "cold_open_ms": cold,
        "sizes": {f"{row.chunks:,} chunks": asdict(row) for row in rows},
    }


def measure_cold(home: Path, n_gpts: int, say: Say) -> Mapping[str, float]:
    """Milliseconds to open a small index that is not in memory, among those of `n_gpts` GPTs."""
    corpus = SyntheticCorpus(384)
    say(f"Making {n_gpts:,} small indexes ...")
    made = [make_file(home, corpus, -number - 1 & 0xFFFF, SMALL_CHUNKS) for number in range(N_COLD)]
    _surround(home, made[0].segment, n_gpts)
    taken = []
    for ref in made:
        _drop_from_memory(segments.folder(home, ref.segment))
        cache = SegmentCache(home)
        started = time.perf_counter()
        cache.segment(ref.segment).chunk(0)
        taken.append(1000 * (time.perf_counter() - started))
    return percentiles(taken)


def _surround(home: Path, address: str, n: int) -> None:
    """Put `n` copies of a segment beside it, as hard links to a few real copies of its files."""
    source = segments.folder(home, address)
    for number in range(n):
        folder = source.parent / f"{number:032x}"
        if not folder.exists():
            if number % _LINKS == 0:
                shutil.copytree(source, folder)
                source = folder
                continue
            folder.mkdir()
            for path in source.iterdir():
                os.link(path, folder / path.name)


def _drop_from_memory(folder: Path) -> None:
    """Drop the files of a folder from the page cache."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


class TimedEmbedder(Embedder):
    """Returns synthetic vectors for questions, in the time that the real embedder takes to encode one."""

    def __init__(self, setting: str, threads: int) -> None:
        super().__init__(setting, threads)
        self.id = f"synthetic-{self.dim}"
        self.vectors: Mapping[str, Vectors] = {}
        self.taken: list[float] = []

    def encode_query(self, text: str) -> Vectors:
        """The synthetic vector of a question; an English one is encoded, as synthetic words have more tokens."""
        started = time.perf_counter()
        self.encode([f"How often must the filter of pump number {len(self.taken)} be replaced?"])
        self.taken.append(1000 * (time.perf_counter() - started))
        return self.vectors[text]


def measure(home: Path, n_chunks: int, n_queries: int, say: Say) -> ScaleFigures:
    """One GPT of `n_chunks` chunks, first without its joint index and then with it."""
    embedder = TimedEmbedder(settings.EMBEDDER, threads=max(1, (os.cpu_count() or 2) - 1))  # as the engine sets
    corpus = SyntheticCorpus(embedder.dim)
    say(f"Making {n_chunks:,} chunks ...")
    sizes = [min(FILE_CHUNKS, n_chunks - start) for start in range(0, n_chunks, FILE_CHUNKS)]
    refs = [make_file(home, corpus, number, size) for number, size in enumerate(sizes)]
    questions = draw_questions(home, refs, n_queries)
    common = " ".join(corpus.words[:10])
    embedder.vectors = questions | {common: next(iter(questions.values()))}
    addresses = [ref.segment for ref in refs]
    cache = SegmentCache(home)
    say("Searching exactly ...")
    exactly(cache, addresses, next(iter(questions.values())))  # opens all segments
    exact = [milliseconds(partial(exactly, cache, addresses, each)) for each in questions.values()]
    say("Building the joint index ...")
    started = time.perf_counter()
    is_built = unions.build(home, unions.request(home, addresses))
    union_s = time.perf_counter() - started if is_built else 0.0
    say("Searching ...")
    texts = [*questions, common]
    index = KnowledgeIndex(home, embedder)
    for text in texts:  # opens everything; it is then checked in the background
        index.search(refs, text)
    embedder.taken.clear()
    taken = [milliseconds(partial(index.search, refs, text)) for text in questions]
    common_taken = [milliseconds(partial(index.search, refs, common)) for _ in range(20)]
    own, mapped = _memory_mb()
    return ScaleFigures(
        chunks=n_chunks,
        files=len(refs),
        **{f"exact_{name}": value for name, value in percentiles(exact).items()},
        **percentiles(taken),
        common_words_p95=percentiles(common_taken)["p95"],
        encode_p50=round(median(embedder.taken), 1),
        recall_10=recall(cache, addresses, list(questions.values())),
        union_s=round(union_s, 1),
        own_mb=own,
        mapped_mb=mapped,
    )


def draw_questions(home: Path, refs: Sequence[KnowledgeRef], n: int) -> dict[str, Vectors]:
    """Questions of six words of a chunk, with vectors that have a cosine of QUESTION_COSINE to it."""
    rng = np.random.default_rng(7)
    found: dict[str, Vectors] = {}
    while len(found) < n:
        segment = segments.load(home, refs[int(rng.integers(len(refs)))].segment)
        row = int(rng.integers(segment.info.n_chunks))
        words = rng.choice(segment.chunk(row).text.split(), 6, replace=False)
        found[" ".join(words)] = near(np.asarray(segment.vectors.reconstruct(row)), QUESTION_COSINE, rng)
    return found


def exactly(cache: SegmentCache, addresses: Sequence[str], vector: Vectors) -> list[tuple[str, int]]:
    """The ten nearest chunks of all segments, searched one by one."""
    found = (
        (cosine, address, row) for address in addresses for cosine, row in cache.segment(address).nearest(vector, 10)
    )
    return [(address, row) for _, address, row in heapq.nlargest(10, found)]


def recall(cache: SegmentCache, addresses: Sequence[str], vectors: Sequence[Vectors]) -> float:
    """The share of the true ten nearest chunks that is found through the joint index."""
    store = FaissFiles(cache)
    n_found = 0
    for vector in vectors:
        found = {(hit.address, hit.row) for hit in store.search(addresses, vector, DEPTH)[:10]}
        n_found += len(found.intersection(exactly(cache, addresses, vector)))
    return round(n_found / (10 * len(vectors)), 4)


@contextmanager
def chatting() -> Iterator[None]:
    """Meanwhile the real engine streams one answer after the other in this process."""
    engine = open_engine(replace(engine_config(), engine="hf"))
    over = threading.Event()
    streaming = threading.Event()

    def chat() -> None:
        number = 0
        while not over.is_set():
            number += 1
            for _ in engine.stream(GenerationRequest(conversation("Beside", number), max_tokens=256)):
                streaming.set()
                if over.is_set():
                    break

    thread = threading.Thread(target=chat, daemon=True)
    thread.start()
    streaming.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()
        engine.close()


def _memory_mb() -> tuple[float, float]:
    """Resident memory of this process: anonymous, and mapped from files."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest}
    return sizes["RssAnon"] // 1024, sizes["RssFile"] // 1024
