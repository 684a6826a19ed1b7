"""Wakes a worker for a run: by a message to its queue, or directly if this worker serves that queue."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from web.sending import send_task


@dataclass(slots=True)
class Taken:
    """A run woken by a worker of its `queue`, which advances it itself."""

    queue: str
    run_id: UUID | None = None


_taking: ContextVar[Taken | None] = ContextVar("taking", default=None)


@contextmanager
def taking_one(queue: str) -> Iterator[Taken]:
    """Take the first wake-up that this thread sends to `queue`; the caller must advance that run next.

    If the caller dies, Celery beat sends another, as for any lost message.
    """
    taken = Taken(queue)
    before = _taking.set(taken)
    try:
        yield taken
    finally:
        _taking.reset(before)


def wake(run_id: UUID, queue: str = "model") -> None:
    """Make a worker of `queue` advance the run once the current transaction has committed."""
    transaction.on_commit(lambda: _send(run_id, queue))


def requeue(run_id: UUID, queue: str) -> None:
    """Put the run behind all others that wait for a worker of `queue`."""
    send_task("workers.tasks.advance", str(run_id), queue=queue)


def _send(run_id: UUID, queue: str) -> None:
    taken = _taking.get()
    if taken is not None and taken.queue == queue and taken.run_id is None:
        taken.run_id = run_id
    else:
        send_task("workers.tasks.advance", str(run_id), queue=queue)
