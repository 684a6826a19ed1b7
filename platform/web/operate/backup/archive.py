"""The file of a backup: a tar archive, written and read as a stream, a block at a time.

Its members are the database's snapshot (`database/…`), what the state directory has (`home/…`), then `manifest.json`
with the size and SHA-256 of each of them, and last `keys.json`, which is bound to the manifest. An archive without
both was cut off. Format 1 since release 0.2.
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from web.erasures import NAME
from web.operate.backup.errors import BackupError

FORMAT: Final = 1
DATABASE: Final = "database/"
SQLITE_FILE: Final = "db.sqlite3"  # all of one; of PostgreSQL there is a file for each table
HOME: Final = "home/"
# What a state directory has that cannot be made again. Content is named by its hash, or by the id of its row.
FOLDERS: Final = ("files", "segments", "pictures", "imports")
SINGLE: Final = ("engines.toml", "samples.json", NAME)
_MANIFEST: Final = "manifest.json"
_KEYS: Final = "keys.json"
_PART: Final = r"(?!\.\.?(?:/|\Z))[^/\x00]+"
_NAME: Final = re.compile(
    rf"database/{_PART}|home/(?:{'|'.join(map(re.escape, SINGLE))}|(?:{'|'.join(FOLDERS)})(?:/{_PART}){{1,3}})"
)
_BLOCK: Final = 1024 * 1024
# Of the manifest: a hundred bytes for each of some million files.
_MAX_TEXT: Final = 512 * 1024 * 1024


class ArchiveWriter:
    """Writes an archive to `stream`, of which it needs `write` only, a file at a time.

    `entries` has the size and SHA-256 of each.
    """

    def __init__(self, stream: Any) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_BLOCK)  # noqa: SIM115
        self.entries: dict[str, dict[str, Any]] = {}

    def add(self, name: str, path: Path) -> None:
        """Add the file at `path` as `name`. Raises FileNotFoundError if it is gone."""
        with path.open("rb") as file:
            info = tarfile.TarInfo(name)
            info.size, info.mode = path.stat().st_size, 0o600
            hashed = _Hashed(file)
            self._tar.addfile(info, hashed)  # type: ignore[arg-type]
        self.entries[name] = {"size": info.size, "sha256": hashed.digest.hexdigest()}

    def close(self, manifest: bytes, keys: bytes) -> None:
        """Finish the archive."""
        for name, text in ((_MANIFEST, manifest), (_KEYS, keys)):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o600
            self._tar.addfile(info, io.BytesIO(text))
        self._tar.close()


class _Hashed:
    """A file of which a digest is made while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """The next bytes."""
        block = self._file.read(size)
        self.digest.update(block)
        return block


def checked(path: Path) -> tuple[dict[str, Any], bytes, bytes]:
    """The manifest of the archive at `path`, as read and as written, and its sealed keys; reads every byte.

    Raises BackupError unless it is whole, of a known format, and all that it has is what the manifest says.
    """
    found, texts = dict[str, dict[str, Any]](), dict[str, bytes]()
    with _members(path) as members:
        for name, file, size in members:
            if name in (_MANIFEST, _KEYS):
                texts[name] = _text(file, size)
                continue
            if name in found or texts or not _NAME.fullmatch(name):
                raise BackupError(f"The archive has an entry that no backup has: {name[:100]!r}.")
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
            found[name] = {"size": size, "sha256": digest.hexdigest()}
    if set(texts) != {_MANIFEST, _KEYS}:
        raise BackupError("The archive is incomplete.")
    return _manifest(texts[_MANIFEST], found), texts[_MANIFEST], texts[_KEYS]


def database_of(path: Path) -> str:
    """Of which kind of database the archive at `path` is, by its first member; empty if it is none."""
    try:
        with _members(path) as members:
            name = next(members)[0]
    except (BackupError, StopIteration):
        return ""
    return "" if not name.startswith(DATABASE) else "SQLite" if name == DATABASE + SQLITE_FILE else "PostgreSQL"


def _manifest(text: bytes, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads(text)
        if manifest["format"] > FORMAT:
            raise BackupError(
                f"The archive was made by a newer release (format {manifest['format']}). Update Guildhall first."
            )
        expected = manifest["entries"]
    except (ValueError, KeyError, TypeError):
        raise BackupError("This is no backup of Guildhall.") from None
    for name in sorted(expected.keys() ^ found.keys()) or [each for each in found if found[each] != expected[each]]:
        raise BackupError(f"The archive was changed or damaged: {name}.")
    return manifest


def extract(path: Path, manifest: dict[str, Any], folder: Path) -> None:
    """Write all files of a checked archive below `folder`. Raises BackupError if it was changed since."""
    with _members(path) as members:
        for name, file, _ in members:
            if name not in (_MANIFEST, _KEYS):
                _extract(name, file, manifest, folder)


def _extract(name: str, file: IO[bytes], manifest: dict[str, Any], folder: Path) -> None:
    entry = manifest["entries"].get(name)
    if entry is None or not _NAME.fullmatch(name):
        raise BackupError("The archive changed while it was read.")
    place, digest = folder / name, hashlib.sha256()
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as target:
        while block := file.read(_BLOCK):
            digest.update(block)
            target.write(block)
    if digest.hexdigest() != entry["sha256"]:
        raise BackupError("The archive changed while it was read.")


@contextmanager
def _members(path: Path) -> Iterator[Iterator[tuple[str, IO[bytes], int]]]:
    """Name, content and size of every member, to be read within the block, which raises BackupError."""
    try:
        with tarfile.open(path, "r|", bufsize=_BLOCK) as tar:
            yield _files(tar)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"The archive is incomplete or damaged ({error}).") from error
    except OSError as error:
        raise BackupError(f"Couldn’t read the archive: {error}.") from error


def _files(tar: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes], int]]:
    for member in tar:
        file = tar.extractfile(member) if member.isreg() else None
        if file is None:
            raise BackupError(f"The archive has an entry that is no file: {member.name[:100]!r}.")
        yield member.name, file, member.size
        tar.members.clear()  # type: ignore[attr-defined]  # tarfile would keep them all


def _text(file: IO[bytes], size: int) -> bytes:
    if size > _MAX_TEXT:
        raise BackupError("The archive’s manifest is too large.")
    return file.read()
