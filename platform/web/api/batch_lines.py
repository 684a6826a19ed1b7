"""Reads the file of a batch: a JSON object on each line, with `custom_id`, `method`, `url` and `body`.

A line that is none becomes an error with its number and text, and the others run.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, Final

from django.conf import settings
from pydantic_core import from_json

from web.api.models_batches import Batch, BatchLine

Status = BatchLine.Status
MAX_LINES: Final = 50_000
SHOWN_CHARS: Final = 2_000
# Rows that are written at once.
AT_ONCE: Final = 200


class BadFile(Exception):
    """The file cannot be run: `code`, and the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read_lines(batch: Batch, file: BinaryIO) -> int:
    """Store the lines of the file, of which those that are there already stay; their number. Raises BadFile."""
    n_lines, known = 0, set[str]()
    for _ in _numbered(file):
        n_lines += 1
        if n_lines > MAX_LINES:
            raise BadFile("too_many_requests", f"The file has more than {MAX_LINES:,} requests.")
    if not n_lines:
        raise BadFile("empty_file", "The file has no requests.")
    file.seek(0)
    lines = (_line(batch, number, text, known) for number, text in _numbered(file))
    while some := list(islice(lines, AT_ONCE)):
        BatchLine.objects.bulk_create(some, ignore_conflicts=True)
    return n_lines


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank with its number; of one that is too long, as much as shows that."""
    most, number = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, 0
    while text := file.readline(most + 1):
        number += 1
        rest = text
        while len(rest) > most and not rest.endswith(b"\n"):
            rest = file.readline(most + 1)
        if text.strip():
            yield number, text


def _line(batch: Batch, number: int, text: bytes, known: set[str]) -> BatchLine:
    line = BatchLine(batch=batch, number=number)
    try:
        request = _checked(batch, text, known)
        line.custom_id, line.body = request["custom_id"], request["body"]
        known.add(line.custom_id)
    except ValueError as error:
        shown = text[:SHOWN_CHARS].decode(errors="replace").replace("\x00", "�").rstrip("\n")
        line.status = Status.FAILED
        line.result = failure(line, "invalid_request", str(error), {"line": number, "input": shown})
    return line


def _checked(batch: Batch, text: bytes, known: set[str]) -> dict[str, Any]:
    """The request on a line. Raises ValueError."""
    if len(text) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise ValueError("The line is too long.")
    if b"\\u0000" in text:
        raise ValueError("The line has a character that can’t be stored.")
    try:
        request: Any = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise ValueError("The line is not JSON.") from None
    if not isinstance(request, dict) or not isinstance(request.get("body"), dict):
        raise ValueError("The line is not an object with a “body”.")
    name = request.get("custom_id")
    if not isinstance(name, str) or not 0 < len(name) <= 512:
        raise ValueError("“custom_id” must be a text of up to 512 characters.")
    if name in known:
        raise ValueError("“custom_id” is that of another line.")
    if request.get("method") != "POST" or request.get("url") != batch.endpoint:
        raise ValueError(f"“method” must be POST and “url” {batch.endpoint}.")
    for field in ("stream", "background"):
        if request["body"].get(field):
            raise ValueError(f"“{field}” is not possible in a batch.")
    return request


def failure(line: BatchLine, code: str, message: str, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    """The line of the file of errors for a request that got no response; `facts` are added to the error."""
    same = {"id": f"batch_req_{line.id.hex}", "custom_id": line.custom_id or None, "response": None}
    return {**same, "error": {"code": code, "message": message, **(facts or {})}}
