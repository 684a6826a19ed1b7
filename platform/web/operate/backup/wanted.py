"""A restore that an operator asks for in the console: `deploy/up` stops the site, restores, and starts it again.

A site in use is replaced by backups in BACKUP_DIR only. A new site also takes a file from an operator's computer:
what it brings can harm nobody there.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection

from web.accounts import audit
from web.accounts.models import User
from web.operate.backup.errors import BackupError
from web.operate.backup.restoring import opened

# A restore moves aside what is in the state directory, but no name with a dot. deploy/start.py looks for WANTED.
FOLDER: Final = ".restore"
WANTED, FAILED, UPLOADED = "wanted.json", "failed.txt", "uploaded.backup"


def is_possible() -> bool:
    """Whether `deploy/up` runs this site, with the database of its state directory."""
    return settings.RUN_BY_UP and connection.vendor == "sqlite"


def is_new_site() -> bool:
    """Whether nobody but operators has ever signed in."""
    return not User.objects.filter(is_staff=False, last_login__isnull=False).exists()


def failure() -> str:
    """Why the last restore failed; empty if it did not."""
    path = _folder() / FAILED
    return path.read_text() if path.is_file() else ""


def keep_upload(chunks: Any) -> Path:
    """The path of an uploaded backup, from its blocks."""
    path = _made_folder() / UPLOADED
    with path.open("wb") as target:
        for block in chunks:
            target.write(block)
    return path


def ask(path: Path, passphrase: str, by: User) -> None:
    """Have the backup at `path` restored within a second. Raises BackupError unless it is whole, and opens."""
    try:
        opened(path, passphrase)
    except BackupError:
        (_folder() / UPLOADED).unlink(missing_ok=True)
        raise
    audit.record(audit.Act.BACKUP_WANTED, by)
    folder = _made_folder()
    (folder / FAILED).unlink(missing_ok=True)
    place = folder / "wanted.new"
    place.touch(0o600)
    place.write_text(json.dumps({"path": str(path), "passphrase": passphrase}))
    os.replace(place, folder / WANTED)


def take() -> tuple[Path, str]:
    """The path and the passphrase of the backup that is wanted, once. Raises FileNotFoundError if none is."""
    place = _folder() / WANTED
    asked = json.loads(place.read_text())
    place.unlink()
    return Path(asked["path"]), asked["passphrase"]


def finish(error: str = "") -> None:
    """Keep what went wrong for the console, and delete an uploaded backup."""
    shutil.rmtree(_folder())
    if error:
        (_made_folder() / FAILED).write_text(error)


def _folder() -> Path:
    return Path(settings.GUILDHALL_HOME) / FOLDER


def _made_folder() -> Path:
    _folder().mkdir(mode=0o700, exist_ok=True)
    return _folder()
