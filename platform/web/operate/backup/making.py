"""Makes a backup while the site runs.

The database comes first, then the files. A file is stored before the first row that names it and is never changed,
so all that the snapshot names is there when it is taken; and from before the snapshot until the last file is copied,
nothing stored is deleted (`content_held`: a sweep skips its turn). What is stored meanwhile may be in the archive
without a row: a sweep of the restored site removes it.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Any, Final

from django.conf import settings
from django.utils import timezone

from web.accounts.audit import Act, record
from web.operate.backup import archive, snapshot
from web.operate.backup.errors import BackupError
from web.operate.backup.keys import MIN_PASSPHRASE_CHARS, SiteKeys, seal_keys
from web.operate.models_backup import Backup
from web.runs.kept_files import content_held

_PARTS: Final = ".*.part"
_SNAPSHOT: Final = ".snapshot-"
# Between two notes of the progress.
_NOTE_S: Final = 2.0


def make_backup(path: Path, passphrase: str, made: Backup | None = None) -> Backup:
    """The record of the backup that is now at `path`: `made`, which shows the progress, or a new one.

    Raises BackupError. It is read back by nobody yet.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARS:
        raise BackupError(f"Use a passphrase of at least {MIN_PASSPHRASE_CHARS} characters.")
    if path.exists():
        raise BackupError(f"{path} exists already.")
    started, made = monotonic(), made or Backup(path=str(path))
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "xb", opener=_private) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # as long as this process lives
            manifest = _write(archive.ArchiveWriter(_Noted(stream, made)), path.parent, passphrase)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(partial, path)  # which fails if another backup came to be there meanwhile
    except OSError as error:
        raise BackupError(f"Couldn’t write the backup: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    made.size, made.seconds = path.stat().st_size, monotonic() - started
    made.n_files, made.n_missing = len(manifest["entries"]), len(manifest["missing"])
    made.save()
    record(Act.BACKUP_MADE, made.by, made)
    return made


def remove_leftovers(folder: Path) -> None:
    """Delete half archives and snapshots that killed processes left in `folder`; not those of live ones."""
    for partial in folder.glob(_PARTS):
        with suppress(OSError), partial.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()
    if not any(folder.glob(_PARTS)):
        for snapshot_folder in folder.glob(f"{_SNAPSHOT}*"):
            shutil.rmtree(snapshot_folder, ignore_errors=True)


class _Noted:
    """A stream, what was written to which is noted in the saved record of a backup now and then."""

    def __init__(self, stream: IO[bytes], made: Backup) -> None:
        self._stream, self._made, self._n, self._next = stream, made, 0, 0.0

    def write(self, data: bytes) -> int:
        """Write all of it."""
        self._n += len(data)
        if self._made.pk and monotonic() >= self._next:
            Backup.objects.filter(pk=self._made.pk).update(size=self._n)
            self._next = monotonic() + _NOTE_S
        return self._stream.write(data)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(writer: archive.ArchiveWriter, beside: Path, passphrase: str) -> dict[str, Any]:
    """The manifest of what was written. Room for the database's snapshot is needed `beside` the archive."""
    with content_held():
        created = timezone.now()
        with tempfile.TemporaryDirectory(prefix=_SNAPSHOT, dir=beside) as folder:
            database = snapshot.take(Path(folder))
            for part in sorted(Path(folder).iterdir()):
                writer.add(archive.DATABASE + part.name, part)
        for name, file in _stored(Path(settings.GUILDHALL_HOME)):
            with suppress(FileNotFoundError):  # what a worker was still writing, or a segment that was replaced
                writer.add(archive.HOME + name, file)
    names = database.pop("names")
    manifest = {
        "format": archive.FORMAT,
        "created": created.isoformat(),
        "site": settings.SITE_NAME,
        "database": database,
        "missing": [name for name in names if name not in writer.entries],
        "entries": writer.entries,
    }
    text = json.dumps(manifest).encode()
    keys = SiteKeys(settings.SECRET_KEY, (*settings.SECRETS_KEYS, *settings.RESTORED_KEYS))
    writer.close(text, seal_keys(keys, passphrase, text))
    return manifest


def _stored(home: Path) -> Iterator[tuple[str, Path]]:
    """The files of the state directory that belong to a backup, with their names in it; none half written."""
    for name in archive.SINGLE:
        if (home / name).is_file():
            yield name, home / name
    for folder in archive.FOLDERS:
        for parent, folders, files in os.walk(home / folder):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for each in files:
                place = Path(parent) / each
                if not each.startswith(".") and not place.is_symlink():
                    yield str(place.relative_to(home)), place
