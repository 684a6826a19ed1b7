"""Which requests compute, and when: a few at once, each person in turn.

Python computes in one thread at a time. Many requests at once do not end earlier, but make each other late: a thread
that holds the database's write lock waits for the interpreter behind all the others, and every writer waits for it.
So AT_ONCE requests compute, PER_PERSON of one person, while the others wait. The next is that of the person who was
served longest ago, and people who have MANY waiting compute while nobody else does: one person's hundred requests
delay another's first by the rest of one.

A request waits once its body is here, and is over with its response, whose body may be streamed for minutes. Code
that waits for somebody else meanwhile says so with `step_aside`.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from inspect import iscoroutinefunction
from time import monotonic
from typing import Final, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

AT_ONCE: Final = 4
PER_PERSON: Final = 2
# Requests of one person that wait: with more than a browser sends at once, they get what others leave, ...
MANY: Final = 6
# ... unless the first has waited for so long.
PATIENCE_S: Final = 5.0
# People who are recognised by their cookie or key before a request of theirs is looked at.
KNOWN: Final = 10_000
THREADS: Final = 64
# They ask whether the server lives, which a queue of people does not change.
PROBES: Final = ("/healthz", "/readyz")


class Place:
    """The right to compute, until `end`."""

    def __init__(self, admission: "Admission", who: str) -> None:
        self._admission, self._who, self._loop = admission, who, asyncio.get_running_loop()
        self._is_held = True

    def end(self) -> None:
        """Let the next request compute; no effect the second time. To be called in the event loop."""
        if self._is_held:
            self._is_held = False
            self._admission.leave(self._who)

    def end_from_thread(self) -> None:
        """The same, from any thread."""
        self._loop.call_soon_threadsafe(self.end)


_Call = tuple[float, asyncio.Future[None]]
_place: ContextVar[Place | None] = ContextVar("place", default=None)


class Admission:
    """Admits `at_once` requests, and queues the others of each person."""

    def __init__(self, at_once: int) -> None:
        self._n_free = at_once
        self._inside: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Call]] = OrderedDict()

    @asynccontextmanager
    async def admitted(self, who: str) -> AsyncIterator[None]:
        """Wait for the place of a request of `who`, and hold it for the block."""
        await self._wait(who)
        place = Place(self, who)
        token = _place.set(place)
        try:
            yield
        finally:
            _place.reset(token)
            place.end()

    async def _wait(self, who: str) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append((monotonic(), called))
        self._call()
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called at the moment at which the client left
                self.leave(who)
            raise

    def leave(self, who: str) -> None:
        """Free the place of a request of `who`."""
        self._n_free += 1
        self._inside -= Counter([who])  # forgets who has none
        self._call()

    def _call(self) -> None:
        """Call whoever has their turn, while there are places."""
        while self._n_free and (who := next(filter(self._has_turn, self._waiting), None)):
            queue = self._waiting.pop(who)
            _, called = queue.popleft()
            if queue:
                self._waiting[who] = queue  # the last in turn now
            if not called.done():
                self._n_free -= 1
                self._inside[who] += 1
                called.set_result(None)

    def _has_turn(self, who: str) -> bool:
        if self._inside[who] >= PER_PERSON:
            return False
        queue = self._waiting[who]
        return not self._inside or len(queue) <= MANY or monotonic() - queue[0][0] > PATIENCE_S


def step_aside() -> None:
    """Let other requests compute, because this one waits for somebody. Callable from any thread, also twice."""
    if place := _place.get():
        place.end_from_thread()


class Handler(ASGIHandler):
    """Django's handler with admission. A view that is no coroutine runs in one thread together with all middleware.

    Django's own would start a thread and a database connection for each request, and go back and forth between it and
    the event loop for each middleware.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        super().__init__()
        self._admission = Admission(at_once)
        self._in_thread = BaseHandler()
        self._in_thread.load_middleware(is_async=False)
        # More than compute at once, as some have stepped aside.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        self._known: OrderedDict[str, str] = OrderedDict()

    async def get_response_async(self, request: ASGIRequest) -> HttpResponseBase:
        """The response, once it is the request's turn."""
        if request.path_info in PROBES:
            return cast(HttpResponseBase, await super().get_response_async(request))
        async with self._admission.admitted(self._who(request)):
            if _is_asynchronous(request.path_info):
                response = cast(HttpResponseBase, await super().get_response_async(request))
            else:
                run = sync_to_async(self._answer, thread_sensitive=False, executor=self._threads)
                response = await run(request)
        self._learn(request)
        return response

    def _answer(self, request: ASGIRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self._in_thread.get_response(request)
        finally:
            close_old_connections()

    def _who(self, request: ASGIRequest) -> str:
        """The person, if a request with the same cookie or key was theirs, else the address."""
        return self._known.get(_credential(request)) or str(request.META.get("REMOTE_ADDR", ""))

    def _learn(self, request: ASGIRequest) -> None:
        """Remember whose cookie or key this is, so that nobody gets more turns by inventing others."""
        key = request.__dict__.get("api_key")
        person = key.user_id if key else getattr(getattr(request, "_cached_user", None), "pk", None)
        if person is not None:
            self._known[_credential(request)] = f"person-{person}"
            if len(self._known) > KNOWN:
                self._known.popitem(last=False)


def _credential(request: ASGIRequest) -> str:
    return request.headers.get("Authorization") or request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def _is_asynchronous(path: str) -> bool:
    try:
        return iscoroutinefunction(resolve(path).func)
    except Resolver404:
        return False
