"""The time limit of a request: no sum of small waits exceeds it, and stopping the run stops the request."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from workers.egress.errors import EgressFailed

# The default for connecting, a handshake or sending a piece.
_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Clock:
    """`until` is in seconds of `monotonic()`, None: no limit. `limit_s` is only for messages.

    `check` raises when the result is no longer wanted.
    """

    until: float | None = None
    limit_s: float = 0.0
    check: Callable[[], None] = lambda: None

    def slice(self, wait_s: float | None, host: str) -> float:
        """Seconds to wait next, `wait_s` at most. Raises EgressFailed when time is up."""
        self.check()
        wait_s = _WAIT_S if wait_s is None else wait_s
        if self.until is None:
            return wait_s
        left = self.until - monotonic()
        if left <= 0:
            raise EgressFailed(f"{host} took longer than {self.limit_s:g} seconds.")
        return min(wait_s, left)


def clock_of(limit_s: float, check: Callable[[], None] = lambda: None) -> Clock:
    """A clock that starts now."""
    return Clock(monotonic() + limit_s, limit_s, check)
