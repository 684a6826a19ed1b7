"""Restores a backup into an empty state directory and database, in a process of its own while the site is stopped.

The whole archive is read and checked before anything is touched, and its files are written aside first.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from web.accounts.audit import Act, record
from web.erasures import NAME, erased_since
from web.operate.backup import archive, snapshot
from web.operate.backup.errors import BackupError
from web.operate.backup.keys import SiteKeys, unseal_keys
from web.operate.erasure import erase_again
from web.operate.models_backup import Backup

# What a state directory may have before a restore: what its first command and an installation make.
_HARMLESS: Final = ("secret.key", "run", "models", "passing", "log", "install.log", "sign-in.toml", NAME)
_KEPT: Final = (*_HARMLESS[1:], NAME)


@dataclass(frozen=True, slots=True)
class Restored:
    """When the backup was made, its files, how many it knew were missing, and rows that were erased again."""

    created: datetime
    n_files: int
    n_missing: int
    n_erased: int


def restore(path: Path, passphrase: str, *, replaces: bool = False, locks: bool = True) -> Restored:
    """Restore the archive at `path`. With `replaces`, what is there is moved aside first. Raises BackupError.

    `locks`: make sure that the site is stopped, and stays so.
    """
    manifest, keys = opened(path, passphrase)
    home = Path(settings.GUILDHALL_HOME)
    with _stopped(home) if locks else nullcontext():
        present = [each for each in _content(home) if each.name not in _HARMLESS]
        if present and not replaces:
            raise BackupError(f"{home} is not empty: it has {present[0].name}. With --replace, that is moved aside.")
        # The list of the archive has only what its database no longer has.
        lists = (home / NAME, path.with_name(NAME))
        with tempfile.TemporaryDirectory(prefix=".restored-", dir=home) as folder:
            archive.extract(path, manifest, Path(folder))
            if present:
                _move_aside(home)
            _put(Path(folder), home, keys)
            snapshot.load(Path(folder) / "database", manifest["database"])
        created = datetime.fromisoformat(manifest["created"])
        n_erased = erase_again(list(dict.fromkeys(erased_since(created, *lists))))
        Session.objects.all().delete()  # some of them were ended since
        Backup.objects.filter(state__in=Backup.MOVING).delete()  # this one was being written
        record(Act.BACKUP_RESTORED, None)
    return Restored(created, len(manifest["entries"]), len(manifest["missing"]), n_erased)


def opened(path: Path, passphrase: str) -> tuple[dict[str, Any], SiteKeys]:
    """The manifest and the keys of an archive that this site can take; reads every byte. Raises BackupError."""
    manifest, text, sealed = archive.checked(path)
    keys = unseal_keys(sealed, passphrase, text)
    snapshot.check(manifest["database"])
    return manifest, keys


@contextmanager
def _stopped(home: Path) -> Iterator[None]:
    """Keeps `deploy/up` from starting the site meanwhile. Raises BackupError if it runs."""
    (home / "run").mkdir(parents=True, exist_ok=True)
    with (home / "run" / "up.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("Guildhall is running. Stop it first.") from None
        yield


def _content(home: Path) -> list[Path]:
    """What is in the state directory, and the database where it is elsewhere."""
    found = [each for each in home.iterdir() if not each.name.startswith(".")]
    return found + [each for each in _database_files() if each.parent != home]


def _database_files() -> list[Path]:
    if connection.vendor != "sqlite":
        return []
    name = str(connection.settings_dict["NAME"])
    return [place for ending in ("", "-wal", "-shm") if (place := Path(name + ending)).exists()]


def _move_aside(home: Path) -> None:
    """Move what would be replaced to a folder of its own."""
    connection.close()
    stays = (*(home / name for name in _KEPT), settings.BACKUP_DIR)
    present = [each for each in _content(home) if each not in stays and not each.name.startswith("replaced-")]
    aside = home / f"replaced-{timezone.now():%Y%m%d-%H%M%S}"
    aside.mkdir()
    for each in present:
        shutil.move(each, aside / each.name)


def _put(folder: Path, home: Path, keys: SiteKeys) -> None:
    """Move what was extracted to its place, and write the keys."""
    for each in (folder / "home").iterdir() if (folder / "home").is_dir() else ():
        if not (home / each.name).exists():  # a list of what was erased, which a restore keeps, is the longer one
            shutil.move(each, home / each.name)
    _write_private(home / "secret.key", keys.secret_key)
    # Beside the key that an environment may set: what was encrypted with any of these can be read.
    _write_private(home / "restored.keys", "\n".join((*keys.secrets_keys, keys.secret_key)))


def _write_private(path: Path, text: str) -> None:
    path.touch(0o600)
    path.write_text(text)
    path.chmod(0o600)
