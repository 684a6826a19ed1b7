"""Makes an uploaded file ready: the bridge from its row to the knowledge pipeline.

A worker claims a row by a conditional update and extends the claim as it reports progress. `claimed_until` is also
the fence: a row that was cancelled, removed or decided on anew, or that another worker took after this one stalled,
matches no update any more, and the work stops there. Losing the message or the worker is harmless; the row is sent
again when its claim runs out.

Messages only say that there is something to do: a worker takes the file that is due first. Those of people for
whom least is being read go first, small ones before large ones, so that nobody waits for another's thousand pages.
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
from django.db.models import Q, QuerySet
from django.utils import timezone

from gpts.knowledge.documents import Document
from web.builder.files import file_became_ready, queue_indexing
from web.builder.models import KnowledgeFile
from workers.indexing.lost_segments import restore_versions
from workers.knowledge.content import SegmentInfo
from workers.knowledge.embed import Embedder, shared_embedder
from workers.knowledge.errors import KnowledgeError, Quarantined
from workers.knowledge.pipeline import IndexingProgress, build_segment

logger = logging.getLogger(__name__)

# Longer than loading the embedder and one batch take on a busy machine.
CLAIM: Final = timedelta(seconds=60)
# Between two writes of progress; also how long a cancelled file goes on being read.
SAVE_EVERY_S: Final = 0.5
# How long the embedder stays in memory after the last file; a new process has it back in some seconds.
IDLE_S: Final = 60.0
# Of one person's files larger than this only one is read at a time: two would hold both threads of a tools worker.
# Two million bytes of text are about half a million tokens: 40 s of embedding on two cores (measured 2026-11).
LARGE_BYTES: Final = 2_000_000
# Looked at when choosing the next file, smallest first.
CANDIDATES: Final = 200
UNEXPECTED: Final = "Something went wrong while reading this file. Try again, or upload it in another format."


class ClaimLost(Exception):
    """The file was cancelled, removed or decided on anew, or another worker has it."""


def index_next() -> None:
    """Parse, chunk and embed the file that is due first and say on its row how that ended; nothing if none is."""
    file = claim_next()
    if file is None:
        return
    index(file)
    if file.size > LARGE_BYTES:  # its owner's next large one was left out so far
        for waiting in KnowledgeFile.objects.filter(id__in=in_fair_order(due(timezone.now()))[:1]):
            queue_indexing(waiting)


def index(file: KnowledgeFile) -> None:
    """Make the claimed `file` ready, or say on its row why not."""
    held = Claim(file)
    try:
        info = build_segment(settings.GUILDHALL_HOME, file.path, embedder(), held.report, file.decisions)
        held.finish(info)
        restore_versions(file.id, embedder().id)
        file_became_ready(file)
    except ClaimLost:
        logger.info("stopped indexing %s: cancelled, removed or taken over", file.id)
    except Quarantined as found:
        held.quarantine(found.document)
    except KnowledgeError as error:
        held.fail(str(error))
    except Exception:
        logger.exception("indexing %s failed", file.id)
        held.fail(UNEXPECTED)


def claim_next() -> KnowledgeFile | None:
    """The row of the file that is due first, now this worker's; None if none is or other workers were quicker."""
    for file_id in in_fair_order(due(timezone.now())):
        if (file := claim(file_id)) is not None:
            return file
    return None


