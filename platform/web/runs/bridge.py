"""Hands Django requests to an ASGI application, and makes its messages a Django response.

So that the SDK's application stands behind the same middleware, limits and authentication as every other route.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from web.runs.connections import sse_response
from web.slots import Slot

Message = dict[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

# How long an application may take to end once its client has left.
ENDING_S: Final = 5.0
# Set by Django's own response.
_OWN: Final = ("content-type", "content-length", "cache-control", "x-accel-buffering", "connection")


async def respond(
    application: Application,
    request: HttpRequest,
    body: bytes,
    facts: Message,
    slot: Slot,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> HttpResponseBase:
    """The response of `application`, whose scope also has `facts` and `headers`. Frees `slot` once it is sent."""
    scope = {**_scope(request), **facts}
    scope["headers"] += headers
    exchange = _Exchange(application, body, scope)
    try:
        start = await exchange.start()
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
        kind = sent.get("content-type", "")
        if kind.startswith("text/event-stream"):
            response: HttpResponseBase = sse_response(exchange.body(), slot)
        else:
            whole = b"".join([part async for part in exchange.body()])
            response = HttpResponse(whole, status=start["status"], content_type=kind or None)
            slot.free()
    except BaseException:
        await exchange.end()
        raise
    for name, value in sent.items():
        if name not in _OWN:
            response.headers[name] = value
    return response


class _Exchange:
    """One request of an ASGI application, which runs in a task of its own."""

    def __init__(self, application: Application, body: bytes, scope: Message) -> None:
        self._body = [body]
        self._is_gone = asyncio.Event()
        self._sent: asyncio.Queue[Message | None] = asyncio.Queue(1)
        self._task = asyncio.ensure_future(self._run(application, scope))

    async def start(self) -> Message:
        """The message with status and headers. Raises what the application raises before it."""
        message = await self._sent.get()
        if message is None:
            await self._task
            raise RuntimeError("The application sent no response.")
        return message

    async def body(self) -> AsyncGenerator[bytes]:
        """Yield the parts of the body. The application hears of a disconnect if the reader leaves."""
        try:
            while message := await self._sent.get():
                if part := message.get("body", b""):
                    yield part
                if not message.get("more_body", False):
                    return
        finally:
            await self.end()

    async def end(self) -> None:
        """Let the application end as after a disconnect."""
        self._is_gone.set()
        while not self._sent.empty():  # what nobody reads any more
            self._sent.get_nowait()
        await asyncio.wait({self._task}, timeout=ENDING_S)
        self._task.cancel()

    async def _run(self, application: Application, scope: Message) -> None:
        try:
            await application(scope, self._receive, self._send)
        finally:
            await self._send(None)

    async def _receive(self) -> Message:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message | None) -> None:
        if not self._is_gone.is_set():
            await self._sent.put(message)


def _scope(request: HttpRequest) -> Message:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    return {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
    }
