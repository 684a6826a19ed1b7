"""Connections to checked addresses only: the name is looked up once, and what was checked is what is connected to.

httpcore asks a network backend for each connection, by the name in the address. The backends here look the name up,
check all of its addresses and connect to those, so that no second answer of a hostile name server is ever used; TLS
still asks for the name.
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

from workers.egress.clock import Clock
from workers.egress.errors import EgressFailed, EgressRefused
from workers.egress.guard import Guard
from workers.egress.resolving import addresses_of
from workers.egress.spelling import IpAddress

# How long a single wait may last before the run is asked whether it was stopped.
_SLICE_S: Final = 0.25
_WRITE_BYTES: Final = 65_536
# Addresses of one name that are tried.
_MAX_TRIES: Final = 4


@cache
def tls() -> ssl.SSLContext:
    """Certificates of the system (and of SSL_CERT_FILE, for a house's own authority) and those of Mozilla."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def checked(guard: Guard, host: str, port: int, clock: Clock) -> tuple[IpAddress, ...]:
    """The addresses of `host` from one look-up, all of them checked. Raises EgressError."""
    guard.check_host(host, port)
    addresses = addresses_of(host, port, clock)
    guard.check_addresses(host, port, addresses)
    return addresses[:_MAX_TRIES]


class GuardedBackend(httpcore.NetworkBackend):
    """Opens connections for httpcore's synchronous pool."""

    def __init__(self, guard: Guard, clock: Clock) -> None:
        self._guard = guard
        self._clock = clock
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
        for address in checked(self._guard, host, port, self._clock):
            try:
                stream = self._inner.connect_tcp(str(address), port, self._clock.slice(timeout, host))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            _must_be(address, stream.get_extra_info("server_addr"))
            return _TimedStream(stream, self._clock, host)
        raise EgressFailed(f"Couldn't connect to {host}.")

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        """Never."""
        raise EgressRefused("Sockets on this machine can't be opened.")


class AsyncGuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore's asynchronous pool; the waits there are the caller's to bound."""

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
        clock = Clock()
        for address in await anyio.to_thread.run_sync(
            checked, self._guard, host, port, clock, abandon_on_cancel=True
        ):
            try:
                stream = await self._inner.connect_tcp(str(address), port, timeout)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            _must_be(address, stream.get_extra_info("server_addr"))
            return stream
        raise EgressFailed(f"Couldn't connect to {host}.")

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise EgressRefused("Sockets on this machine can't be opened.")

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts."""
        await self._inner.sleep(seconds)


def _must_be(address: IpAddress, peer: Any) -> None:
    """The second lock on the door: the socket's other end is the address that was checked."""
    if not peer or str(peer[0]).partition("%")[0] != str(address).partition("%")[0]:
        raise EgressRefused(f"The connection didn't lead to {address}.")


class _TimedStream(httpcore.NetworkStream):
    """A connection whose waits are all cut to the time that is left."""

    def __init__(self, inner: httpcore.NetworkStream, clock: Clock, host: str) -> None:
        self._inner = inner
        self._clock = clock
        self._host = host

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Bytes as they come; asks several times a second whether to go on."""
        give_up = inf if timeout is None else monotonic() + timeout
        while True:
            try:
                return self._inner.read(max_bytes, self._clock.slice(_SLICE_S, self._host))
            except httpcore.ReadTimeout:
                if monotonic() >= give_up:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send `buffer`, in pieces so that a slow reader cannot hold us longer than the clock says."""
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._inner.write(buffer[start : start + _WRITE_BYTES], self._clock.slice(None, self._host))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The connection under TLS, for the name and not for the address."""
        wait_s = self._clock.slice(timeout, self._host)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, wait_s), self._clock, self._host)

    def get_extra_info(self, info: str) -> Any:
        """What the inner connection knows of itself."""
        return self._inner.get_extra_info(info)
