"""Files in the parts of a message: their bytes as a data URL, or the id of one that was uploaded before.

Pictures may also be at an https URL, which a worker reads through the guard: no address of the site's own network.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from web import rpc
from web.accounts.models import User
from web.api.errors import ApiError
from web.runs import files
from web.runs.models import ConversationFile

NO_URLS: Final = (
    "Only pictures are fetched, from https URLs. Send the bytes as a data URL (“data:application/pdf;base64,…”)."
)
NO_AUDIO: Final = "Audio is not supported. Send text, images or files."
FETCH_S: Final = 25.0
_DATA: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w=.+-]+)*?)(;base64)?,", re.IGNORECASE)
_BARE: Final = re.compile(r"[A-Za-z0-9+/=_\s-]+")


@dataclass(frozen=True, slots=True)
class ContentFile:
    """A file of a message: `data` under a `name`, the id of a file of the caller's, or the `url` of a picture.

    `place` is for errors.
    """

    place: str
    name: str = ""
    data: bytes = field(default=b"", repr=False)
    id: UUID | None = None
    url: str = ""


def content_file(kind: str, given: Mapping[str, Any] | str | None, place: str) -> ContentFile:
    """The file in a part of this type, with what stands under the name of the type. Raises ApiError."""
    facts = {"url": given} if isinstance(given, str) else dict(given or {})
    if kind == "image_url" and isinstance(url := facts.get("url"), str):
        if url[:6].lower() == "https:":
            return ContentFile(f"{place}.image_url.url", url=url)
        return ContentFile(f"{place}.image_url.url", *_decoded(url, f"{place}.image_url.url"))
    if kind == "file" and isinstance(file_id := facts.get("file_id"), str):
        return ContentFile(f"{place}.file.file_id", id=uploaded(file_id, f"{place}.file.file_id"))
    if kind == "file" and isinstance(data := facts.get("file_data"), str):
        name, content = _decoded(data, f"{place}.file.file_data")
        return ContentFile(f"{place}.file.file_data", str(facts.get("filename") or name), content)
    if kind in ("image_url", "file"):
        raise ApiError(400, f"The part of type “{kind}” has no data.", f"{place}.{kind}", "invalid_value")
    text = NO_AUDIO if kind == "input_audio" else f"Parts of type “{kind[:40]}” are not supported."
    raise ApiError(400, text, f"{place}.type", "unsupported_value")


def _decoded(url: str, place: str) -> tuple[str, bytes]:
    """A name, by the type, and the bytes of a data URL, or of base64 alone. Raises ApiError."""
    if url[:8].lower().startswith(("http:", "https:")):
        raise ApiError(400, NO_URLS, place, "unsupported_value")
    found = _DATA.match(url)
    body = url[found.end() :] if found else url
    kind = (found[1] or "") if found else ""
    try:
        if found and not found[3]:
            data = unquote_to_bytes(body)
        elif found or _BARE.fullmatch(body[:100]):
            data = base64.b64decode(body, validate=True)
        else:
            raise ValueError(body)
    except (ValueError, binascii.Error):
        raise ApiError(400, "This is not a data URL with base64.", place, "invalid_value") from None
    if not data:
        raise ApiError(400, "The file is empty.", place, "invalid_value")
    return f"file.{kind.rpartition('/')[2].partition('+')[0] or 'bin'}".replace("plain", "txt"), data


def uploaded(file_id: str, place: str | None = None) -> UUID:
    """The id of the file that programs call `file_id`. Raises ApiError for what cannot be one."""
    try:
        return UUID(file_id.removeprefix("file-"))
    except ValueError:
        raise no_file(file_id, place) from None


def no_file(file_id: str, place: str | None = None) -> ApiError:
    """The error for a file that the caller does not have."""
    return ApiError(404, f"File “{file_id[:80]}” not found.", place, "file_not_found")


async def fetched(user: User, given: ContentFile) -> ContentFile:
    """The file, read from its URL if it has one. Raises ApiError, NoResult."""
    if not given.url:
        return given
    call = sync_to_async(rpc.call_for, thread_sensitive=False)
    task, args = "workers.tasks.fetch_picture", (str(user.pk), given.url)
    found = await call(user.pk, task, *args, queue="tools", timeout_s=FETCH_S)
    if "refused" in found:
        raise ApiError(400, found["refused"], given.place, "invalid_image_url")
    return ContentFile(given.place, id=UUID(found["file"]))


def attach(user: User, given: Sequence[ContentFile]) -> list[UUID]:
    """The ids of the files, those with bytes stored for `user` and queued for reading. Raises ApiError, Refused."""
    with transaction.atomic():
        files.read_uploads(user, [each.id for each in given if each.id])
        return [each.id or _attached(user, each, number).id for number, each in enumerate(given, 1)]


def _attached(user: User, given: ContentFile, number: int) -> ConversationFile:
    stem, _, ending = given.name.rpartition(".")
    name = f"{stem}-{number}.{ending}" if stem == "file" else given.name
    return files.attach(user, name.replace("\x00", ""), [given.data])
