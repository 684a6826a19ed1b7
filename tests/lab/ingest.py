"""`python -m tests.lab ingest DIR`: files through the whole pipeline, against the bare embedder on the same chunks.

As in a tools worker, two files are processed at a time, so that one is parsed while the other is embedded. The bare
embedder is the same model in the same precision and with the same threads, given all chunks at once: its time is the
lower bound for any pipeline.
"""

import os
import resource
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from tests.lab.collection import Collection, packed
from tests.lab.files import accepted_segment
from workers.bench import Say
from workers.isolation.errors import FileError
from workers.knowledge.embed import BATCH, Embedder, Vectors, load_model

HELP = "files through the whole pipeline, against the bare embedder on the same chunks"

# As many files at once as a tools worker takes (deploy/supervisor.conf).
AT_ONCE: Final = 2
# The documents of a corpus.jsonl are packed into Markdown files of about this size: with one file each, starting the
# parser processes would dominate.
PACK_CHARS: Final = 50_000


class Recorder(Embedder):
    """The embedder, recording the texts that it embeds."""

    def __init__(self, setting: str, threads: int) -> None:
        super().__init__(setting, threads)
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`."""
        self.texts.extend(texts)
        return super().encode(texts)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", type=Path, help="files of any kind, or a BEIR-style folder")
    parser.add_argument("--limit", type=int, default=0, help="at most this many files (default all)")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    folder = options["folder"]
    if not folder.is_dir():
        raise RuntimeError(f"{folder} is not a folder.")
    with _sources(folder, options["limit"]) as (paths, n_documents), tempfile.TemporaryDirectory() as home:
        return measure(paths, n_documents, Path(home), say)


@contextmanager
def _sources(folder: Path, limit: int) -> Iterator[tuple[list[Path], int]]:
    """The files to read and the number of documents in them."""
    if not (folder / "corpus.jsonl").is_file():
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        paths = paths[: limit or None]
        yield paths, len(paths)
        return
    with tempfile.TemporaryDirectory() as packs:
        paths, n_documents = [], 0
        groups = packed(Collection(folder, {}, {}).documents(), PACK_CHARS)
        for number, group in enumerate(islice(groups, limit or None)):
            path = Path(packs) / f"{number:05}.md"
            path.write_text("".join(f"# {each.title or each.id}\n\n{each.text}\n\n" for each in group), "utf-8")
            paths.append(path)
            n_documents += len(group)
        yield paths, n_documents


def measure(paths: Sequence[Path], n_documents: int, home: Path, say: Say) -> dict[str, Any]:
    """Read all files, then encode their chunks again with the bare embedder.

    `ratio`: the pipeline's tokens per second over the bare embedder's; `parser_peak_mb`: of the largest parser.
    """
    threads = max(1, (os.cpu_count() or 2) - 1)  # as in indexing.py
    recorder = Recorder(settings.EMBEDDER, threads)
    recorder.encode(["warm"])
    recorder.texts.clear()
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reasons = list(pool.map(lambda path: _read(path, home, recorder), paths))
    seconds = time.perf_counter() - started
    refused = [f"{path.name}: {reason}" for path, reason in zip(paths, reasons, strict=True) if reason]
    for line in refused:
        say(line)
    if not recorder.texts:
        raise RuntimeError("No file could be read.")
    n_tokens = sum(recorder.count_tokens(recorder.texts))
    peaks = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    say("Encoding the same chunks with the bare embedder ...")
    bare_s = _bare_seconds(recorder.folder, threads, recorder.texts)
    return {
        "files": len(paths),
        "refused": len(refused),
        "documents": n_documents,
        "chunks": len(recorder.texts),
        "tokens": n_tokens,
        "seconds": round(seconds, 2),
        "documents_per_s": round(n_documents / seconds, 2),
        "tokens_per_s": round(n_tokens / seconds, 1),
        "bare_tokens_per_s": round(n_tokens / bare_s, 1),
        "ratio": round(bare_s / seconds, 3),
        "peak_mb": peaks[0],
        "parser_peak_mb": peaks[1],
    }


def _read(path: Path, home: Path, recorder: Recorder) -> str:
    """Why the file was refused, empty if it was not."""
    try:
        accepted_segment(home, path, recorder)
    except FileError as error:
        return str(error)
    return ""


def _bare_seconds(folder: Path, threads: int, texts: Iterable[str]) -> float:
    model = load_model(folder, threads)
    model.encode(["warm"], show_progress_bar=False)
    started = time.perf_counter()
    model.encode(list(texts), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True)
    return time.perf_counter() - started
