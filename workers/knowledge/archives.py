"""The only way to open a zip archive: checked as a whole first, then read entry by entry.

Every format that is a zip (DOCX, PPTX, XLSX, ODF, EPUB) goes through here, so that no parser library opens an
archive by its own rules. Nothing is ever unpacked to disk, and an archive inside an archive stays closed. A hostile
archive gives UnpacksTooLarge, UnsafeArchive or EntitiesRefused, a damaged one BrokenFile.
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from io import BytesIO
from itertools import pairwise
from typing import Any, Final

from lxml import etree

from workers.knowledge.errors import BrokenFile, EntitiesRefused, PasswordProtected, UnpacksTooLarge, UnsafeArchive

MAX_ENTRIES: Final = 2_000
MAX_BYTES: Final = 200_000_000
MAX_RATIO: Final = 100
# Small parts of ordinary files compress better than 100:1 (a page of blanks), which is harmless.
RATIO_FREE_BYTES: Final = 1_000_000

_ENCRYPTED: Final = 0x01
_METHODS: Final = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
# The method number of WinZip's AES encryption, which leaves the flag to the writer.
_AES: Final = 99
_LOCAL_HEADER_BYTES: Final = 30
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
# The ISO's own namespaces ("Strict Open XML") name the same elements as everybody's.
_STRICT: Final = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")


class Archive:
    """The entries of a zip archive that passed all checks, by name."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(BytesIO(data))
            entries = self._zip.infolist()
            _check_sizes(entries)
            _check_names(entries)
            _check_places(entries, data)
            _check_methods(entries)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OverflowError) as error:
            raise BrokenFile from error
        # Names differ in letter case and slashes between the parts that name them and the archive.
        self._entries = {_key(entry.filename): entry for entry in entries}

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    @property
    def names(self) -> list[str]:
        """The names as the archive gives them."""
        return [entry.filename for entry in self._entries.values()]

    def read(self, name: str) -> bytes:
        """The bytes of the entry `name`: never more than it declared. Raises BrokenFile if there is none."""
        entry = self._entries.get(_key(name))
        if entry is None:
            raise BrokenFile
        try:
            # zipfile stops at the declared size and then finds that the checksum is wrong, if the entry lied.
            return self._zip.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise BrokenFile from error

    def xml(self, name: str) -> Any:
        """The root element of the XML entry `name`. Raises EntitiesRefused if it has a document type."""
        return parse_xml(self.read_xml(name))

    def read_xml(self, name: str) -> bytes:
        """The XML entry `name`, known to declare nothing, for parsers that read it piece by piece."""
        part = self.read(name)
        # UTF-16 shows the same letters once its zero bytes are gone.
        if _DOCTYPE.search(part.replace(b"\0", b"")):
            raise EntitiesRefused
        return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", part)


def parse_xml(part: bytes) -> Any:
    """The root element of `part`, at most 256 levels deep, without comments, network and entities."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(part, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BrokenFile from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise EntitiesRefused
    return root


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = total > RATIO_FREE_BYTES and total > MAX_RATIO * max(1, packed)
    if len(entries) > MAX_ENTRIES or total > MAX_BYTES or too_dense:
        raise UnpacksTooLarge


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    """Names that lead out of the archive, links, and two entries of one name, of which readers see either."""
    seen = set()
    for entry in entries:
        # `filename` ends at the first zero byte; the rest would be seen by other readers only.
        name = entry.orig_filename.replace("\\", "/")
        leads_out = name.startswith("/") or re.match("[a-z]:", name, re.I) or ".." in name.split("/") or "\0" in name
        if leads_out or stat.S_ISLNK(entry.external_attr >> 16) or _key(name) in seen:
            raise UnsafeArchive
        seen.add(_key(name))


def _check_places(entries: Iterable[zipfile.ZipInfo], data: bytes) -> None:
    """Entries that share bytes: a small archive unpacks to anything that way (Fifield, "A better zip bomb", 2019)."""
    places = sorted((entry.header_offset, _end(entry, data)) for entry in entries)
    if any(end > start for (_, end), (start, _) in pairwise(places)):
        raise UnsafeArchive


def _end(entry: zipfile.ZipInfo, data: bytes) -> int:
    header = data[entry.header_offset : entry.header_offset + _LOCAL_HEADER_BYTES]
    if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
        raise BrokenFile
    name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    return entry.header_offset + _LOCAL_HEADER_BYTES + name + extra + entry.compress_size


def _check_methods(entries: Iterable[zipfile.ZipInfo]) -> None:
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED or entry.compress_type == _AES:
            raise PasswordProtected
        if entry.compress_type not in _METHODS:
            raise BrokenFile


def _key(name: str) -> str:
    return name.replace("\\", "/").lower()
