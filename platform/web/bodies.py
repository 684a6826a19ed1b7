"""Limits of request bodies, applied before and while they are read.

Django stores the whole body of a request before any view can refuse it, so this stands in front of it. People who are
not signed in can send a form; everything larger takes a session or a key, and only routes in UPLOADS take files.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.urls import Resolver404, resolve

from web.accounts.directory_tokens import DOOR, token_of
from web.accounts.requests import sender_of
from web.runs.connections import in_database
from web.slots import Slot, Slots

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# The error of a status and a text in the shape of a path.
Error = Callable[[int, str, str], HttpResponse]

# What anyone may send: the largest form for people who are not signed in is a tenth of this.
SMALL_BYTES: Final = 64_000
# Files within JSON take six times their size while they are parsed: 170 MB for one of 25.
A2A_FILE_BYTES: Final = 10 * 1024 * 1024
# Of a backup that a new site is restored from. Larger ones are put into BACKUP_DIR.
BACKUP_BYTES: Final = 4 * 1024**3
# A client that sends nothing of its body for so long is disconnected.
SILENT_S: Final = 60.0
SIGNED_OUT: Final = "Sign in, or send a valid API key, to upload this much."
TOO_SLOW: Final = f"Nothing more of the request came for {SILENT_S:.0f} seconds."
TOO_MANY: Final = "Too many uploads at once. Wait until one is finished."


def _knowledge_bytes() -> int:
    return int(settings.MAX_FILE_BYTES) + _page_bytes()


def _attachment_bytes() -> int:
    return int(settings.MAX_ATTACHMENT_BYTES) + _page_bytes()


def a2a_bytes() -> int:
    """Of a request with files within JSON: base64 makes them a third longer."""
    return min(int(settings.MAX_ATTACHMENT_BYTES), A2A_FILE_BYTES) * 4 // 3 + _page_bytes()


def _picture_bytes() -> int:
    return int(settings.MAX_PICTURE_BYTES) + _page_bytes()


def _backup_bytes() -> int:
    return BACKUP_BYTES


def _page_bytes() -> int:
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


# The routes that take files, with their limits. The form of a GPT sends files only where scripts do not run.
UPLOADS: Final[dict[str, Callable[[], int]]] = {
    "gpts/<slug:slug>/edit": _knowledge_bytes,
    "gpts/<slug:slug>/picture": _picture_bytes,
    "gpts/<slug:slug>/files": _knowledge_bytes,
    "gpts/<slug:slug>/files/<uuid:file_id>/replace": _knowledge_bytes,
    "import/": _knowledge_bytes,
    "admin/backups/restore/": _backup_bytes,
    "api/import": _knowledge_bytes,
    "files/attach": _attachment_bytes,
    "projects/<uuid:project_id>/files": _attachment_bytes,
    "api/projects/<uuidstr:project_id>/files": _attachment_bytes,
    "api/gpts/<slug>/files": _knowledge_bytes,
    "api/gpts/<slug>/files/<uuidstr:file_id>/replace": _knowledge_bytes,
    "api/attachments": _attachment_bytes,
    "a2a/<slug:slug>": a2a_bytes,
    "a2a/<slug:slug>/<path:rest>": a2a_bytes,
    "v1/chat/completions": a2a_bytes,
    "v1/responses": a2a_bytes,
    "v1/messages": a2a_bytes,
    "v1/files": _knowledge_bytes,
    "v1/images/edits": _attachment_bytes,
    "v1/audio/transcriptions": _attachment_bytes,
}


class BodyLimits:
    """The ASGI application in front of `application`."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]], error: Error) -> None:
        self._application, self._error = application, error
        self.uploads = Slots()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with a body that cannot go beyond its limit."""
        length = _length(scope) if scope["type"] == "http" else 0
        if length is not None and length <= SMALL_BYTES:
            await self._application(scope, receive, send)
            return
        upload = _upload_limit(scope)
        allowed = upload or _page_bytes()
        if length is not None and length > allowed:
            await self._refuse(scope, send, 413, _too_large(scope, allowed))
            return
        person = await in_database(_person, scope)
        if person is None and length is not None:
            await self._refuse(scope, send, 401, SIGNED_OUT)
            return
        slot = self.uploads.take(person, settings.MAX_UPLOADS_PER_PERSON) if person and upload else None
        if person and upload and slot is None:
            await self._refuse(scope, send, 429, TOO_MANY)
            return
        try:
            body = _CountedBody(allowed if person else SMALL_BYTES, receive, slot)
            await self._within(body, scope, send)
        finally:
            if slot:
                slot.free()

    async def _within(self, body: "_CountedBody", scope: Scope, send: Send) -> None:
        """Pass the request on, and end it once its body is too large or does not come."""
        await self._application(scope, body, send)
        if body.refusal:
            text = TOO_SLOW if body.refusal == 408 else _too_large(scope, body.limit)
            await self._refuse(scope, send, body.refusal, text, (b"connection", b"close"))

    async def _refuse(self, scope: Scope, send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
        """Answer without reading the body. The server discards what still comes of one with a declared length."""
        error = self._error(status, text, scope["path"])
        error.headers["Content-Length"] = str(len(error.content))
        start = [(name.lower().encode(), value.encode()) for name, value in error.items()]
        await send({"type": "http.response.start", "status": status, "headers": [*start, *headers]})
        await send({"type": "http.response.body", "body": error.content})


class _CountedBody:
    """Receives a body; the application hears of a disconnect when it is too large (`refusal` 413) or late (408).

    The upload's `slot` is free again once the body is whole: an answer may take minutes.
    """

    def __init__(self, limit: int, receive: Receive, slot: Slot | None = None) -> None:
        self.limit = self._left = limit
        self._receive, self._slot = receive, slot
        self._is_whole = False
        self.refusal = 0

    async def __call__(self) -> Message:
        """The next message."""
        if self._is_whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), SILENT_S)
        except TimeoutError:
            return self._refused(408)
        self._left -= len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._is_whole and self._slot:
            self._slot.free()
        return message if self._left >= 0 else self._refused(413)

    def _refused(self, status: int) -> Message:
        self.refusal = status
        return {"type": "http.disconnect"}


def _length(scope: Scope) -> int | None:
    """The declared length of the body in bytes; None if it is chunked, or declared in a way that means nothing."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return None
    declared = headers.get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else None


