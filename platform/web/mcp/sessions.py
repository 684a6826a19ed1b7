"""The sessions of MCP clients, by event loop.

Clients of the protocol's version 2026-07-28 need none: each of their requests stands alone. Those of earlier versions
begin with a handshake, and their session, with which the site asks them for approvals, lives in this process. After a
restart, a client is told that its session is gone, and begins another.
"""

import asyncio
from typing import Any, Final
from weakref import WeakKeyDictionary

from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from web.mcp.server import build

# Of one person; they end after half an hour without a request.
MAX_SESSIONS: Final = 50


class Sessions(StreamableHTTPSessionManager):
    """The SDK's sessions, which one person cannot use up for all others."""

    def __init__(self) -> None:
        super().__init__(build())
        self._runner: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Serve from now on, as long as the event loop."""
        begun = asyncio.Event()
        self._runner = asyncio.ensure_future(self._serve(begun))
        await begun.wait()

    async def _serve(self, begun: asyncio.Event) -> None:
        async with self.run():
            begun.set()
            await asyncio.Event().wait()

    def _admit_session(self, requestor: Any) -> StreamableHTTPServerTransport | None:
        """None, which refuses the session, if the person has too many."""
        person = requestor["subject"]
        n_open = sum(owner["subject"] == person for owner in self._session_owners.values())
        return super()._admit_session(requestor) if n_open < MAX_SESSIONS else None


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[Sessions]] = WeakKeyDictionary()


async def sessions() -> Sessions:
    """The sessions of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loops:
        _of_loops[loop] = asyncio.ensure_future(_begun())
    return await asyncio.shield(_of_loops[loop])


async def _begun() -> Sessions:
    made = Sessions()
    await made.begin()
    return made
