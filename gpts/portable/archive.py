"""Reads an exported GPT: the archive is checked as a whole, then `gpt.json`, then each entry that this names."""

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final

from gpts.portable.errors import NotImportable
from gpts.portable.found import Found
from gpts.portable.package import MANIFEST, MAX_MANIFEST_BYTES, Package, read_package
from gpts.safety.archives import ArchiveRefused, Reason, checked_entries

OWN: Final = "a GPT file"
CHUNK_BYTES: Final = 1 << 20
MAX_ENTRIES: Final = 2_000
# The list of entries: 200,000 of them with names of 50 characters, which take 4 s (measured 2026-12-02).
MAX_LIST_BYTES: Final = 20_000_000
# What some systems add to every archive that is made on them.
_LITTER: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_REFUSALS: Final[dict[Reason, str]] = {
    "broken": "The archive is damaged",
    "large": "The archive unpacks to more than can be imported",
    "protected": "The archive is protected by a password",
    "unsafe": "The archive has links, overlapping entries, or names that are taken twice or lead out of it",
}


class Contents:
    """What the paths of a package lead to: entries of an archive, or texts that an export held."""

    def __init__(self, texts: Mapping[str, str], archive: zipfile.ZipFile | None = None) -> None:
        self._texts, self._archive = texts, archive

    def chunks(self, path: str) -> Iterator[bytes]:
        """The content in chunks. Raises NotImportable if it is damaged."""
        if self._archive is None:
            yield self._texts[path].encode(errors="replace")
            return
        try:
            with self._archive.open(path) as entry:
                while data := entry.read(CHUNK_BYTES):
                    yield data
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise NotImportable(f"“{path}” in the archive is damaged.") from error

    def read(self, path: str, max_bytes: int) -> bytes:
        """The whole content. Raises NotImportable if it is damaged or has more bytes."""
        data = bytearray()
        for chunk in self.chunks(path):
            data += chunk
            if len(data) > max_bytes:
                raise NotImportable(f"“{path}” is too large: it can have up to {max_bytes / 10**6:g} MB.")
        return bytes(data)


@contextmanager
def opened(
    file: IO[bytes], max_bytes: int, read: Callable[[bytes], Package] = read_package
) -> Iterator[tuple[Found, Contents, int]]:
    """The GPT in an exported file, and how many bytes its archive unpacks to, at most `max_bytes`.

    `read` does what `read_package` does.

    Raises NotImportable, which names what is wrong.
    """
    with open_archive(file) as archive:
        entries = checked(archive, file, MAX_ENTRIES, max_bytes)
        names = {entry.filename for entry in entries if not entry.is_dir()}
        if MANIFEST not in names:
            raise NotImportable(f"The archive has no {MANIFEST} at its top, so it is no exported GPT.")
        contents = Contents({}, archive)
        package = read(contents.read(MANIFEST, MAX_MANIFEST_BYTES))
        _check_names({MANIFEST, *package.paths()}, names)
        yield Found(OWN, package), contents, sum(entry.file_size for entry in entries)


@contextmanager
def open_archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The zip archive in `file`. Raises NotImportable if it is none, or has too many entries to list."""
    try:
        # As zipfile finds it: another reader could be shown another list.
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        is_long = end is not None and end[zipfile._ECD_SIZE] > MAX_LIST_BYTES  # type: ignore[attr-defined]
        archive = None if is_long else zipfile.ZipFile(file)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OverflowError) as error:
        raise NotImportable("The archive is damaged.") from error
    if archive is None:
        raise NotImportable(f"{_REFUSALS['large']}.")
    with archive:
        yield archive


def checked(archive: zipfile.ZipFile, file: IO[bytes], max_entries: int, max_bytes: int) -> list[zipfile.ZipInfo]:
    """The archive's entries. Raises NotImportable if it is hostile."""
    try:
        return checked_entries(archive, file, max_entries, max_bytes)
    except ArchiveRefused as refused:
        where = f": “{refused.entry[:100]}”" if refused.entry else ""
        raise NotImportable(f"{_REFUSALS[refused.reason]}{where}.") from refused


def _check_names(wanted: set[str], names: set[str]) -> None:
    if missing := sorted(wanted - names):
        raise NotImportable(f"{MANIFEST} names “{missing[0][:100]}”, which the archive does not have.")
    extra = sorted(name for name in names - wanted if not any(part in name for part in _LITTER))
    if extra:
        raise NotImportable(f"The archive has “{extra[0][:100]}”, which {MANIFEST} does not name.")
