"""Wakes a worker for a run in a queue; it takes the run that is next (`fair_queue.py`), usually this one."""

from uuid import UUID

from django.db import transaction

from web.sending import send_task


def wake(run_id: UUID, queue: str = "model") -> None:
    """Wake a worker of `queue` once the current transaction has committed."""
    transaction.on_commit(lambda: send_task("workers.tasks.advance", str(run_id), queue=queue))


def wake_for_queued(conversation_id: UUID) -> None:
    """Have a worker send what waits in the conversation, once the current transaction has committed."""
    transaction.on_commit(lambda: send_task("workers.tasks.start_queued", str(conversation_id), queue="tools"))
