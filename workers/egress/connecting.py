"""Connections to checked addresses only: a name is looked up once, and only the checked addresses are connected to.

httpcore gets each connection from a network backend. The backends here look up the host name, check all its addresses
and connect to one of them, so that no second answer of a hostile name server is used; TLS still verifies the name.
"""

import ssl
from collections.abc import Iterable
from functools import cache
from math import inf
from time import monotonic
from typing import Any, Final

import anyio.to_thread
import certifi
import httpcore

from gpts.egress.errors import EgressFailed, EgressRefused
from gpts.egress.guard import Guard
from gpts.egress.urls import IpAddress
from workers.egress.resolving import Deadline, addresses_of

# The longest wait between two checks whether the run was stopped.
_POLL_S: Final = 0.25
_WRITE_BYTES: Final = 65_536
# How many addresses of one name are tried.
_MAX_TRIES: Final = 4


@cache
def tls() -> ssl.SSLContext:
    """Certificates of the system (and of SSL_CERT_FILE, for an organisation's own authority) and of Mozilla."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def checked(guard: Guard, host: str, port: int, deadline: Deadline) -> tuple[IpAddress, ...]:
    """The addresses of `host` from one lookup, all of them checked. Raises EgressError."""
    guard.check_host(host, port)
    addresses = addresses_of(host, port, deadline)
    guard.check_addresses(host, port, addresses)
    return addresses[:_MAX_TRIES]


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections for httpcore's synchronous pool; Unix sockets are not implemented."""

    def __init__(self, guard: Guard, deadline: Deadline) -> None:
        self._guard = guard
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first checked address of `host` that answers."""
        for address in checked(self._guard, host, port, self._deadline):
            try:
                stream = self._inner.connect_tcp(str(address), port, self._deadline.wait_s(timeout, host))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            _must_be(address, stream.get_extra_info("server_addr"))
            return _TimedStream(stream, self._deadline, host)
        raise EgressFailed(f"Couldn't connect to {host}.")


class AsyncGuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore's asynchronous pool, whose waits the caller must limit."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first checked address of `host` that answers."""
        for address in await anyio.to_thread.run_sync(
            checked, self._guard, host, port, Deadline(), abandon_on_cancel=True
        ):
            try:
                stream = await self._inner.connect_tcp(str(address), port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            _must_be(address, stream.get_extra_info("server_addr"))
            return stream
        raise EgressFailed(f"Couldn't connect to {host}.")


def _must_be(address: IpAddress, peer: Any) -> None:
    """A second check: the socket is connected to the address that was checked."""
    if not peer or str(peer[0]).partition("%")[0] != str(address).partition("%")[0]:
        raise EgressRefused(f"The connection didn't lead to {address}.")


class _TimedStream(httpcore.NetworkStream):
    """A connection whose waits end at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline, host: str) -> None:
        self._inner = inner
        self._deadline = deadline
        self._host = host

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The bytes that have arrived; checks the deadline several times a second."""
        give_up = inf if timeout is None else monotonic() + timeout
        while True:
            try:
                return self._inner.read(max_bytes, self._deadline.wait_s(_POLL_S, self._host))
            except httpcore.ReadTimeout:
                if monotonic() >= give_up:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send `buffer`, in parts so that a slow reader cannot delay us beyond the deadline."""
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._inner.write(buffer[start : start + _WRITE_BYTES], self._deadline.wait_s(None, self._host))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The connection under TLS, verified for the host name."""
        wait_s = self._deadline.wait_s(timeout, self._host)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, wait_s), self._deadline, self._host)

    def get_extra_info(self, info: str) -> Any:
        """See httpcore."""
        return self._inner.get_extra_info(info)
