"""Database queries from async code that streams for minutes, without holding a connection."""

from collections.abc import AsyncIterator, Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `query`, run in a thread that closes its database connection afterwards."""

    def run() -> T:
        try:
            return query(*args, **kwargs)
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False)()


async def close_connection() -> None:
    """Close the connection that authentication opened in this request's thread, before a long answer."""
    await sync_to_async(close_old_connections)()


def sse_response(events: AsyncIterator[str] | AsyncIterator[bytes]) -> StreamingHttpResponse:
    """The response that streams `events`, with headers against buffering and caching."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=headers)
