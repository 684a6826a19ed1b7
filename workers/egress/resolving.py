"""The time limit of a request, and names to addresses: one lookup per connection, abandoned when time is up.

All waits of a request together do not exceed its limit, and stopping the run stops the request.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Final

from gpts.egress.errors import EgressFailed
from gpts.egress.urls import IpAddress

# The default for connecting, a handshake or sending a part.
_WAIT_S: Final = 5.0
_POLL_S: Final = 0.2


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
            raise EgressFailed(f"{host} took longer than {self.limit_s:.3g} seconds.")
        return min(longest_s, left)


def look_up(host: str, port: int) -> list[str]:
    """The addresses of `host` as the system's resolver gives them, best first. Raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


def addresses_of(host: str, port: int, deadline: Deadline) -> tuple[IpAddress, ...]:
    """The addresses of `host`, or itself if it is one. Raises EgressFailed if there are none, or none in time."""
    try:
        return (ipaddress.ip_address(host),)
    except ValueError:
        found = _in_thread(lambda: look_up(host, port), host, deadline)
    try:
        addresses = tuple(ipaddress.ip_address(each) for each in found)
    except ValueError as error:
        raise EgressFailed(f"Couldn't find {host}.") from error
    if not addresses:
        raise EgressFailed(f"Couldn't find {host}. Either it doesn't exist, or this site can't reach the internet.")
    return addresses


def _in_thread(resolve: Callable[[], list[str]], host: str, deadline: Deadline) -> list[str]:
    """The result of `resolve`, run in a thread because the system's resolver has no time limit."""
    answers: SimpleQueue[list[str]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(resolve())
        except (OSError, UnicodeError):
            answers.put([])

    Thread(target=run, name=f"look up {host[:40]}", daemon=True).start()
    while True:
        try:
            return answers.get(timeout=deadline.wait_s(_POLL_S, host))
        except Empty:
            continue
