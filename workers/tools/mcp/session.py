"""Sends one request to an MCP server with the official SDK.

Servers are not trusted: their responses are limited in size, waits end, and a local command runs only if the operator
allowed it.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, Final, TypeVar

import httpx
import httpx2
from mcp.client import Client
from mcp.client.extension import advertise
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from gpts.runs.forms import Form
from gpts.runs.steps import Approval
from gpts.spec.actions import McpServer, host_of
from workers.egress import EgressConfig, GuardedAsyncTransport, reason
from workers.tools import ToolError
from workers.tools.credentials import Credential, scrub
from workers.tools.mcp.eliciting import Elicitor, Limits
from workers.tools.settings import ToolSettings
from workers.tools.watching import BrokenOff, Silence, leaves, watched

T = TypeVar("T")
MAX_BYTES: Final = 8_000_000
CONNECT_S: Final = 10.0
# The longest wait for the next bytes of a server that is not a command of this machine.
SILENT_S: Final = 30.0
# MCP Apps (SEP-1865): results can come with a page that shows them.
SHOWS_APPS: Final = advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/html;profile=mcp-app"]})
SessionCall = Callable[[Client], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class McpSession:
    """A connection to `server`, opened for each request, within the limits of `settings`."""

    settings: ToolSettings
    server: McpServer
    credential: Credential

    @property
    def host(self) -> str:
        """Where the server is; its name if it is a command of this machine."""
        return host_of(self.server.url) or self.server.name

    def request(
        self,
        send: SessionCall[T],
        timeout_s: float,
        check: Callable[[], None] = lambda: None,
        ask: Callable[[Form], Approval] | None = None,
    ) -> T:
        """The result of `send`. With `ask` the server may ask the person. Raises ToolError, and what these raise."""
        silence = Silence(f"{self.server.name} sent nothing", inf if self.server.command else SILENT_S)
        limits = Limits(silence, timeout_s, check)
        elicitor = Elicitor(ask, self.host, self.credential, limits) if ask else None
        try:
            return watched(partial(self._once, send, silence, elicitor), inf, limits.check)
        except TimeoutError:
            raise ToolError(f"{self.server.name} did not answer within {timeout_s:.0f} seconds.") from None
        except BrokenOff as broken:
            raise self._error(broken.causes) from None

    async def _once(self, send: SessionCall[T], silence: Silence, elicitor: Elicitor | None) -> T:
        opened = partial(Client, elicitation_callback=elicitor, extensions=[SHOWS_APPS])
        if self.server.command:
            async with opened(self._stdio()) as client:
                return await send(_unchecking(client))
        connected = False
        try:
            async with opened(self._streamable(silence)) as client:
                connected = True
                return await send(_unchecking(client))
        except Exception as error:
            # Never after `send` began: a call is made once only. Servers with only SSE reject streamable HTTP with
            # status 404 or 405, which is in the SDK's message.
            if connected or not any("error response" in str(leaf) for leaf in leaves(error)):
                raise
        async with opened(self._sse(silence)) as client:  # the transport of MCP before 2025-03
            return await send(_unchecking(client))

    def _stdio(self) -> AbstractAsyncContextManager[Any]:
        if self.server.command not in self.settings.mcp_commands:
            raise ToolError(f"The command of {self.server.name} isn't allowed on this site. Ask your admin.")
        command, *arguments = self.server.command
        parameters = StdioServerParameters(command=command, args=arguments, env={}, cwd="/")
        return stdio_client(parameters, errlog=open(os.devnull, "w"))

    def _client(self, silence: Silence, *_: Any, **__: Any) -> httpx2.AsyncClient:
        """The HTTP client; the SDK's headers and timeouts are ignored, and `silence` ends what hangs."""
        egress = self.settings.egress
        # Redirects: the SDK follows them within one origin only, so that headers reach no other host.
        return httpx2.AsyncClient(
            transport=GuardedTransport(egress, silence.heard),
            headers={"User-Agent": egress.user_agent, **self.credential.headers},
            timeout=httpx2.Timeout(CONNECT_S, read=None),
            trust_env=False,
        )

    @asynccontextmanager
    async def _streamable(self, silence: Silence) -> Any:
        async with (
            self._client(silence) as client,
            streamable_http_client(self.server.url, http_client=client) as streams,
        ):
            yield streams

    def _sse(self, silence: Silence) -> AbstractAsyncContextManager[Any]:
        return sse_client(self.server.url, httpx_client_factory=partial(self._client, silence))

    def _error(self, causes: Sequence[BaseException]) -> ToolError:
        for cause in causes:
            if isinstance(cause, ToolError):
                return cause
        # The reason may contain text of the server.
        text = f"Couldn't connect to {self.server.name}: {scrub(reason(causes[0]), self.credential)[:300]}"
        return ToolError(text, written_by=f"the answer of {self.host}")


def _unchecking(client: Client) -> Client:
    """`client`, which checks no result against the schema that the server gave for it.

    Matching the patterns of a hostile one never ends, and holds all threads. Nothing here relies on the check.
    """

    async def accept(name: str, result: Any) -> None:
        """Whatever came is text of an outsider."""

    client.session.validate_tool_result = accept  # type: ignore[method-assign]
    return client


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Adapts the guarded httpx transport to httpx2, which the SDK uses.

    A refusal is an httpx2.ConnectError with the guard's message. `heard` is called for whatever comes.
    """

    def __init__(self, config: EgressConfig, heard: Callable[[], None] = lambda: None) -> None:
        self._inner, self._heard = GuardedAsyncTransport(config, MAX_BYTES), heard

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
        self._heard()
        body = _StreamedBody(answer, self._heard)
        return httpx2.Response(answer.status_code, headers=answer.headers.raw, stream=body, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _StreamedBody(httpx2.AsyncByteStream):
    def __init__(self, answer: httpx.Response, heard: Callable[[], None]) -> None:
        self._answer, self._heard = answer, heard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.aiter_raw():
                self._heard()
                yield piece
        except httpx.TransportError as error:
            raise httpx2.ReadError(reason(error)) from error

    async def aclose(self) -> None:
        await self._answer.aclose()
