"""The guard for libraries that take an httpx client (such as the MCP SDK).

Each request, redirects included, passes the guard; names are looked up once per connection; the size of bodies is
limited. Their duration is not, because some streams stay open: callers set httpx's timeouts.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from gpts.egress.config import EgressConfig
from gpts.egress.errors import EgressError
from gpts.egress.guard import Guard
from workers.egress.connecting import AsyncGuardedBackend, GuardedBackend, tls
from workers.egress.fetching import core_url
from workers.egress.headers import read_headers
from workers.egress.resolving import Deadline
from workers.egress.unpacking import ACCEPTED, Unpacker

_REPLACED: Final = (b"host", b"accept-encoding", b"proxy-authorization")


class GuardedAsyncTransport(httpx.AsyncBaseTransport):
    """A transport for httpx.AsyncClient that limits each response to `max_bytes`.

    A refusal is an httpx.ConnectError whose `__cause__` is the EgressError.
    """

    def __init__(self, config: EgressConfig, max_bytes: int) -> None:
        self._guard = Guard(config)
        self._max_bytes = max_bytes
        self._pool = httpcore.AsyncConnectionPool(ssl_context=tls(), network_backend=AsyncGuardedBackend(self._guard))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _httpx_errors(request):
            answer = await self._pool.handle_async_request(_core_request(self._guard, request))
            try:
                unpacker = Unpacker(read_headers(answer.headers), self._max_bytes)
            except EgressError:
                await answer.aclose()
                raise
        # The body is unpacked here, because httpx would unpack it without limits.
        packed = any(name.lower() == b"content-encoding" for name, _ in answer.headers)
        dropped = (b"content-encoding", b"content-length") if packed else ()
        headers = [(name, value) for name, value in answer.headers if name.lower() not in dropped]
        body = _UnpackedBody(answer, unpacker, request)
        return httpx.Response(answer.status, headers=headers, stream=body, extensions={})

    async def aclose(self) -> None:
        await self._pool.aclose()


class GuardedTransport(httpx.BaseTransport):
    """A transport for httpx.Client. Bodies have no limits: for servers that the operator chose."""

    def __init__(self, config: EgressConfig, max_connections: int) -> None:
        self._guard = Guard(config)
        backend = GuardedBackend(self._guard, Deadline())
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls(), max_connections=max_connections, network_backend=backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _httpx_errors(request):
            answer = self._pool.handle_request(_core_request(self._guard, request))
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer, request), extensions={})

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, request: httpx.Request) -> None:
        self._answer = answer
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors(self._request):
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _UnpackedBody(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, unpacker: Unpacker, request: httpx.Request) -> None:
        self._answer = answer
        self._unpacker = unpacker
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _httpx_errors(self._request):
            async for piece in self._answer.aiter_stream():
                yield self._unpacker.feed(piece)

    async def aclose(self) -> None:
        await self._answer.aclose()


def _core_request(guard: Guard, request: httpx.Request) -> httpcore.Request:
    """`request` for the normalised URL, with that host's name. Raises EgressRefused."""
    target = guard.target(str(request.url))
    kept = [(name, value) for name, value in request.headers.raw if name.lower() not in _REPLACED]
    own = [(b"Host", target.authority.encode()), (b"Accept-Encoding", ACCEPTED.encode())]
    return httpcore.Request(
        request.method,
        core_url(target),
        headers=[*own, *kept],
        content=request.stream,
        extensions={name: value for name, value in request.extensions.items() if name == "timeout"},
    )


@contextmanager
def _httpx_errors(request: httpx.Request) -> Iterator[None]:
    """Raise errors as httpx's, which have the names of httpcore's."""
    try:
        yield
    except EgressError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        kind = getattr(httpx, type(error).__name__, httpx.NetworkError)
        raise kind(str(error), request=request) from error
