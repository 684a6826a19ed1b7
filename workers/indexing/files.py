"""Indexes files, of GPTs' knowledge and attached to messages: connects their rows with the knowledge pipeline.

A worker claims a row by a conditional update and extends the claim as it reports progress. `claimed_until` is also
the fence: a row that was cancelled, removed or decided on again, or that another worker took after this one stalled,
matches no further update, and the work stops. Losing a message or a worker is harmless, because the row is queued
again when its claim expires.

Messages name no file: a worker takes the one that is due first. People with the fewest files in work go first, then
those served longest ago; of one person's files, small ones. One of a worker's slots never takes a large one. So
nobody waits for another's thousand pages, or hundred files.
"""

import logging
import os
import signal
from collections import Counter
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from gpts.knowledge.documents import Document
from web.builder import notify
from web.builder.files import file_became_ready, tell_if_read
from web.builder.models_files import FileToRead, KnowledgeFile
from web.builder.sources import publish_files
from web.runs.fair_queue import NEVER, serve, served
from web.runs.files import point_steps_at
from web.runs.models import ConversationFile
from web.runs.models_stores import StoreFile
from workers.indexing.attachments import read_attachment
from workers.indexing.contexts import request as request_lines
from workers.indexing.lost_segments import restore_versions
from workers.indexing.store_texts import encoder
from workers.isolation.errors import FileError
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder, shared_embedder
from workers.knowledge.errors import Quarantined
from workers.knowledge.pipeline import IndexingProgress, build_segment

logger = logging.getLogger(__name__)

# Longer than loading the embedder and encoding a batch take on a busy machine.
CLAIM: Final = timedelta(seconds=60)
# Between two writes of progress; also how long it takes to notice that a file was cancelled.
SAVE_EVERY_S: Final = 0.5
# How long the embedder stays in memory after the last file; a new process loads it in a few seconds.
IDLE_S: Final = 60.0
# Of one person's files larger than this, only one is read at a time, so that two people can have one read.
# Two million bytes of text are about half a million tokens: 40 s of embedding on two cores (measured 2026-11).
LARGE_BYTES: Final = 2_000_000
# How many large files this process reads at once: one less than its slots (workers/slots.py).
LARGE_AT_ONCE: Final = 2
# The large files that this process is reading.
_large: Final[set[UUID]] = set()
# How long a person may still wait for a file that they added.
WATCHED: Final = timedelta(days=1)
# The kinds of files, and the path to the owner of each.
OWNERS: Final[dict[type[FileToRead], str]] = {
    ConversationFile: "owner",
    StoreFile: "store__owner",
    KnowledgeFile: "gpt__owner",
}
UNEXPECTED: Final = "Something went wrong while reading this file. Try again, or upload it in another format."


class ClaimLost(Exception):
    """The file was cancelled, removed or decided on again, or another worker has it."""


def index_next() -> bool:
    """Index the file that is due first, and record the result on its row. False if none is due."""
    file = claim_next(_takes_large())
    if file is None:
        return False
    if file.size > LARGE_BYTES:
        _large.add(file.id)
    try:
        index(file)
    finally:
        _large.discard(file.id)
    return True


def _takes_large() -> bool:
    return len(_large) < LARGE_AT_ONCE


def index(file: FileToRead) -> None:
    """Index the claimed `file`, and record the result on its row."""
    claimed = Claim(file)
    try:
        if isinstance(file, ConversationFile | StoreFile):
            claimed.finish(read_attachment(file, embedder(), claimed.report))
        elif isinstance(file, KnowledgeFile):
            home, owner = settings.GUILDHALL_HOME, str(file.gpt.owner_id)
            corrections = file.passage_corrections()
            info = build_segment(home, file.path, embedder(), claimed.report, file.decisions, owner, corrections)
            claimed.finish(info)
            if settings.CONTEXTUAL_CHUNKS:
                request_lines(info.address)
            restore_versions(file.id, embedder().id)
            file_became_ready(file)
    except ClaimLost:
        logger.info("stopped indexing %s: cancelled, removed or taken over", file.id)
    except Quarantined as found:
        claimed.quarantine(found.document)
    except FileError as error:
        claimed.fail(str(error))
    except Exception:
        logger.exception("indexing %s failed", file.id)
        claimed.fail(UNEXPECTED)
    if isinstance(file, KnowledgeFile) and file.source_id:
        publish_files(file.gpt)
    if isinstance(file, ConversationFile) and file.conversation_id:  # it was sent, and is read again
        point_steps_at(file)


def claim_next(takes_large: bool = True) -> FileToRead | None:
    """Claim the file that is due first; None if there is none or other workers were faster."""
    while order := in_fair_order(takes_large):
        kind, file_id, person = order[0]
        if (file := claim(kind, file_id)) is not None:
            serve(person, "index")
            return file
    return None


