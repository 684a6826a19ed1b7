"""E-mail: the main headers, the message as readers see it, and attachments one level deep.

Headers are parsed with the standard library's older policy, since the newer one raises on headers of real messages.
If a message has an HTML and a plain-text version, the HTML is read; a plain text that differs is left out and noted.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from importlib import import_module
from typing import Any, Final, TypeAlias

import webencodings

from gpts.knowledge.documents import Document
from workers.isolation.errors import BrokenFile, FileError, PasswordProtected
from workers.knowledge.decoding import decode
from workers.knowledge.parsers.html.document import read_page
from workers.knowledge.parsers.outline import Outline, flat
from workers.knowledge.parsers.text import add_text

_HEADERS: Final = ("From", "To", "Cc", "Date", "Subject")
_MAX_PARTS: Final = 200
_MAX_ATTACHMENTS: Final = 20
_MAX_ATTACHMENT_BYTES: Final = 20_000_000
_MAX_HEADER_CHARS: Final = 1_000
# The share of a plain version's words that may be missing in the HTML before it counts as a different text.
_OTHER_WORDS: Final = 0.3
_ENCRYPTED: Final = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")
_LOCKED: Final = "This message is encrypted. Open it in your mail program and save it without encryption."

_Part: TypeAlias = "Message[Any, Any]"


def parse(data: bytes) -> Document:
    """The message in an EML file, with its readable attachments."""
    outline = Outline(marks_headings=False)
    try:
        message = message_from_bytes(data.lstrip(b"\r\n"))
    except (MessageError, ValueError, TypeError, LookupError, AttributeError, IndexError) as error:
        raise BrokenFile from error
    _add_message(outline, message, nested=False)
    return outline.document()


def _add_message(outline: Outline, message: _Part, nested: bool) -> None:
    if message.get_content_type() in _ENCRYPTED and "signed-data" not in str(message.get("Content-Type")):
        raise PasswordProtected(_LOCKED)
    headers = [(name, _header(message, name)) for name in _HEADERS]
    outline.title = outline.title or dict(headers)["Subject"]
    outline.lines("\n".join(f"{name}: {value}" for name, value in headers if value))
    parts = list(_parts(outline, message))
    _add_body(outline, parts)
    attachments = [part for part in parts if _is_attachment(part)]
    if nested and attachments:
        outline.notice("Attachments of an attached message weren't read.", missing="attachments")
        return
    if len(attachments) > _MAX_ATTACHMENTS:
        outline.notice(
            f"Only {_MAX_ATTACHMENTS} of {len(attachments):,} attachments were read.", missing="attachments"
        )
    for part in attachments[:_MAX_ATTACHMENTS]:
        _add_attachment(outline, part)


def _parts(outline: Outline, message: _Part) -> Iterator[_Part]:
    """The leaves of a message in order; attached messages are leaves."""
    pending, n_parts = [message], 0
    while pending:
        part = pending.pop()
        n_parts += 1
        if n_parts > _MAX_PARTS:
            outline.notice(f"The message has more than {_MAX_PARTS} parts. The others weren't read.")
            return
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            inner = part.get_payload()
            pending += [each for each in inner[::-1] if isinstance(each, Message)] if isinstance(inner, list) else []
        else:
            yield part


def _is_attachment(part: _Part) -> bool:
    kind = part.get_content_type()
    if part.get_content_disposition() == "attachment" or kind == "message/rfc822":
        return True
    if kind in ("text/plain", "text/html"):
        return bool(part.get_filename()) and part.get_content_disposition() != "inline"
    return part.get_content_maintype() not in ("image", "multipart") and bool(part.get_filename())


def _add_body(outline: Outline, parts: list[_Part]) -> None:
    inline = [part for part in parts if not _is_attachment(part)]
    pages = [_text(part) for part in inline if part.get_content_type() == "text/html"]
    # Mail programs show messages with a malformed type, or without any of the parts announced, as text.
    plains = [_text(part) for part in inline if _is_plain(part)]
    n_before = len(outline.blocks)
    for page in pages:
        read_page(page, outline)
    shown = " ".join(block.text for block in outline.blocks[n_before:])
    for plain in plains:
        if not pages or not shown.strip():
            add_text(outline, plain)
        elif _differs(plain, shown):
            outline.leave_out(plain, "the plain-text version, which differs from the message")


def _is_plain(part: _Part) -> bool:
    kind = part.get_content_type()
    return kind in ("text/plain", "text/markdown", "text/enriched", "text/") or kind.startswith("multipart/")


def _differs(plain: str, shown: str) -> bool:
    words = set(re.findall(r"[^\W\d_]{3,}", re.sub(r"https?:\S+", "", plain.lower())))
    missing = words - set(re.findall(r"[^\W\d_]{3,}", shown.lower()))
    return len(missing) > max(5, _OTHER_WORDS * len(words))


def _add_attachment(outline: Outline, part: _Part) -> None:
    outline.path.clear()
    inner = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list) and isinstance(inner[0], Message):
        outline.heading(f"Attached message: {_header(inner[0], 'Subject') or 'no subject'}", 1)
        _add_message(outline, inner[0], nested=True)
        return
    name = _file_name(part)
    data = _payload(part)
    if part.get_content_maintype() in ("image", "audio", "video"):
        outline.notice(f"{name}: pictures, audio and video in messages aren't read.", missing="attachment")
        return
    try:
        document = _read(data)
    except FileError as error:
        outline.notice(f"{name}: {error}", missing="attachment")
        return
    outline.heading(f"Attachment: {name}", 1)
    outline.add_document(document, under=1)
    for notice in document.notices:
        outline.notice(f"{name}: {notice.message}")


def _read(data: bytes) -> Document:
    """The document in an attachment, unscreened, since the message is screened as a whole."""
    from workers.knowledge.parsers import PARSERS
    from workers.knowledge.sniffing import sniff
    from workers.knowledge.text_types import EML

    if len(data) > _MAX_ATTACHMENT_BYTES:
        raise FileError("The attachment is too large. Upload it separately.")
    kind = sniff(data)
    if kind == EML:
        raise FileError("Messages inside attachments aren't read. Upload it separately.")
    document: Document = import_module(PARSERS[kind]).parse(data)
    return document


def _payload(part: _Part) -> bytes:
    payload = None
    with suppress(ValueError, LookupError, AssertionError):
        payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: _Part) -> str:
    """The text of a part by its declared charset, or by a detected one if that is wrong."""
    data = _payload(part)
    if codec := _codec(part.get_content_charset()):
        with suppress(UnicodeDecodeError, LookupError):
            return data.decode(codec)
    return decode(data) if data.strip() else ""


def _codec(charset: object) -> str:
    """The Python codec of a declared charset, "" if it is unknown."""
    encoding = webencodings.lookup(charset) if isinstance(charset, str) and charset.isascii() else None
    return encoding.codec_info.name if encoding is not None and encoding.name != "x-user-defined" else ""


def _header(message: _Part, name: str) -> str:
    """The value of a header, with encoded words decoded."""
    return flat(_decoded_words(lambda: str(message.get(name) or "")[:_MAX_HEADER_CHARS]))


def _decoded_words(read: Callable[[], str]) -> str:
    """The decoded words of the raw header that `read` returns, "" if it cannot be read."""
    raw = ""
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        raw = read()
    if not raw.isascii() or any("\udc80" <= character <= "\udcff" for character in raw):
        raw = decode(raw.encode("utf-8", "surrogateescape"))
    try:
        pieces = decode_header(raw)
    except (HeaderParseError, ValueError, TypeError):
        return raw
    return "".join(
        piece if isinstance(piece, str) else piece.decode(_codec(charset) or "utf-8", errors="replace")
        for piece, charset in pieces
    )


def _file_name(part: _Part) -> str:
    """The attachment's name without its path, for display."""
    name = _decoded_words(lambda: str(part.get_filename() or ""))
    return flat(re.split(r"[\\/]", name)[-1])[:120] or "without a name"
