"""One conversation with an MCP server through the official SDK: open, ask one thing, close.

Servers are strangers: what they send is bounded, waits end, and a local command runs only if the operator listed it.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx2
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from gpts.spec.actions import McpServer, host_of
from workers.egress import reason
from workers.tools import ToolError
from workers.tools.credentials import Credential, scrub
from workers.tools.mcp.transport import GuardedTransport
from workers.tools.settings import ToolSettings
from workers.tools.watching import BrokenOff, leaves, watched

T = TypeVar("T")
SessionCall = Callable[[Client], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class Session:
    """What a conversation with `server` works with: what may be reached and started, and the key for it."""

    settings: ToolSettings
    server: McpServer
    lent: Credential

    def ask(self, ask: SessionCall[T], timeout_s: float, check: Callable[[], None] = lambda: None) -> T:
        """What `ask` gets from the server. Raises ToolError, and what `check` raises."""
        try:
            return watched(partial(self._once, ask), timeout_s, check)
        except TimeoutError:
            raise ToolError(f"{self.server.name} did not answer within {timeout_s:.0f} seconds.") from None
        except BrokenOff as broken:
            raise self._error(broken.causes) from None

    async def _once(self, ask: SessionCall[T]) -> T:
        if self.server.command:
            async with Client(self._stdio()) as client:
                return await ask(client)
        connected = False
        try:
            async with Client(self._streamable()) as client:
                connected = True
                return await ask(client)
        except Exception as error:
            # Never once something was asked: a call is made once only.
            if connected or not _speaks_sse(error):
                raise
        async with Client(self._sse()) as client:  # how servers were reached until 2025
            return await ask(client)

    def _stdio(self) -> AbstractAsyncContextManager[Any]:
        if self.server.command not in self.settings.mcp_commands:
            raise ToolError(f"The command of {self.server.name} is not one that this site's operator allows.")
        command, *arguments = self.server.command
        parameters = StdioServerParameters(command=command, args=arguments, env={}, cwd="/")
        return stdio_client(parameters, errlog=open(os.devnull, "w"))

    def _client(self, *_: Any, **__: Any) -> httpx2.AsyncClient:
        """The client of every request. The SDK's own wishes for it (headers, timeouts) are not taken up."""
        egress = self.settings.egress
        # Redirects: the SDK follows them within one origin only, so that headers reach no other host.
        return httpx2.AsyncClient(
            transport=GuardedTransport(egress),
            headers={"User-Agent": egress.user_agent, **self.lent.headers},
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
        # The reason may be the server's own text.
        host = host_of(self.server.url) or self.server.name
        text = f"Couldn't connect to {self.server.name}: {scrub(reason(causes[0]), self.lent)[:300]}"
        return ToolError(text, written_by=f"the answer of {host}")


def _speaks_sse(error: BaseException) -> bool:
    """Whether the server refused the way of today, which servers of the older way do (404, 405: the SDK's words)."""
    return any("error response" in str(leaf) for leaf in leaves(error))
