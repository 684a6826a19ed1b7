"""Converts Django requests for the SDK's Starlette dispatcher, and its responses back."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final

from a2a.server.request_handlers.request_handler import RequestHandler
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from sse_starlette.event import ensure_bytes
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request

from web.runs.connections import sse_response
from web.slots import Slot

# Seconds without an event after which a stream sends a keep-alive comment.
SILENCE_S: Final = 10.0


async def dispatched(request: HttpRequest, body: bytes, handler: RequestHandler, slot: Slot) -> HttpResponseBase:
    """The response of `handler` to the JSON-RPC request `body`, in the current protocol or version 0.3.

    Frees `slot` once it is sent.
    """
    dispatcher = JsonRpcDispatcher(handler, enable_v0_3_compat=True)
    answer = await dispatcher.handle_requests(_as_starlette(request, body))
    if not isinstance(answer, EventSourceResponse):
        slot.free()
        return HttpResponse(bytes(answer.body), status=answer.status_code, content_type="application/json")
    return sse_response(_sse_lines(answer.body_iterator), slot)


def _as_starlette(request: HttpRequest, body: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    scope = {"type": "http", "method": "POST", "path": request.path, "query_string": b"", "headers": headers}
    return Request(scope, receive)


async def _sse_lines(events: Any) -> AsyncGenerator[bytes]:
    """Yield the events in wire format, and keep-alive comments."""
    stream = aiter(events)
    following: asyncio.Future[Any] = asyncio.ensure_future(anext(stream))
    try:
        while True:
            if not (await asyncio.wait([following], timeout=SILENCE_S))[0]:
                yield b": still here\n\n"
                continue
            try:
                event = following.result()
            except StopAsyncIteration:
                return
            following = asyncio.ensure_future(anext(stream))
            yield ensure_bytes(event, "\n")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await stream.aclose()
