"""Adapts the guarded httpx transport to httpx2, which the MCP SDK uses."""

from collections.abc import AsyncIterator
from typing import Final

import httpx
import httpx2

from workers.egress import EgressConfig, FetchLimits, guarded_async_transport, reason

MAX_BYTES: Final = 8_000_000


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests through the guard. A refusal is an httpx2.ConnectError with the guard's message."""

    def __init__(self, config: EgressConfig) -> None:
        self._inner = guarded_async_transport(config, FetchLimits(max_bytes=MAX_BYTES))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The response, with its body unread."""
        content = await request.aread()
        sent = httpx.Request(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            content=content,
            extensions={"timeout": request.extensions.get("timeout", {})},
        )
        try:
            answer = await self._inner.handle_async_request(sent)
        except httpx.TimeoutException as error:
            raise httpx2.ReadTimeout(str(error), request=request) from error
        except httpx.TransportError as error:
            raise httpx2.ConnectError(reason(error), request=request) from error
        body = _StreamedBody(answer)
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=body, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _StreamedBody(httpx2.AsyncByteStream):
    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.aiter_raw():
                yield piece
        except httpx.TransportError as error:
            raise httpx2.ReadError(reason(error)) from error

    async def aclose(self) -> None:
        await self._answer.aclose()
