"""Tells clients when what they are offered has changed: a GPT was published, shared, deleted.

It is looked up now and then for each client that listens: who may see what depends on too much to be announced.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from mcp.server.subscriptions import (
    ListenHandler,
    PromptsListChanged,
    ResourcesListChanged,
    ServerEvent,
    ToolsListChanged,
)
from mcp_types import NotificationParams, SubscriptionsListenRequestParams, SubscriptionsListenResult

from web.mcp.callers import Caller, Context, caller_of
from web.runs.connections import in_database

LOOK_S: Final = 15.0
EVENTS: Final = (ToolsListChanged(), PromptsListChanged(), ResourcesListChanged())
# The sessions that are told.
_WATCHED: Final = set[str]()


async def changes(caller: Caller, known: str) -> AsyncIterator[None]:
    """Yield whenever what is offered differs from `known`, a fingerprint, until the account is deactivated."""
    while known:
        await asyncio.sleep(LOOK_S)
        now = await in_database(caller.fingerprint)
        if now != known:
            yield
        known = now


async def listen(context: Context, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
    """Send what the client subscribed to, while it listens."""
    caller = caller_of(context)
    bus = _Bus(caller, await in_database(caller.fingerprint))  # before the client is told that it listens
    handler = ListenHandler(bus)
    bus.at_end = handler.close
    return await handler(context, params)


class _Bus:
    """The changes of one caller, for one listener."""

    def __init__(self, caller: Caller, known: str) -> None:
        self._caller, self._known = caller, known
        self.at_end: Callable[[], None] = lambda: None

    async def publish(self, event: ServerEvent) -> None:
        """Never called: changes are looked up."""
        raise NotImplementedError

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Let `listener` hear of changes, until the returned function is called."""
        task = asyncio.ensure_future(self._tell(listener))

        def stop() -> None:
            task.cancel()

        return stop

    async def _tell(self, listener: Callable[[ServerEvent], None]) -> None:
        async for _ in changes(self._caller, self._known):
            for event in EVENTS:
                listener(event)
        self.at_end()


async def initialized(context: Context, params: NotificationParams) -> None:
    """Send what has changed to a client of an earlier version, as long as its session lasts."""
    session_id = context.request.headers.get("mcp-session-id", "") if context.request else ""
    if session_id in _WATCHED:  # it says so again
        return
    _WATCHED.add(session_id)
    try:
        caller = caller_of(context)
        async for _ in changes(caller, await in_database(caller.fingerprint)):
            await context.session.send_tool_list_changed()
            await context.session.send_prompt_list_changed()
            await context.session.send_resource_list_changed()
    finally:
        _WATCHED.discard(session_id)
