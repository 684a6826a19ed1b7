"""Gives each chunk of GPTs' files a line of context, by which search finds it as well.

A file is used at once. While no run is under way, a model worker writes the lines into the folder of the segment's
notes, one after the other: a worker that is killed, or stopped by a chat, loses one. When all are there, it makes the
segment's twin, which has them among its words and in its vectors but not in its text, and the file and the versions
of its GPT get that. As segments are immutable, none is done twice.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from django.conf import settings

from gpts.knowledge.documents import Document
from gpts.knowledge.terms import terms
from gpts.runs.search_texts import BEGINNING_CHARS, MAX_TOKENS, context_request, read_written
from web.builder.files import point_versions_at
from web.builder.models_files import KnowledgeFile
from web.runs.fair_queue import is_idle
from workers.engine.base import PromptTooLong
from workers.isolation.errors import FileError
from workers.knowledge import publishing, segments
from workers.knowledge.content import Content, Segment
from workers.knowledge.embed import Embedder, Vectors, normalised
from workers.knowledge.lexical import Postings
from workers.knowledge.unions import MANY_SEGMENTS
from workers.runs.services import Services
from workers.runs.writing import Show, write

logger = logging.getLogger(__name__)

# Between two looks for runs while a line is written.
LOOK_EVERY_S: Final = 0.5
LINES: Final = "contexts.txt"
# Of a file that gets lines: a small model on two cores writes one in two to five seconds (measured 2026-11). Nor do
# the many files of a GPT get any, as each new segment makes their joint index anew.
MOST_CHUNKS: Final = 5_000
# What a line of context counts in the vector of its chunk. With the lines of a large model 400 texts of TAT-QA and
# 300 functions of CoSQA go from 77.7 and 88.1 to 79.4 and 88.2, with lines among the words alone to 79.1 and 87.6;
# not chosen on: questions about nine code bases from 75.6 to 79.5 and 77.9 (nDCG@10, 2026-11).
LINE_WEIGHT: Final = 0.3
# Segments that are looked at in one go.
AT_ONCE: Final = 1_000


class RunWaits(Exception):
    """A run is under way, which goes first; the line is written again later."""


def request(address: str) -> None:
    """Have lines written for the segment, unless it has some or cannot be used."""
    with suppress(FileError):
        if not segments.recipe_of(settings.GUILDHALL_HOME, address).contexts:
            lines = _lines(address)
            lines.parent.mkdir(parents=True, exist_ok=True)
            lines.touch()


def request_missing() -> None:
    """Have lines written for all files that have none yet."""
    for address in KnowledgeFile.objects.exclude(segment="").values_list("segment", flat=True).distinct():
        request(address)


def write_lines(services: Services) -> None:
    """Write the lines that segments lack, of small files first, unless the model cannot or has other work.

    Raises EngineError.
    """
    if not services.engine.ability().writes_from_sources:
        return
    lacking = islice((settings.GUILDHALL_HOME / "notes").glob(f"*/{LINES}"), AT_ONCE)
    wanted = KnowledgeFile.objects.filter(segment__in=[lines.parent.name for lines in lacking])
    try:
        for file in wanted.filter(n_chunks__lte=MOST_CHUNKS).order_by("n_chunks"):
            if KnowledgeFile.objects.filter(gpt=file.gpt_id, removed=None).count() <= MANY_SEGMENTS:
                _write_lines(file, services, unless_run_waits())
    except RunWaits:
        return


def line_of(segment: Segment, row: int, name: str, begins: int, services: Services, check: Show) -> str:
    """A line for the chunk with this number, of a file called `name` whose text begins at `begins` of the segment's.

    Raises EngineError, or what `check` raises to stop.
    """
    chunk = segment.chunk(row)
    beginning = segment.part(begins, min(chunk.start, begins + BEGINNING_CHARS))
    request = context_request(name, beginning, chunk.heading, chunk.text)
    try:
        return read_written(write(request, MAX_TOKENS, services, check).text)
    except PromptTooLong:
        return ""


def with_contexts(segment: Segment, lines: Sequence[str], embedder: Embedder) -> Content:
    """The content of the segment, each of whose chunks is found by its line of `lines` as well, where it has one."""
    starts, blocks = segment.columns["block_starts"].tolist(), segment.blocks_from(0)
    pinned = {start for start, _ in segment.info.pinned}
    return Content(
        document=Document(
            title=segment.info.title,
            blocks=tuple(b.model_copy(update={"pinned": at in pinned}) for at, b in zip(starts, blocks, strict=True)),
            **{name: getattr(segment.info, name) for name in ("unit", "language", "notices", "findings")},
        ),
        chunks=tuple(map(segment.chunk, range(segment.info.n_chunks))),
        n_tokens=segment.info.n_tokens,
        vectors=_mixed(segment.vectors.reconstruct_n(0, segment.info.n_chunks), lines, embedder),
        postings=segment.postings.plus(Postings.of([terms(line) for line in lines])),
    )


def _mixed(vectors: Vectors, lines: Sequence[str], embedder: Embedder) -> Vectors:
    """The vectors of chunks, each with that of its line if it has one; normalised, the others stay as they are."""
    given = [number for number, line in enumerate(lines) if line]
    mixed = (1 - LINE_WEIGHT) * vectors
    mixed[given] += LINE_WEIGHT * embedder.encode([lines[number] for number in given])
    return normalised(mixed)


def _write_lines(file: KnowledgeFile, services: Services, check: Show) -> None:
    lines = _lines(file.segment)
    with publishing.locked(lines.with_suffix(".lock")) as is_locked:
        if not is_locked or not lines.exists():
            return
        try:
            segment = segments.load(settings.GUILDHALL_HOME, file.segment)
        except FileError:
            logger.exception("no lines of context for %s", file.segment)
            return
        if segment.embedder != services.embedder.id:
            return  # its file is read again
        written = lines.read_text("utf-8").split("\n")[:-1]
        lines.write_text("".join(f"{line}\n" for line in written), "utf-8")  # without half a line
        with lines.open("a", encoding="utf-8") as target:
            for row in range(len(written), segment.info.n_chunks):
                check("")
                written.append(line_of(segment, row, file.name, 0, services, check))
                target.write(f"{written[-1]}\n")
                target.flush()
        _use(segment, written, services.embedder)
        lines.unlink()


def _use(segment: Segment, lines: Sequence[str], embedder: Embedder) -> None:
    """Make the segment's twin with these lines, and give it to the files that have the segment."""
    home, address = settings.GUILDHALL_HOME, segment.info.address
    recipe = replace(segments.recipe_of(home, address), contexts=True)
    twin = segments.write(home, recipe, with_contexts(segment, lines, embedder)).address
    for file in KnowledgeFile.objects.filter(segment=address):
        if KnowledgeFile.objects.filter(id=file.id, segment=address).update(segment=twin):
            file.segment = twin
            point_versions_at(file, address.__eq__)


def unless_run_waits() -> Show:
    """A check that raises RunWaits soon after a run came."""
    looked = 0.0

    def check(text: str) -> None:
        nonlocal looked
        if time.monotonic() - looked >= LOOK_EVERY_S:
            looked = time.monotonic()
            if not is_idle("model"):
                raise RunWaits

    return check


def _lines(address: str) -> Path:
    return settings.GUILDHALL_HOME / "notes" / address / LINES