def due(now: datetime) -> "QuerySet[KnowledgeFile]":
    """The files that wait for a worker."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return KnowledgeFile.objects.filter(free).exclude(status__in=KnowledgeFile.SETTLED)


def in_fair_order(files: "QuerySet[KnowledgeFile]") -> list[UUID]:
    """The ids of `files` as they should be read: those of people for whom least is being read, then the smallest.

    A second large file of one person is left out until the first is done.
    """
    at_work = KnowledgeFile.objects.filter(claimed_until__gte=timezone.now()).values_list("gpt__owner", "size")
    busy = Counter(owner for owner, _ in at_work)
    large = {owner for owner, size in at_work if size > LARGE_BYTES}
    waiting = files.order_by("size", "created").values_list("id", "gpt__owner", "size")[:CANDIDATES]
    fit = [(busy[owner], file_id) for file_id, owner, size in waiting if size <= LARGE_BYTES or owner not in large]
    return [file_id for _, file_id in sorted(fit, key=lambda each: each[0])]


def claim(file_id: UUID) -> KnowledgeFile | None:
    """The file's row, now this worker's, or None if there is nothing to do or another worker is at it."""
    now = timezone.now()
    until = now + CLAIM
    fresh = {"n_done": 0, "n_chunks": 0, "n_read": 0, "error": "", "started": now, "claimed_until": until}
    claimed = due(now).filter(id=file_id).update(status=KnowledgeFile.Status.PARSING, **fresh)
    return KnowledgeFile.objects.filter(id=file_id, claimed_until=until).first() if claimed else None


class Claim:
    """A claimed row and the only writer of its progress."""

    def __init__(self, file: KnowledgeFile) -> None:
        self._id = file.id
        self._until: datetime | None = file.claimed_until
        self._state = "parsing"
        self._saved = monotonic()

    def report(self, progress: IndexingProgress) -> None:
        """Save `progress` if it is news or time. Raises ClaimLost."""
        news = progress.state != self._state
        if not news and monotonic() - self._saved < SAVE_EVERY_S:
            return
        fields: dict[str, Any] = {"status": progress.state, "n_done": progress.n_done, "n_chunks": progress.n_chunks}
        if progress.n_pages:
            fields |= {"n_read": progress.n_read, "n_pages": progress.n_pages}
        if news:
            fields["started"] = timezone.now()
        self._state, self._saved = progress.state, monotonic()
        self.save(**fields)

    def save(self, **fields: Any) -> None:
        """Write `fields` and extend the claim. Raises ClaimLost if the row is no longer this worker's."""
        until = timezone.now() + CLAIM
        if not self._held().update(claimed_until=until, **fields):
            raise ClaimLost
        self._until = until

    def finish(self, info: SegmentInfo) -> None:
        """Mark the file ready with what its segment holds. Raises ClaimLost."""
        ended = self._held().update(
            status=KnowledgeFile.Status.READY,
            claimed_until=None,
            segment=info.address,
            n_chunks=info.n_chunks,
            n_done=info.n_chunks,
            n_pages=info.n_pages,
            n_tokens=info.n_tokens,
            **_learnt(info),
        )
        if not ended:
            raise ClaimLost

    def quarantine(self, document: Document) -> None:
        """Let the file wait for its owner's decisions, unless it is no longer this worker's."""
        self._held().update(status=KnowledgeFile.Status.QUARANTINED, claimed_until=None, **_learnt(document))

    def fail(self, reason: str) -> None:
        """Mark the file failed for `reason`, unless it is no longer this worker's."""
        self._held().update(status=KnowledgeFile.Status.FAILED, error=reason[:300], claimed_until=None)

    def _held(self) -> "QuerySet[KnowledgeFile]":
        return KnowledgeFile.objects.filter(id=self._id, claimed_until=self._until)


def _learnt(source: SegmentInfo | Document) -> dict[str, Any]:
    """What reading told about the file, as fields of its row."""
    return {
        "unit": source.unit,
        "language": source.language,
        "notices": [each.model_dump() for each in source.notices],
        "findings": [each.model_dump(mode="json") for each in source.findings],
    }


def retire_if_idle() -> None:
    """End this worker process, to be started anew by its supervisor, once it has embedded files and then had none.

    What torch and its models bring into a process stays there until it ends: 450 MB that nobody uses between uploads.
    A worker that answers questions never calls this.
    """
    if embedder().idle_s() > IDLE_S:
        logger.info("no files to index: making room by starting this worker anew")
        os.kill(os.getpid(), signal.SIGTERM)


def embedder() -> Embedder:
    """This process's embedder, whose weights load with the first text."""
    # One core stays free for the site; two busy compute threads on two cores collapse (measured 2026-11).
    return shared_embedder(settings.EMBEDDER, threads=max(1, (os.cpu_count() or 2) - 1))
