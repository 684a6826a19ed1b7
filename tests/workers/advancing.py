"""Advances one run out of turn: what workers do with the one that is next."""

from collections.abc import Callable
from uuid import UUID

from gpts.runs.decisions import Queue
from web.runs import log
from workers.runs import loop
from workers.runs.services import Services


def advance(run_id: UUID, queue: Queue, services: Callable[[], Services]) -> None:
    """Work on this run until it waits, is over, or needs another queue; nothing if another worker has it."""
    if lease := log.claim(run_id):
        loop.advance_claimed(run_id, lease, queue, services)
