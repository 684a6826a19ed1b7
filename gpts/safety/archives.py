"""Checks of a zip archive as a whole, before anything in it is read. Nothing is ever unpacked by its own names."""

import re
import stat
import zipfile
from collections.abc import Iterable
from itertools import pairwise
from typing import IO, Final, Literal

Reason = Literal["broken", "large", "protected", "unsafe"]

MAX_RATIO: Final = 100
# Below this any ratio is harmless; small ordinary files (a page of blanks) may exceed 100:1.
_RATIO_FREE_BYTES: Final = 1_000_000
_ENCRYPTED: Final = 0x01
_METHODS: Final = frozenset([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
# The method number of WinZip's AES encryption, for which writers may omit the flag.
_AES: Final = 99
_LOCAL_HEADER_BYTES: Final = 30


class ArchiveRefused(ValueError):
    """The archive is damaged or hostile. `entry` names what is wrong in it, if that is one entry."""

    def __init__(self, reason: Reason, entry: str = "") -> None:
        super().__init__(reason)
        self.reason, self.entry = reason, entry


def checked_entries(
    archive: zipfile.ZipFile, file: IO[bytes], max_entries: int, max_bytes: int
) -> list[zipfile.ZipInfo]:
    """The entries of `archive`, which is read from `file`. Raises ArchiveRefused.

    `max_bytes` is of all entries together, unpacked, as they declare it: zipfile reads no more than that of each.
    """
    entries = archive.infolist()
    _check_sizes(entries, max_entries, max_bytes)
    _check_names(entries)
    _check_places(entries, file)
    _check_methods(entries)
    return entries


def key_of(name: str) -> str:
    """What names share that readers take for the same: references may differ in letter case and slashes."""
    return name.replace("\\", "/").lower()


def _check_sizes(entries: list[zipfile.ZipInfo], max_entries: int, max_bytes: int) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    too_dense = total > _RATIO_FREE_BYTES and total > MAX_RATIO * max(1, packed)
    if len(entries) > max_entries or total > max_bytes or too_dense:
        raise ArchiveRefused("large")


def _check_names(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse names outside the archive, links, and duplicate names, which readers resolve differently."""
    seen = set()
    for entry in entries:
        # `filename` ends at the first zero byte, after which other readers continue.
        name = entry.orig_filename.replace("\\", "/")
        leads_out = name.startswith("/") or re.match("[a-z]:", name, re.I) or ".." in name.split("/") or "\0" in name
        if leads_out or stat.S_ISLNK(entry.external_attr >> 16) or key_of(name) in seen:
            raise ArchiveRefused("unsafe", entry.filename)
        seen.add(key_of(name))


def _check_places(entries: Iterable[zipfile.ZipInfo], file: IO[bytes]) -> None:
    """Refuse overlapping entries, by which small archives unpack to any size (Fifield, "A better zip bomb", 2019)."""
    places = sorted((entry.header_offset, _end(entry, file)) for entry in entries)
    if any(end > start for (_, end), (start, _) in pairwise(places)):
        raise ArchiveRefused("unsafe")


def _end(entry: zipfile.ZipInfo, file: IO[bytes]) -> int:
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER_BYTES)
    if len(header) < _LOCAL_HEADER_BYTES or not header.startswith(b"PK\x03\x04"):
        raise ArchiveRefused("broken", entry.filename)
    name, extra = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
    return entry.header_offset + _LOCAL_HEADER_BYTES + name + extra + entry.compress_size


def _check_methods(entries: Iterable[zipfile.ZipInfo]) -> None:
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED or entry.compress_type == _AES:
            raise ArchiveRefused("protected", entry.filename)
        if entry.compress_type not in _METHODS:
            raise ArchiveRefused("broken", entry.filename)
