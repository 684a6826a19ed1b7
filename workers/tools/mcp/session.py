"""Sends one request to an MCP server with the official SDK.

Servers are not trusted: their responses are limited in size, waits end, and a local command runs only if the operator
allowed it.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import httpx
import httpx2
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from gpts.spec.actions import McpServer, host_of
from workers.egress import EgressConfig, GuardedAsyncTransport, reason
from workers.tools import ToolError
from workers.tools.credentials import Credential, scrub
from workers.tools.settings import ToolSettings
from workers.tools.watching import BrokenOff, leaves, watched

T = TypeVar("T")
MAX_BYTES: Final = 8_000_000
SessionCall = Callable[[Client], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class McpSession:
    """A connection to `server`, opened for each request, within the limits of `settings`."""

    settings: ToolSettings
    server: McpServer
    credential: Credential

    def request(self, send: SessionCall[T], timeout_s: float, check: Callable[[], None] = lambda: None) -> T:
        """The result of `send`. Raises ToolError, and what `check` raises."""
        try:
            return watched(partial(self._once, send), timeout_s, check)
        except TimeoutError:
            raise ToolError(f"{self.server.name} did not answer within {timeout_s:.0f} seconds.") from None
        except BrokenOff as broken:
            raise self._error(broken.causes) from None

    async def _once(self, send: SessionCall[T]) -> T:
        if self.server.command:
            async with Client(self._stdio()) as client:
                return await send(client)
        connected = False
        try:
            async with Client(self._streamable()) as client:
                connected = True
                return await send(client)
        except Exception as error:
            # Never after `send` began: a call is made once only. Servers with only SSE reject streamable HTTP with
            # status 404 or 405, which is in the SDK's message.
            if connected or not any("error response" in str(leaf) for leaf in leaves(error)):
                raise
        async with Client(self._sse()) as client:  # the transport of MCP before 2025-03
            return await send(client)

    def _stdio(self) -> AbstractAsyncContextManager[Any]:
        if self.server.command not in self.settings.mcp_commands:
            raise ToolError(f"The command of {self.server.name} isn't allowed on this site. Ask your admin.")
        command, *arguments = self.server.command
        parameters = StdioServerParameters(command=command, args=arguments, env={}, cwd="/")
        return stdio_client(parameters, errlog=open(os.devnull, "w"))

    def _client(self, *_: Any, **__: Any) -> httpx2.AsyncClient:
        """The HTTP client; the SDK's headers and timeouts are ignored."""
        egress = self.settings.egress
        # Redirects: the SDK follows them within one origin only, so that headers reach no other host.
        return httpx2.AsyncClient(
            transport=GuardedTransport(egress),
            headers={"User-Agent": egress.user_agent, **self.credential.headers},
            timeout=httpx2.Timeout(30.0, read=60.0),
            trust_env=False,
        )

    @asynccontextmanager
    async def _streamable(self) -> Any:
        async with (
            self._client() as client,
            streamable_http_client(self.server.url, http_client=client) as streams,
        ):
            yield streams

    def _sse(self) -> AbstractAsyncContextManager[Any]:
        return sse_client(self.server.url, timeout=30, sse_read_timeout=60, httpx_client_factory=self._client)

    def _error(self, causes: Sequence[BaseException]) -> ToolError:
        for cause in causes:
            if isinstance(cause, ToolError):
                return cause
        # The reason may contain text of the server.
        host = host_of(self.server.url) or self.server.name
        text = f"Couldn't connect to {self.server.name}: {scrub(reason(causes[0]), self.credential)[:300]}"
        return ToolError(text, written_by=f"the answer of {host}")


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Adapts the guarded httpx transport to httpx2, which the SDK uses.

    A refusal is an httpx2.ConnectError with the guard's message.
    """

    def __init__(self, config: EgressConfig) -> None:
        self._inner = GuardedAsyncTransport(config, MAX_BYTES)

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