def _upload_limit(scope: Scope) -> int | None:
    """The limit of a route that takes files; None for any other."""
    path = scope["path"].rstrip("/") if scope["path"].startswith("/v1/") else scope["path"]
    try:
        route = resolve(path).route
    except Resolver404:
        return None
    return upload_limit(route) if scope["method"] == "POST" else None


def upload_limit(route: str) -> int | None:
    """The bytes that a request to a route that takes files may have; None for any other route."""
    limit = UPLOADS.get(route)
    return limit() if limit else None


def json_limit(route: str) -> int | None:
    """The bytes that a request to a route that takes files within JSON may have; None for any other route."""
    return a2a_bytes() if UPLOADS.get(route) is a2a_bytes else None


def _person(scope: Scope) -> int | None:
    """The id of the person who sends the request, by its key or session, or of a directory's token; None without."""
    request = ASGIRequest(dict(scope), io.BytesIO())
    try:
        return token_of(request) if request.path.startswith(DOOR) else sender_of(request)
    except UnicodeDecodeError:
        return None


def _too_large(scope: Scope, limit: int) -> str:
    if limit > _page_bytes() and not scope["path"].startswith(("/v1/", "/a2a/")):  # a form with one file
        return f"This file is too large: up to {round((limit - _page_bytes()) / 1024**2, 1):g} MB each."
    return f"Too large: a request here can have up to {limit / 1024**2:.1f} MB."
