"""The time limit of a request: all its waits together do not exceed it, and stopping the run stops the request."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from workers.egress.errors import EgressFailed

# The default for connecting, a handshake or sending a part.
_WAIT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """`until` is in seconds of `monotonic()`, None: no limit. `limit_s` is only for messages.

    `check` raises when the result is no longer wanted.
    """

    until: float | None = None
    limit_s: float = 0.0
    check: Callable[[], None] = lambda: None

    def wait_s(self, longest_s: float | None, host: str) -> float:
        """How long the next wait may take, `longest_s` at most. Raises EgressFailed when time is up."""
        self.check()
        longest_s = _WAIT_S if longest_s is None else longest_s
        if self.until is None:
            return longest_s
        left = self.until - monotonic()
        if left <= 0:
            raise EgressFailed(f"{host} took longer than {self.limit_s:g} seconds.")
        return min(longest_s, left)
