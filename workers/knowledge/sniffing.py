"""What kind of file some bytes are, judged by the bytes alone: names and declared types are claims, not facts."""

import re
import zipfile
from io import BytesIO
from typing import Final

from charset_normalizer import from_bytes

from workers.knowledge.errors import BrokenFile, EmptyFile, PasswordProtected, UnpacksTooLarge, UnsupportedFormat

TEXT: Final = "text/plain"
MARKDOWN: Final = "text/markdown"
HTML: Final = "text/html"
PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

MAX_ZIP_ENTRIES: Final = 2_000
MAX_ZIP_BYTES: Final = 200_000_000
MAX_ZIP_RATIO: Final = 100
# Small parts of honest files compress better than 100:1 (a page of blanks), and harm nobody.
RATIO_FREE_BYTES: Final = 1_000_000

_HEAD_BYTES: Final = 64_000
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML_START: Final = re.compile(
    r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_HTML_BLOCK: Final = re.compile(r"<(?:p|div|h[1-6]|table|ul|ol|section|article)\b[^>]*>", re.I)
_XML_START: Final = re.compile(r"\s*<\?xml\b")
_MARKDOWN_SIGNS: Final = (
    re.compile(r"^#{1,6} \S", re.M),
    re.compile(r"^(?:```|~~~)", re.M),
    re.compile(r"\[[^\]\n]+\]\([^)\s]+\)"),
    re.compile(r"^\s{0,3}[-*+] \S.*\n\s{0,3}[-*+] \S", re.M),
    re.compile(r"^\s{0,3}1\. \S.*\n\s{0,3}2\. \S", re.M),
    re.compile(r"^\|?\s*:?-{3,}:?\s*\|", re.M),
    re.compile(r"\*\*\S[^*\n]*\*\*"),
    re.compile(r"^\S.*\n(?:={3,}|-{3,})\s*$", re.M),
)


def sniff(data: bytes) -> str:
    """The MIME type of `data`, one of the constants above. Raises a KnowledgeError that says why it has none."""
    if not data.strip(b"\0 \t\r\n"):
        raise EmptyFile
    if b"%PDF-" in data[:1024]:
        return PDF
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_type(data)
    if data.startswith(b"{\\rtf"):
        raise UnsupportedFormat
    if data.startswith(_OLE):
        # Office wraps encrypted OOXML files in an OLE container; the entry's name is UTF-16.
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise PasswordProtected
        raise UnsupportedFormat("This is an old Office file; save it as DOCX and upload that.")
    return _text_type(decode(data))


def _zip_type(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = archive.infolist()
            check_zip(entries)
            if any(entry.flag_bits & 1 for entry in entries):
                raise PasswordProtected
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise BrokenFile from error
    if any(entry.filename == "word/document.xml" for entry in entries):
        return DOCX
    raise UnsupportedFormat


def check_zip(entries: list[zipfile.ZipInfo]) -> None:
    """Raise UnpacksTooLarge if the archive's directory promises too many, too large or too dense entries."""
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = total > RATIO_FREE_BYTES and total > MAX_ZIP_RATIO * max(1, packed)
    if len(entries) > MAX_ZIP_ENTRIES or total > MAX_ZIP_BYTES or too_dense:
        raise UnpacksTooLarge


def decode(data: bytes) -> str:
    """`data` as text: by its byte order mark, as UTF-8, else by the likeliest charset. Raises UnsupportedFormat."""
    for mark, charset in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return _strict(data, charset)
    if b"\0" in data[:_HEAD_BYTES]:
        return _unmarked_utf16(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)


def _strict(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        raise BrokenFile from error


def _unmarked_utf16(data: bytes) -> str:
    """UTF-16 shows by zeros on one side only; zeros elsewhere mean that this is no text."""
    head = data[:_HEAD_BYTES]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 5 and min(even, odd) < len(head) // 50 + 1:
        return _strict(data, "utf-16-le" if odd > even else "utf-16-be")
    raise UnsupportedFormat


def _guessed(data: bytes) -> str:
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in data[:_HEAD_BYTES])
    if control > len(data[:_HEAD_BYTES]) // 100:
        raise UnsupportedFormat
    best = from_bytes(data[:_HEAD_BYTES], preemptive_behaviour=True).best()
    charset = best.encoding if best else "cp1252"
    return data.decode(charset, errors="replace")


def _text_type(text: str) -> str:
    head = text[:_HEAD_BYTES]
    control = sum(character < " " and character not in "\t\n\r\f\v\x1b" for character in head)
    if control > len(head) // 100:
        raise UnsupportedFormat
    if _HTML_START.match(head) or len(_HTML_BLOCK.findall(head)) >= 3:
        return HTML
    if _XML_START.match(head):
        raise UnsupportedFormat
    signs = sum(bool(sign.search(head)) for sign in _MARKDOWN_SIGNS)
    return MARKDOWN if signs >= 2 or re.match(r"#{1,2} \S", head) else TEXT
