"""The sessions of MCP clients, by event loop.

Clients of the protocol's version 2026-07-28 need none: each of their requests stands alone. Those of earlier versions
begin with a handshake, and their session, with which the site asks them for approvals, lives in this process. After a
restart, a client is told that its session is gone, and begins another.
"""

import asyncio
from collections import deque
from itertools import count
from math import inf
from typing import Any, Final
from weakref import WeakKeyDictionary

from mcp.server.streamable_http import (
    EventCallback,
    EventId,
    EventMessage,
    EventStore,
    StreamableHTTPServerTransport,
    StreamId,
)
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCResponse

from web.mcp.server import build

# Of one person; they end after half an hour without a request.
MAX_SESSIONS: Final = 50
# Of what was last sent in a session, for a client whose connection broke.
MAX_EVENTS: Final = 500


class SentEvents(EventStore):
    """What one session was sent. A client that connects again with `Last-Event-ID` gets the rest of that stream."""

    def __init__(self) -> None:
        self._sent: deque[tuple[EventId, StreamId, JSONRPCMessage | None]] = deque(maxlen=MAX_EVENTS)
        self._numbers = count(1)

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        """Keep the message; the oldest are dropped."""
        event_id = str(next(self._numbers))
        self._sent.append((event_id, stream_id, message))
        return event_id

    async def replay_events_after(self, last_event_id: EventId, send_callback: EventCallback) -> StreamId | None:
        """Send what followed that event in its stream; None if the stream is over, or unknown."""
        stream = next((stream for event_id, stream, _ in self._sent if event_id == last_event_id), None)
        ends = False
        for event_id, its, message in tuple(self._sent):
            if its != stream:
                continue
            ends = ends or isinstance(message, JSONRPCResponse | JSONRPCError)
            if message is not None and int(event_id) > int(last_event_id):
                await send_callback(EventMessage(message, event_id))
        return None if ends else stream


class McpSessions(StreamableHTTPSessionManager):
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
        """None, which refuses the session, if the person has too many that are in use."""
        session = super()._admit_session(requestor) if self._make_room(requestor["subject"]) else None
        if session is not None:  # the SDK has one store for all sessions, in which their streams have the same names
            session._event_store = SentEvents()
        return session

    def _make_room(self, person: str) -> bool:
        """Whether the person may open a session: the one idle for longest gives way, as many clients never end any.

        Its client is told that it is gone, and begins another.
        """
        own = [key for key, owner in self._session_owners.items() if owner["subject"] == person]
        if len(own) < MAX_SESSIONS:
            return True
        scopes = {key: scope for key in own if (scope := self._server_instances[key].idle_scope)}
        # The SDK sets the deadline when the last request is over, and takes it away while there is one.
        idle = {key: scope for key, scope in scopes.items() if scope.deadline < inf}
        if not idle:
            return False
        oldest = min(idle, key=lambda key: idle[key].deadline)
        idle[oldest].cancel()
        del self._server_instances[oldest], self._session_owners[oldest]
        return True


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Future[McpSessions]] = WeakKeyDictionary()


async def sessions() -> McpSessions:
    """The sessions of this event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loops:
        _of_loops[loop] = asyncio.ensure_future(_begun())
    return await asyncio.shield(_of_loops[loop])


async def _begun() -> McpSessions:
    made = McpSessions()
    await made.begin()
    return made
