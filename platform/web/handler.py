"""Django's ASGI handler with admission (`admission.py`)."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from web.accounts.requests import key_of, secret_of, sender_of
from web.admission import AT_ONCE, Admission, Line, to_its_end
from web.embed.middleware import unmounted
from web.refusals import Refusals
from web.runs.connections import in_database

# Cookies and keys whose person is remembered.
KNOWN: Final = 10_000
THREADS: Final = 256
WAITING_THREADS: Final = 4_096
SAFE: Final = ("GET", "HEAD", "OPTIONS")
# They ask whether the server lives, which a queue of people does not change.
PROBES: Final = ("/healthz", "/readyz")


class Handler(ASGIHandler):
    """Django's handler with admission. All middleware runs in one thread, with the view unless that is a coroutine.

    Django's own would start a thread and a database connection for each request, and go back and forth between it and
    the event loop for each middleware.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        super().__init__()
        self._admission = Admission(at_once)
        self._refusals = Refusals()
        self._in_thread = BaseHandler()
        self._in_thread.load_middleware(is_async=False)
        # More than compute at once, as some have stepped aside.
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")
        # Of those whose view is a coroutine, which may wait for a whole answer before it responds.
        self._waiting = ThreadPoolExecutor(WAITING_THREADS, thread_name_prefix="waiting")
        self._people: OrderedDict[str, str] = OrderedDict()

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response, once it is the request's turn."""
        if request.path_info in PROBES:
            return await super().get_response_async(request)
        who = await self._who(request)
        async with self._admission.admitted(Line(who, writes=request.method not in SAFE)):
            if _is_asynchronous(request.path_info):
                # Here, because its thread has a connection already, and one that waits keeps none.
                with suppress(DatabaseError):  # the middleware asks again, and answers what is wrong
                    await in_database(key_of, request)
                response = await self._in(self._waiting, request)
            else:
                response = await to_its_end(self._in(self._threads, request))
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            await asyncio.sleep(self._refusals.count(who))
        return response

    async def _in(self, threads: ThreadPoolExecutor, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self._answer, thread_sensitive=False, executor=threads)(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        close_old_connections()
        try:
            return self._in_thread.get_response(request)
        finally:
            close_old_connections()

    async def _who(self, request: HttpRequest) -> str:
        """The person by their cookie or key, else the address: nobody gets more turns by inventing cookies."""
        credential = secret_of(request) or request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if credential and credential not in self._people and (person := await in_database(sender_of, request)):
            self._people[credential] = f"person-{person}"
            if len(self._people) > KNOWN:
                self._people.popitem(last=False)
        return self._people.get(credential or "") or str(request.META.get("REMOTE_ADDR", ""))


def _is_asynchronous(path: str) -> bool:
    try:
        return iscoroutinefunction(resolve(unmounted(path)).func)
    except Resolver404:
        return False
