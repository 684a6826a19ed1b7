"""Makes an uploaded file ready: the bridge from its row to the knowledge pipeline.

A worker claims the row by a conditional update and extends the claim as it reports progress. `claimed_until` is also
the fence: a row that was removed, or that another worker took after this one stalled, matches no update any more, and
the work stops there. Losing the message or the worker is harmless; the row is sent again when its claim runs out.
"""

import logging
import os
import signal
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from web.builder.models import KnowledgeFile
from web.builder.services import file_became_ready
from workers.knowledge.embed import Embedder, shared_embedder
from workers.knowledge.errors import KnowledgeError
from workers.knowledge.pipeline import Progress, build_segment

logger = logging.getLogger(__name__)

# Longer than loading the embedder and one batch take on a busy machine.
CLAIM: Final = timedelta(seconds=60)
# Between two writes of progress; also how long a removed file goes on being read.
SAVE_EVERY_S: Final = 0.5
# How long the embedder stays in memory after the last file; a new process has it back in some seconds.
IDLE_S: Final = 60.0
UNEXPECTED: Final = "Something went wrong while reading this file; try again, or upload it in another format."


class ClaimLost(Exception):
    """The file was removed, or another worker has it."""


def index_file(file_id: UUID) -> None:
    """Parse, chunk and embed the file and mark it ready or failed; nothing if it is done, removed or claimed."""
    file = claim(file_id)
    if file is None:
        return
    held = Claim(file)
    try:
        # One core stays free for the site; two busy compute threads on two cores collapse (measured 2026-11).
        embedder = _embedder()
        info = build_segment(settings.GUILDHALL_HOME, file.path, embedder, held.report)
        held.save(
            status=KnowledgeFile.Status.READY,
            segment=info.address,
            n_chunks=info.n_chunks,
            n_done=info.n_chunks,
            n_pages=info.n_pages,
            n_tokens=info.n_tokens,
        )
        file_became_ready(file)
    except ClaimLost:
        logger.info("stopped indexing %s: removed or taken over", file_id)
    except KnowledgeError as error:
        held.fail(str(error))
    except Exception:
        logger.exception("indexing %s failed", file_id)
        held.fail(UNEXPECTED)


def claim(file_id: UUID) -> KnowledgeFile | None:
    """The file's row, now this worker's, or None if there is nothing to do or another worker is at it."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = KnowledgeFile.objects.filter(free, id=file_id, removed=None).exclude(status__in=KnowledgeFile.SETTLED)
    claimed = due.update(
        status=KnowledgeFile.Status.PARSING, claimed_until=now + CLAIM, n_done=0, n_chunks=0, error=""
    )
    return KnowledgeFile.objects.filter(id=file_id, claimed_until=now + CLAIM).first() if claimed else None


class Claim:
    """A claimed row and the only writer of its progress."""

    def __init__(self, file: KnowledgeFile) -> None:
        self._id = file.id
        self._until: datetime | None = file.claimed_until
        self._state = "parsing"
        self._saved = monotonic()

    def report(self, progress: Progress) -> None:
        """Save `progress` if it is news or time. Raises ClaimLost."""
        due = monotonic() - self._saved >= SAVE_EVERY_S
        if progress.state != self._state or due:
            self._state = progress.state
            self._saved = monotonic()
            self.save(status=progress.state, n_done=progress.n_done, n_chunks=progress.n_chunks)

    def save(self, **fields: Any) -> None:
        """Write `fields` and extend the claim. Raises ClaimLost if the row is gone or another worker's."""
        until = timezone.now() + CLAIM
        held = KnowledgeFile.objects.filter(id=self._id, claimed_until=self._until, removed=None)
        if not held.update(claimed_until=until, **fields):
            raise ClaimLost
        self._until = until

    def fail(self, reason: str) -> None:
        """Mark the file failed for `reason`, unless it is no longer this worker's."""
        held = KnowledgeFile.objects.filter(id=self._id, claimed_until=self._until, removed=None)
        held.update(status=KnowledgeFile.Status.FAILED, error=reason[:300], claimed_until=None)


def retire_if_idle() -> None:
    """End this worker process, to be started anew by its supervisor, once it has embedded files and then had none.

    What torch and its models bring into a process stays there until it ends: 450 MB that nobody uses between uploads.
    A worker that answers questions never calls this.
    """
    if _embedder().idle_s() > IDLE_S:
        logger.info("no files to index: making room by starting this worker anew")
        os.kill(os.getpid(), signal.SIGTERM)


def _embedder() -> Embedder:
    return shared_embedder(settings.EMBEDDER, threads=max(1, (os.cpu_count() or 2) - 1))
