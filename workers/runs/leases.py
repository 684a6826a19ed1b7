"""Keeping this process's leases alive, from one thread for all runs.

A reply may wait long for its first token (a full batch, a cold model), when no token loop turns; so leases are
renewed here, with one UPDATE for all. A process that dies stops renewing and its runs go to others after `log.LEASE`.
A lease that is gone (the run was stopped, or another worker has it) sets `Held.lost`, which the token loop looks at.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import close_old_connections

from web.runs import log
from web.runs.errors import LeaseLost

logger = logging.getLogger(__name__)

# Also how long a stopped reply goes on generating unseen.
TICK_S: Final = 1.0


@dataclass(eq=False, slots=True)
class Held:
    """A lease that this process holds."""

    token: str
    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise LeaseLost once the lease is gone."""
        if self.lost.is_set():
            raise LeaseLost


_held: set[Held] = set()
_change = threading.Condition()
_keeper: threading.Thread | None = None


@contextmanager
def keep(token: str) -> Iterator[Held]:
    """Renew the lease `token` while the block runs."""
    global _keeper
    held = Held(token)
    with _change:
        _held.add(held)
        if _keeper is None:
            _keeper = threading.Thread(target=_keep_all, name="lease-keeper", daemon=True)
            _keeper.start()
        _change.notify()
    try:
        yield held
    finally:
        with _change:
            _held.discard(held)


def _keep_all() -> None:
    while True:
        with _change:
            while not _held:
                _change.wait()
        threading.Event().wait(TICK_S)
        kept = held()
        try:
            close_old_connections()  # after an error the old one may be of no more use
            alive = log.renew([each.token for each in kept])
        except Exception:
            # Whatever it was: without this thread, every long reply would be taken for a dead worker's.
            logger.exception("leases were not renewed; trying again")
        else:
            for each in kept:
                if each.token not in alive:
                    each.lost.set()


def held() -> list[Held]:
    """The leases that this process holds now."""
    with _change:
        return list(_held)
