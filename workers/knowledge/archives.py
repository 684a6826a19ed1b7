"""Reading zip archives safely: an archive is checked as a whole, then read entry by entry.

All zip formats (DOCX, PPTX, XLSX, ODF, EPUB) are read through this module, and not by parser libraries. Nothing is
unpacked to disk, and archives inside archives are not opened. A hostile archive raises UnpacksTooLarge, UnsafeArchive
or EntitiesRefused, a damaged one BrokenFile.
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

_MAX_ENTRIES: Final = 2_000
MAX_BYTES: Final = 200_000_000
MAX_RATIO: Final = 100
# Below this any ratio is harmless; small ordinary files (a page of blanks) may exceed 100:1.
_RATIO_FREE_BYTES: Final = 1_000_000

_ENCRYPTED: Final = 0x01
_METHODS: Final = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
# The method number of WinZip's AES encryption, for which writers may omit the flag.
_AES: Final = 99
_LOCAL_HEADER_BYTES: Final = 30
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
# The namespaces of "Strict Open XML" have the same elements as the usual ones.
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
        # References inside the archive may differ from the names in letter case and slashes.
        self._entries = {_key(entry.filename): entry for entry in entries}

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    @property
    def names(self) -> list[str]:
        """The names of the entries."""
        return [entry.filename for entry in self._entries.values()]

    def read(self, name: str) -> bytes:
        """The bytes of the entry `name`, at most as many as it declares. Raises BrokenFile."""
        entry = self._entries.get(_key(name))
        if entry is None:
            raise BrokenFile
        try:
            # zipfile stops at the declared size; if that is wrong, the checksum fails.
            return self._zip.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise BrokenFile from error

    def xml(self, name: str) -> Any:
        """The root element of the XML entry `name`. Raises EntitiesRefused if it has a document type."""
        return parse_xml(self.read_xml(name))

    def read_xml(self, name: str) -> bytes:
        """The XML entry `name`, without declarations, for incremental parsers. Raises EntitiesRefused."""
        part = self.read(name)
        # Without its zero bytes, UTF-16 is searched like ASCII.
        if _DOCTYPE.search(part.replace(b"\0", b"")):
            raise EntitiesRefused
        return _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", part)


def parse_xml(part: bytes) -> Any:
    """The root element of `part`, at most 256 levels deep, parsed without comments, network access and entities."""
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
    too_dense = total > _RATIO_FREE_BYTES and total > MAX_RATIO * max(1, packed)
    if len(entries) > _MAX_ENTRIES or total > MAX_BYTES or too_dense:
        raise UnpacksTooLarge


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse names outside the archive, links, and duplicate names, which readers resolve differently."""
    seen = set()
    for entry in entries:
        # `filename` ends at the first zero byte, after which other readers continue.
        name = entry.orig_filename.replace("\\", "/")
        leads_out = name.startswith("/") or re.match("[a-z]:", name, re.I) or ".." in name.split("/") or "\0" in name
        if leads_out or stat.S_ISLNK(entry.external_attr >> 16) or _key(name) in seen:
            raise UnsafeArchive
        seen.add(_key(name))


def _check_places(entries: Iterable[zipfile.ZipInfo], data: bytes) -> None:
    """Refuse overlapping entries, by which small archives unpack to any size (Fifield, "A better zip bomb", 2019)."""
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
