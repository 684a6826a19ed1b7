"""Waking a worker for a run."""

from uuid import UUID

from django.db import transaction

from web.sending import send_task


def wake(run_id: UUID, queue: str = "model") -> None:
    """Ask a worker of `queue` to advance the run, once the current transaction has committed."""
    transaction.on_commit(lambda: send_task("workers.tasks.advance", str(run_id), queue=queue))
