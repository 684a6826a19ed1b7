"""Streams that last for minutes: how many a person may have, and database queries without holding a connection."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from time import monotonic
from typing import Final, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections
from django.http import StreamingHttpResponse

from web.accounts.models import User
from web.accounts.quotas import limits_of
from web.admission import step_aside
from web.runs.errors import TooManyStreams
from web.slots import Slot, Slots

STREAMS: Final = Slots()
# A session and a key are checked at each request, but a stream is one request for minutes.
CHECK_S: Final = 10.0
P = ParamSpec("P")
T = TypeVar("T")


async def in_database(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `query`, run in one of a few threads, which keep their database connections for a while."""

    def run() -> T:
        close_old_connections()
        try:
            return query(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False)()


async def close_connection() -> None:
    """Close the connection that authentication opened in this request's thread, before a long answer.

    Others may compute meanwhile.
    """
    step_aside()
    await sync_to_async(connections.close_all)()


async def take_stream(person: int) -> Slot:
    """The right to stream to the person with this id, taken before anything starts. Raises TooManyStreams."""
    most = (await in_database(limits_of, person))["streams"]
    slot = STREAMS.take(person, sys.maxsize if most is None else most)
    if slot is None:
        raise TooManyStreams
    return slot


def sse_response(
    events: AsyncGenerator[str] | AsyncGenerator[bytes], slot: Slot, may: Callable[[], bool] | None = None
) -> StreamingHttpResponse:
    """The response that streams `events` and then frees `slot`, with headers against buffering and caching.

    It ends early within CHECK_S if the person's account is deactivated, or they no longer `may` see it.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(_within(events, slot, may), content_type="text/event-stream", headers=headers)


async def _within(
    events: AsyncGenerator[str] | AsyncGenerator[bytes], slot: Slot, may: Callable[[], bool] | None
) -> AsyncIterator[str | bytes]:
    checked = monotonic()
    try:
        async with aclosing(events):
            async for event in events:
                if monotonic() - checked >= CHECK_S:
                    if not await in_database(_is_active, slot.person) or (may and not await in_database(may)):
                        return
                    checked = monotonic()
                yield event
    finally:
        slot.free()


def _is_active(person: int) -> bool:
    return User.objects.filter(id=person, is_active=True).exists()
