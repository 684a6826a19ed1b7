"""Renews this process's leases from one thread for all runs.

The first token of a reply may take long (a full batch, a cold model), so leases are renewed here, with one UPDATE for
all, rather than in the token loop. When a process dies, its runs go to others after `log.LEASE`. When a lease is lost
(the run was stopped, or another worker has it), `Held.lost` is set, which the token loop checks.
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

# Also the longest time for which a stopped reply is still generated.
TICK_S: Final = 1.0


@dataclass(eq=False, slots=True)
class Held:
    """A lease that this process holds."""

    token: str
    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise LeaseLost if the lease is lost."""
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
        with _change:
            kept = list(_held)
        try:
            close_old_connections()  # after an error the old one may be unusable
            alive = log.renew([each.token for each in kept])
        except Exception:
            # Without this thread every long reply would be taken for a dead worker's.
            logger.exception("leases were not renewed; trying again")
        else:
            for each in kept:
                if each.token not in alive:
                    each.lost.set()
