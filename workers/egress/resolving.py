"""Names to addresses: one lookup per connection, in a thread that is abandoned when time is up."""

import ipaddress
import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from workers.egress.deadline import Deadline
from workers.egress.errors import EgressFailed
from workers.egress.urls import IpAddress

_POLL_S: Final = 0.2


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
        raise EgressFailed(f"Couldn't find {host}.")
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
