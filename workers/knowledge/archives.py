"""Reading zip archives safely: an archive is checked as a whole, then read entry by entry.

All zip formats (DOCX, PPTX, XLSX, ODF, EPUB) are read through this module, and not by parser libraries. Nothing is
unpacked to disk, and archives inside archives are not opened. A hostile archive raises UnpacksTooLarge, UnsafeArchive
or EntitiesRefused, a damaged one BrokenFile.
"""

import re
import zipfile
import zlib
from io import BytesIO
from typing import Any, Final

from lxml import etree

from gpts.safety.archives import ArchiveRefused, Reason, checked_entries, key_of
from workers.isolation.errors import (
    BrokenFile,
    EntitiesRefused,
    FileError,
    PasswordProtected,
    UnpacksTooLarge,
    UnsafeArchive,
)

_MAX_ENTRIES: Final = 2_000
MAX_BYTES: Final = 200_000_000
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)
# The namespaces of "Strict Open XML" have the same elements as the usual ones.
_STRICT: Final = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_REFUSALS: Final[dict[Reason, type[FileError]]] = {
    "broken": BrokenFile,
    "large": UnpacksTooLarge,
    "protected": PasswordProtected,
    "unsafe": UnsafeArchive,
}


class Archive:
    """The entries of a zip archive that passed all checks, by name."""

    def __init__(self, data: bytes) -> None:
        try:
            file = BytesIO(data)
            self._zip = zipfile.ZipFile(file)
            entries = checked_entries(self._zip, file, _MAX_ENTRIES, MAX_BYTES)
        except ArchiveRefused as refused:
            raise _REFUSALS[refused.reason] from refused
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OverflowError) as error:
            raise BrokenFile from error
        self._entries = {key_of(entry.filename): entry for entry in entries}

    def __contains__(self, name: str) -> bool:
        return key_of(name) in self._entries

    @property
    def names(self) -> list[str]:
        """The names of the entries."""
        return [entry.filename for entry in self._entries.values()]

    def read(self, name: str) -> bytes:
        """The bytes of the entry `name`, at most as many as it declares. Raises BrokenFile."""
        entry = self._entries.get(key_of(name))
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
