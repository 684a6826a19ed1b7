"""The media type of a file that code made, by its content, since the code chooses the name."""

import io
import re
import zipfile
from typing import Final

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"ID3", "audio/mpeg"),
)
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_PACKED: Final = {
    "xl/workbook.xml": f"{_OFFICE}.spreadsheetml.sheet",
    "word/document.xml": f"{_OFFICE}.wordprocessingml.document",
    "ppt/presentation.xml": f"{_OFFICE}.presentationml.presentation",
}
# Kinds of text that only the name distinguishes; browsers execute none of them.
_TEXTS: Final = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "json": "application/json",
}
_UNKNOWN: Final = "application/octet-stream"


def mime_of(name: str, content: bytes) -> str:
    """The media type of a file; text that a browser would execute is recognised whatever its name."""
    for magic, mime in _MAGIC:
        if content.startswith(magic):
            return mime
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
    return next((mime for name, mime in _PACKED.items() if name in names), "application/zip")


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
    return _TEXTS.get(name.rpartition(".")[2].lower(), "text/plain")
