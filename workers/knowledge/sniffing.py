"""The MIME type of a file by its bytes alone, because its name and declared type may be wrong."""

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from lxml import etree

from workers.isolation.errors import BrokenFile, EmptyFile, PasswordProtected, UnsupportedFormat
from workers.knowledge.archives import Archive
from workers.knowledge.decoding import decode
from workers.knowledge.text_types import text_type

PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT: Final = "application/vnd.oasis.opendocument.text"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
ODP: Final = "application/vnd.oasis.opendocument.presentation"
EPUB: Final = "application/epub+zip"
RTF: Final = "application/rtf"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
GIF: Final = "image/gif"
WEBP: Final = "image/webp"
TIFF: Final = "image/tiff"
BMP: Final = "image/bmp"

_TABLE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("signatures.toml").read_text("utf-8"))
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SOUND: Final = "Audio and video files aren’t supported. Upload a transcript instead."
_ARCHIVE: Final = "Archives aren’t supported. Unpack it and upload its files."
_PROGRAM: Final = "Programs aren’t supported. Upload the documentation or source code instead."
_PHOTO_BRANDS: Final = (b"heic", b"heix", b"mif1", b"msf1", b"avif")
# Templates have the same content under a longer type.
_ODF_KINDS: Final = ((ODT, ODT), (ODS, ODS), (ODP, ODP), ("application/vnd.oasis.opendocument.graphics", ODP))


def _as_bytes(starts: list[str]) -> tuple[bytes, ...]:
    return tuple(start.encode("latin-1") for start in starts)


def sniff(data: bytes) -> str:
    """The MIME type of `data`, a constant of this module or of text_types. Raises a FileError if unsupported."""
    if not data.strip(b"\0 \t\r\n"):
        raise EmptyFile
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_type(Archive(data))
    if _is_pdf(data):
        return PDF
    if data.lstrip().startswith(b"{\\rtf"):
        return RTF
    if data.startswith(_OLE):
        _refuse_ole(data)
    if image := _image_type(data):
        return image
    _refuse_known(data)
    return text_type(decode(data))


def _is_pdf(data: bytes) -> bool:
    """Whether `data` is a PDF: readers allow bytes before the header, but a text may contain a header too."""
    start = data[:1024].find(b"%PDF-")
    return start >= 0 and (not data[:start].strip(b"\xef\xbb\xbf\0 \t\r\n") or b" obj" in data)


def _image_type(data: bytes) -> str:
    for kind, starts in _TABLE["images"].items():
        if data.startswith(_as_bytes(starts)):
            return str(kind)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return WEBP
    # Texts may begin with BM too; a bitmap continues with its size, four zeros and its header's size.
    if data.startswith(b"BM") and data[6:10] == b"\0\0\0\0" and data[15:18] == b"\0\0\0":
        return BMP
    return ""


def _refuse_known(data: bytes) -> None:
    """Raise UnsupportedFormat, with what to do, if `data` has a known format without text."""
    for each in _TABLE["refused"]:
        if data.startswith(_as_bytes(each["starts"]), each.get("at", 0)):
            raise UnsupportedFormat(each["message"])
    if data.startswith(b"RIFF") and data[8:12] in (b"WAVE", b"AVI "):
        raise UnsupportedFormat(_SOUND)
    if data.startswith(b"MZ") and b"\0" in data[:64]:
        raise UnsupportedFormat(_PROGRAM)
    if data[4:8] == b"ftyp":
        if data[8:12] in _PHOTO_BRANDS:
            raise UnsupportedFormat(
                "HEIC and AVIF pictures aren’t supported. Save it as JPEG or PNG and upload that."
            )
        raise UnsupportedFormat(_SOUND)


def _refuse_ole(data: bytes) -> None:
    # Office wraps encrypted OOXML files in an OLE container; names in it are UTF-16.
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise PasswordProtected
    for stream, message in _TABLE["ole"].items():
        if stream.encode("utf-16-le") in data:
            raise UnsupportedFormat(message)
    raise UnsupportedFormat("Old Office files aren’t supported. Save it as DOCX, XLSX or PPTX and upload that.")


def _zip_type(archive: Archive) -> str:
    if "[Content_Types].xml" in archive:
        return _ooxml_type(archive)
    if "mimetype" in archive:
        declared = archive.read("mimetype").decode("latin-1").strip()
        if declared == EPUB:
            return EPUB
        if declared.startswith("application/vnd.oasis."):
            return _odf_type(archive, declared)
    if "META-INF/container.xml" in archive:
        return EPUB
    if "META-INF/manifest.xml" in archive and "content.xml" in archive:
        return _odf_type(archive, _manifest_type(archive))
    if any(name.endswith(".iwa") for name in archive.names) or "Index.zip" in archive:
        raise UnsupportedFormat(
            "Apple iWork files aren’t supported. Export it as PDF, DOCX, XLSX or PPTX and upload that."
        )
    if not archive.names:
        raise EmptyFile
    raise UnsupportedFormat(_ARCHIVE)


def _ooxml_type(archive: Archive) -> str:
    types = " ".join(each.get("ContentType", "") for each in archive.xml("[Content_Types].xml").iter(etree.Element))
    for each in _TABLE["ooxml"]:
        if re.search(each["pattern"], types):
            if "type" not in each:
                raise UnsupportedFormat(each["message"])
            return str(each["type"])
    raise UnsupportedFormat


def _odf_type(archive: Archive, declared: str) -> str:
    if "META-INF/manifest.xml" in archive:
        # Not parsed, because manifests of old OpenOffice have a document type.
        manifest = archive.read("META-INF/manifest.xml")
        if b"encryption-data" in manifest or "encrypted-package" in archive:
            raise PasswordProtected
    for prefix, kind in _ODF_KINDS:
        if declared.startswith(prefix):
            return kind
    raise UnsupportedFormat


def _manifest_type(archive: Archive) -> str:
    for entry in archive.xml("META-INF/manifest.xml"):
        values = {etree.QName(name).localname: value for name, value in entry.items()}
        if values.get("full-path") == "/":
            return values.get("media-type", "")
    raise BrokenFile
