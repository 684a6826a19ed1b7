"""The media type of a file that code made, by its content, since the code chooses the name."""

import io
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Final

_TABLE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_UNKNOWN: Final = "application/octet-stream"


def mime_of(name: str, content: bytes) -> str:
    """The media type of a file; text that a browser would execute is recognised whatever its name."""
    for mime, starts in _TABLE["starts"].items():
        if content.startswith(tuple(start.encode("latin-1") for start in starts)):
            return str(mime)
    if content.startswith(b"RIFF"):
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(content[8:12], _UNKNOWN)
    if content.startswith(b"PK\x03\x04"):
        return _packed(content)
    return _text(name, content)


def _packed(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, OSError):
        return _UNKNOWN
    return next((mime for name, mime in _TABLE["packed"].items() if name in names), "application/zip")


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return _UNKNOWN
    if "\x00" in text:
        return _UNKNOWN
    if re.search(r"<(?:svg|\w+:svg)[\s>]", text[:4_000], flags=re.I):
        return "image/svg+xml"
    if re.search(r"<(?:!doctype html|html|head|body|script|iframe|img|table|div|p)[\s>/]", text[:4_000], flags=re.I):
        return "text/html"
    return str(_TABLE["texts"].get(name.rpartition(".")[2].lower(), "text/plain"))
