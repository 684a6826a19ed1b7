"""The wall clock of a request: no sum of small waits can exceed it, and a stopped run stops the request."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from workers.egress.errors import EgressFailed

# For a connection, a handshake or a piece that is sent, where nothing else is said.
_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Clock:
    """`until` is in seconds of `monotonic()`, None: without end. `limit_s` is only told to people.

    `check` raises when nobody wants the answer any more.
    """

    until: float | None = None
    limit_s: float = 0.0
    check: Callable[[], None] = lambda: None

    def slice(self, wait_s: float | None, host: str) -> float:
        """Seconds that may be waited now, `wait_s` at most. Raises EgressFailed when time is up."""
        self.check()
        wait_s = _WAIT_S if wait_s is None else wait_s
        if self.until is None:
            return wait_s
        left = self.until - monotonic()
        if left <= 0:
            raise EgressFailed(f"{host} took longer than {self.limit_s:g} seconds.")
        return min(wait_s, left)


def clock_of(limit_s: float, check: Callable[[], None] = lambda: None) -> Clock:
    """A clock that begins now."""
    return Clock(monotonic() + limit_s, limit_s, check)
