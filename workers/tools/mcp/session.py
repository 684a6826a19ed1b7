"""One conversation with an MCP server through the official SDK: open, ask one thing, close.

Servers are strangers: what they send is bounded, waits end, and a local command runs only if the operator listed it.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
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
from workers.tools.actions.credentials import Credential, scrub
from workers.tools.mcp.transport import GuardedTransport
from workers.tools.network import egress
from workers.tools.watching import BrokenOff, leaves, watched

T = TypeVar("T")
SessionCall = Callable[[Client], Awaitable[T]]

# Commands that the operator lets GPTs start, each with its arguments in full. Set once by the worker process.
_commands: list[tuple[str, ...]] = []


def allow_commands(commands: list[tuple[str, ...]]) -> None:
    """From now on let these commands be started as MCP servers."""
    _commands[:] = commands


def ask_server(
    server: McpServer,
    lent: Credential,
    ask: SessionCall[T],
    timeout_s: float,
    check: Callable[[], None] = lambda: None,
) -> T:
    """What `ask` gets from the server. Raises ToolError, and what `check` raises."""
    try:
        return watched(partial(_once, server, lent, ask), timeout_s, check)
    except TimeoutError:
        raise ToolError(f"{server.name} did not answer within {timeout_s:.0f} seconds.") from None
    except BrokenOff as broken:
        raise _told(server, lent, broken.causes) from None


async def _once(server: McpServer, lent: Credential, ask: SessionCall[T]) -> T:
    if server.command:
        async with Client(_stdio(server)) as client:
            return await ask(client)
    connected = False
    try:
        async with Client(_streamable(server, lent)) as client:
            connected = True
            return await ask(client)
    except Exception as error:
        # Never once something was asked: a call is made once only.
        if connected or not _speaks_sse(error):
            raise
    async with Client(_sse(server, lent)) as client:  # how servers were reached until 2025
        return await ask(client)


def _stdio(server: McpServer) -> AbstractAsyncContextManager[Any]:
    if server.command not in _commands:
        raise ToolError(f"The command of {server.name} is not among those that the operator of this site allows.")
    command, *arguments = server.command
    parameters = StdioServerParameters(command=command, args=arguments, env={}, cwd="/")
    return stdio_client(parameters, errlog=open(os.devnull, "w"))


def _client(lent: Credential) -> httpx2.AsyncClient:
    headers = {"User-Agent": egress().user_agent, **lent.headers}
    # Redirects: the SDK follows them within one origin only, so that headers reach no other host.
    return httpx2.AsyncClient(
        transport=GuardedTransport(egress()),
        headers=headers,
        timeout=httpx2.Timeout(30.0, read=60.0),
        trust_env=False,
    )


@asynccontextmanager
async def _streamable(server: McpServer, lent: Credential) -> Any:
    async with _client(lent) as client, streamable_http_client(server.url, http_client=client) as streams:
        yield streams


def _sse(server: McpServer, lent: Credential) -> AbstractAsyncContextManager[Any]:
    def make(
        headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
    ) -> httpx2.AsyncClient:
        return _client(lent)

    return sse_client(server.url, timeout=30, sse_read_timeout=60, httpx_client_factory=make)


def _speaks_sse(error: BaseException) -> bool:
    """Whether the server refused the way of today, which servers of the older way do (404, 405: the SDK's words)."""
    return any("error response" in str(leaf) for leaf in leaves(error))


def _told(server: McpServer, lent: Credential, causes: Sequence[BaseException]) -> ToolError:
    for cause in causes:
        if isinstance(cause, ToolError):
            return cause
    # The reason may be the server's own words.
    host = host_of(server.url) or server.name
    text = f"{server.name} could not be asked: {scrub(reason(causes[0]), lent)[:300]}"
    return ToolError(text, written_by=f"the answer of {host}")