def due(kind: type[FileToRead], now: datetime) -> "QuerySet[Any]":
    """The files of this kind that wait to be indexed."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return kind.objects.filter(free).exclude(status__in=kind.SETTLED)


def in_fair_order(takes_large: bool = True) -> list[tuple[type[FileToRead], UUID, int]]:
    """The kind, id and person of each person's next file, in the order to index them.

    People with the fewest in work go first, then those served longest ago, then small files. Those added before
    yesterday, which are read again after an upgrade, follow new ones. A second large file of one person is left out
    until the first is done.
    """
    now = timezone.now()
    at_work = [
        each
        for kind, owner in OWNERS.items()
        for each in kind.objects.filter(claimed_until__gte=now).values_list(owner, "size")
    ]
    busy = Counter(owner for owner, _ in at_work)
    large = {owner for owner, size in at_work if size > LARGE_BYTES}
    order = ("is_old", "size", "created")
    fit = []
    for kind, owner in OWNERS.items():
        fits = Q(size__lte=LARGE_BYTES) | ~Q(**{f"{owner}__in": large}) if takes_large else Q(size__lte=LARGE_BYTES)
        waiting = due(kind, now).filter(fits).annotate(is_old=Q(created__lt=now - WATCHED))
        firsts = waiting.annotate(place=Window(RowNumber(), partition_by=owner, order_by=order)).filter(place=1)
        fit += [(who, *place, kind, file_id) for file_id, who, *place in firsts.values_list("id", owner, *order)]
    last = served("index", {who for who, *_ in fit})
    fit.sort(key=lambda each: (each[1], busy[each[0]], last.get(each[0], NEVER), *each[2:4]))
    return [(kind, file_id, person) for person, *_, kind, file_id in fit]


def claim(kind: type[FileToRead], file_id: UUID) -> FileToRead | None:
    """Claim the file's row; None if it is not due or another worker has it."""
    now = timezone.now()
    until = now + CLAIM
    fresh = {"n_done": 0, "n_chunks": 0, "n_read": 0, "error": "", "started": now, "claimed_until": until}
    claimed = due(kind, now).filter(id=file_id).update(status=FileToRead.Status.PARSING, **fresh)
    return kind.objects.filter(id=file_id, claimed_until=until).first() if claimed else None


class Claim:
    """A claimed row; only this writes its progress."""

    def __init__(self, file: FileToRead) -> None:
        self._kind = type(file)
        self._id = file.id
        self._until: datetime | None = file.claimed_until
        self._state = "parsing"
        self._saved = monotonic()

    def report(self, progress: IndexingProgress) -> None:
        """Save `progress` if its state changed or SAVE_EVERY_S have passed. Raises ClaimLost."""
        is_new_state = progress.state != self._state
        if not is_new_state and monotonic() - self._saved < SAVE_EVERY_S:
            return
        fields: dict[str, Any] = {"status": progress.state, "n_done": progress.n_done, "n_chunks": progress.n_chunks}
        if progress.n_pages:
            fields |= {"n_read": progress.n_read, "n_pages": progress.n_pages}
        if is_new_state:
            fields["started"] = timezone.now()
        self._state, self._saved = progress.state, monotonic()
        self.save(**fields)

    def save(self, **fields: Any) -> None:
        """Write `fields` and extend the claim. Raises ClaimLost."""
        until = timezone.now() + CLAIM
        if not self._held().update(claimed_until=until, **fields):
            raise ClaimLost
        self._until = until

    def finish(self, info: SegmentInfo) -> None:
        """Mark the file ready, with its segment's metadata. Raises ClaimLost."""
        ended = self._held().update(
            status=FileToRead.Status.READY,
            claimed_until=None,
            segment=info.address,
            n_chunks=info.n_chunks,
            n_done=info.n_chunks,
            n_pages=info.n_pages,
            n_tokens=info.n_tokens,
            **self._metadata(info),
        )
        if not ended:
            raise ClaimLost

    def quarantine(self, document: Document) -> None:
        """Mark the file as waiting for its owner's decisions, if it is still claimed."""
        status = FileToRead.Status.QUARANTINED
        if self._held().update(status=status, claimed_until=None, **self._metadata(document)):
            self._tell()

    def fail(self, reason: str) -> None:
        """Mark the file failed for `reason`, if it is still claimed."""
        if self._held().update(status=FileToRead.Status.FAILED, error=reason[:300], claimed_until=None):
            self._tell("file.failed")

    def _tell(self, event: str = "") -> None:
        """Tell the GPT's webhooks of the file, and of all of them if it was the last."""
        if self._kind is KnowledgeFile:
            of = KnowledgeFile.objects.select_related("gpt").get(id=self._id)
            if event:
                notify.of_gpt(of.gpt, event, file=str(of.pk))
            tell_if_read(of.gpt)

    def _held(self) -> "QuerySet[Any]":
        return self._kind.objects.filter(id=self._id, claimed_until=self._until)

    def _metadata(self, source: SegmentInfo | Document) -> dict[str, Any]:
        """What parsing found about the file, as fields of its row."""
        facts: dict[str, Any] = {
            "unit": source.unit,
            "language": source.language,
            "notices": [each.model_dump() for each in source.notices],
        }
        if self._kind is KnowledgeFile:  # whose owner decides on them
            facts["findings"] = [each.model_dump(mode="json") for each in source.findings]
        return facts


def retire_if_idle() -> None:
    """End this worker process, which its supervisor restarts, if it has embedded files or GPTs and then been idle.

    The memory of torch and its models, 450 MB, is not freed before the process ends. Workers that answer questions
    never call this.
    """
    idle = [each.idle_s() for each in (embedder(), encoder(embedder()))]
    if min((seconds for seconds in idle if seconds is not None), default=0.0) <= IDLE_S:
        return
    # A worker that ends takes no further files while it reads its last one, which may be a long scan.
    if not any(kind.objects.filter(claimed_until__gte=timezone.now()).exists() for kind in OWNERS):
        logger.info("no files to index: restarting this worker to free memory")
        os.kill(os.getpid(), signal.SIGTERM)


def embedder() -> Embedder:
    """This process's embedder, which loads on first use."""
    # One core stays free for the site; two busy compute threads on two cores are much slower (measured 2026-11).
    threads = max(1, (os.cpu_count() or 2) - 1)
    return shared_embedder(settings.EMBEDDER, threads, settings.GUILDHALL_HOME)
