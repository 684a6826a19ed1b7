"""Backups that workers make into BACKUP_DIR: by a schedule, which keeps the newest, and when an operator wants one.

Whoever makes one holds a lock for as long as it lives, so that a record that says it is being written, while nobody
holds the lock, is of a killed worker. Each is read back before it counts as good.
"""

import fcntl
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from web.accounts import audit, outbox
from web.accounts.models import User
from web.operate.backup import archive
from web.operate.backup.errors import BackupError
from web.operate.backup.keys import MIN_PASSPHRASE_CHARS, unseal_keys
from web.operate.backup.making import make_backup, remove_leftovers
from web.operate.models_backup import Backup
from web.sending import send_task

logger = logging.getLogger(__name__)
PATTERN: Final = "guildhall-*.backup"
STOPPED: Final = "Its worker stopped before it was complete. The log of the worker says why."
# Between two attempts while they fail.
_AGAIN: Final = timedelta(hours=1)
State = Backup.State


@dataclass(frozen=True, slots=True)
class Found:
    """The file of a backup, its bytes, and its kind of database; empty if it is no backup."""

    path: Path
    size: int
    database: str


def missing_settings() -> list[str]:
    """What has to be set before workers can make backups."""
    has_passphrase = len(settings.BACKUP_PASSPHRASE) >= MIN_PASSPHRASE_CHARS
    has = {"BACKUP_DIR": settings.BACKUP_DIR is not None, "BACKUP_PASSPHRASE": has_passphrase}
    return [name for name, is_set in has.items() if not is_set]


def request_backup(by: User) -> Backup:
    """Have a worker make a backup now; the one that is not complete yet, if there is one. Raises ValidationError."""
    if missing_settings():
        raise ValidationError("Set a folder and a passphrase on the page Services first.")
    wanted = Backup.objects.filter(state__in=(State.WAITING, State.RUNNING)).first()
    wanted = wanted or Backup.objects.create(origin=Backup.Origin.PERSON, by=by, state=State.WAITING)
    _send(wanted)
    return wanted


def request_check(row: Backup) -> None:
    """Have a worker read the backup back."""
    Backup.objects.filter(pk=row.pk).exclude(state__in=Backup.MOVING).update(state=State.CHECKED, error="")
    _send(row)


def _send(row: Backup) -> None:
    transaction.on_commit(lambda: send_task("workers.tasks.back_up", str(row.pk), queue="index"))


def file_of(row: Backup) -> Path | None:
    """The backup's file, if it is complete and in BACKUP_DIR."""
    path = Path(row.path)
    is_here = settings.BACKUP_DIR is not None and path.parent == settings.BACKUP_DIR
    return path if is_here and row.state != State.RUNNING and path.is_file() else None


def in_folder(name: str) -> Path | None:
    """The complete backup of this name in BACKUP_DIR."""
    folder: Path | None = settings.BACKUP_DIR
    is_written = Backup.objects.filter(path__endswith=f"/{name}", state=State.RUNNING).exists()
    if folder is None or is_written or not Path(name).match(PATTERN):
        return None
    return folder / name if (folder / name).is_file() and "/" not in name else None


def unlisted(most: int) -> list[Found]:
    """Backups in BACKUP_DIR that this database has no record of, such as one of before a restore; newest first."""
    folder: Path | None = settings.BACKUP_DIR
    if folder is None or not folder.is_dir():
        return []
    known = set(Backup.objects.filter(path__startswith=f"{folder}/").values_list("path", flat=True))
    names = sorted((each for each in folder.glob(PATTERN) if str(each) not in known), reverse=True)
    return [Found(each, each.stat().st_size, archive.database_of(each)) for each in names[:most] if each.is_file()]


@transaction.atomic
def delete_backup(row: Backup, by: User) -> None:
    """Delete the file and the record. Raises ValidationError while a worker has to do with it."""
    if row.state in (State.RUNNING, State.CHECKED):
        raise ValidationError("A worker is using this backup. Try again when it is done.")
    audit.record(audit.Act.BACKUP_DELETED, by, row)
    if path := file_of(row):
        path.unlink(missing_ok=True)
    row.delete()


def next_due() -> datetime | None:
    """When the schedule makes the next one; None if it makes none."""
    if settings.BACKUP_DIR is None:
        return None
    made_here = Backup.objects.filter(path__startswith=f"{settings.BACKUP_DIR}/").exclude(state=State.WAITING)
    last = made_here.first()
    if last is None:
        return timezone.now()
    if last.state == State.FAILED:
        return last.created + _AGAIN
    return _at_its_hour(last.created + timedelta(hours=settings.BACKUP_HOURS), last.created)


def _at_its_hour(due: datetime, last: datetime) -> datetime:
    """When it is BACKUP_AT o'clock last before `due`, but later than `last`; without it, `due`."""
    if settings.BACKUP_AT is None:
        return due
    local = timezone.localtime(due + _AGAIN)  # as the last one may have begun late
    at = local.replace(hour=settings.BACKUP_AT, minute=0, second=0, microsecond=0)
    while at > local:
        at -= timedelta(days=1)
    while at <= last:
        at += timedelta(days=1)
    return at


def work() -> None:
    """Make the backups that are wanted or due, read them back, and delete the oldest; one process at a time."""
    folder: Path | None = settings.BACKUP_DIR
    if folder is None or not (_is_due() or Backup.objects.filter(state__in=Backup.MOVING).exists()):
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        Backup.objects.filter(state=State.RUNNING).update(state=State.FAILED, error=STOPPED)
        remove_leftovers(folder)
        for row in Backup.objects.filter(state=State.CHECKED):
            _check(row)
        if _is_due() and not Backup.objects.filter(state=State.WAITING).exists():
            Backup.objects.create(origin=Backup.Origin.SCHEDULE, state=State.WAITING)
        while wanted := Backup.objects.filter(state=State.WAITING).last():
            _make(folder, wanted)


def _is_due() -> bool:
    due = next_due()
    return due is not None and due <= timezone.now()


def _make(folder: Path, row: Backup) -> None:
    row.created, row.state = timezone.now(), State.RUNNING
    path = folder / f"guildhall-{row.created:%Y%m%d-%H%M%S}.backup"
    row.path = str(path)
    row.save()
    try:
        make_backup(path, settings.BACKUP_PASSPHRASE, row)
    except BackupError as error:
        logger.exception("the backup %s could not be made", path)
        row.state, row.error = State.FAILED, str(error)[:500]
        row.save()
        _tell(row)
        return
    row.state = State.CHECKED
    row.save()
    if _check(row):
        for old in sorted(folder.glob(PATTERN))[: -settings.BACKUP_KEEP]:
            old.unlink(missing_ok=True)


def _check(row: Backup) -> bool:
    """Read the backup back and open its keys, and note the result. Whether it is good."""
    facts: dict[str, object] = {"state": State.READY, "error": "", "verified": timezone.now()}
    try:
        _, text, sealed = archive.checked(Path(row.path))
        unseal_keys(sealed, settings.BACKUP_PASSPHRASE, text)
    except BackupError as error:
        facts = {"state": State.FAILED, "error": str(error)[:500], "verified": None}
    Backup.objects.filter(pk=row.pk).update(**facts)
    if facts["state"] == State.FAILED:
        _tell(row)
    return facts["state"] == State.READY


def _tell(row: Backup) -> None:
    """Let operators know that it failed, by email once a day."""
    audit.record(audit.Act.BACKUP_FAILED, None, row)
    outbox.notify_operators("backups", f"{row.created:%Y-%m-%d}", backup=row.pk)
