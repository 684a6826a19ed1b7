"""Files sent with a call (`openaiFileIdRefs`) and files returned by it (`openaiFileResponse`)."""

import mimetypes
from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gpts.runs.steps import FileRef
from workers.egress import Response
from workers.tools import NAMES, ToolContext, ToolError
from workers.tools.actions.requests import SentFile
from workers.tools.credentials import Credential, scrub_bytes

MAX_FILES: Final = 10
MAX_FILE_BYTES: Final = 10_000_000
# The response of a URL, with at most so many bytes.
Fetch = Callable[[str, int], Response]


def reader(context: ToolContext) -> Callable[[str], SentFile]:
    """A function that reads a file of the conversation by name and raises ToolError."""
    taken: list[str] = []

    def read(name: str) -> SentFile:
        found = next((file for file in context.files if file.name == name), None)
        if found is None:
            there = ", ".join(file.name for file in context.files[:10])
            text = f"There is no file “{name[:80]}” in this conversation. Its files: {there or 'none'}."
            raise ToolError(text, there and NAMES)
        taken.append(name)
        if len(taken) > MAX_FILES:
            raise ToolError(f"A call can send at most {MAX_FILES} files.")
        if found.path.stat().st_size > MAX_FILE_BYTES:
            raise ToolError(f"“{name[:80]}” is too large: at most {MAX_FILE_BYTES // 1_000_000} MB can be sent.")
        mime = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        return SentFile(found.name, mime, found.path.read_bytes())

    return read


def kept_files(entries: Any, context: ToolContext, fetch: Fetch, credential: Credential) -> list[FileRef]:
    """The files in `openaiFileResponse`, kept with the conversation: objects with base64 content, or URLs.

    Raises ToolError if there are too many or one cannot be fetched.
    """
    if not isinstance(entries, list):
        return []
    if len(entries) > MAX_FILES:
        raise ToolError(f"The response has {len(entries)} files; at most {MAX_FILES} are allowed.")
    found = (_fetched(entry, fetch) if isinstance(entry, str) else _inline(entry) for entry in entries)
    return keep_each(found, context, credential)


def keep_each(found: Iterable[tuple[str, str, bytes]], context: ToolContext, credential: Credential) -> list[FileRef]:
    """The files of a response, each (name, type, bytes), kept without the secret. Raises ToolError for too many."""
    files: list[FileRef] = []
    for name, mime, data in found:
        context.check()
        if len(files) >= MAX_FILES:
            raise ToolError(f"The response has more than {MAX_FILES} files, which is the limit.")
        if len(data) > MAX_FILE_BYTES:
            raise ToolError(f"A file of the response is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
        files.append(context.keep(name, mime, scrub_bytes(data, credential)))
    return files


def _fetched(url: str, fetch: Fetch) -> tuple[str, str, bytes]:
    response = fetch(url, MAX_FILE_BYTES)
    if response.status >= 400:
        raise ToolError(f"Couldn't fetch a file of the response (status {response.status}).")
    name = unquote(urlsplit(response.url).path.rsplit("/", 1)[-1])
    return file_name(name), response.content_type, response.content


def _inline(entry: Any) -> tuple[str, str, bytes]:
    if not isinstance(entry, dict) or not isinstance(entry.get("content"), str):
        raise ToolError("A file of the response has neither content nor a URL.")
    name, mime = file_name(str(entry.get("name", ""))), str(entry.get("mime_type", ""))[:100]
    return name, mime, decoded_base64(entry["content"])


def decoded_base64(data: str) -> bytes:
    """The bytes of a file of a response. Raises ToolError."""
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise ToolError("A file of the response is not valid base64.") from None


def file_name(name: str) -> str:
    """`name` without folders and control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip(". ")[:120] or "file"


def ending(mime: str) -> str:
    """The extension for files without a name, from their MIME type."""
    return mime.split("/")[-1].split("+")[0][:10]
