"""Removes what databases, logs and sessions keep of things that are gone, after a sweep, and counts what is left.

SQLite overwrites deleted rows at once (secure_delete); its write-ahead log has them until it is cut here. PostgreSQL
frees them by autovacuum, which also counts rows for its planner. A line of a log is kept for KEEP_LOG_DAYS at most,
whatever its size.
"""

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from web.accounts import audit
from web.runs import stream

# Entries of each index that SQLite's planner is told of: 15 ms for 10,000 GPTs (2026-11).
_ANALYSED: Final = 1_000
# When the logs were last moved on is the age of this file.
_MOVED: Final = ".moved"


def tidy() -> None:
    """Forget expired sessions, old entries of the audit log, and old lines of logs; see the module."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    if settings.KEEP_AUDIT_DAYS is not None:
        audit.forget_before(timezone.now() - timedelta(days=settings.KEEP_AUDIT_DAYS))
    move_logs(settings.GUILDHALL_HOME / "log", settings.KEEP_LOG_DAYS * 86_400 / 2)
    stream.forget_expired()
    if connection.vendor == "sqlite":
        analyse()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def analyse() -> None:
    """Have SQLite count its rows: else it reads the whole store to find some GPTs by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit={_ANALYSED}")
        cursor.execute("ANALYZE")


def move_logs(folder: Path, every_s: float) -> None:
    """Every `every_s`, begin each log anew and keep the one until then as `.old`, in place of the one before.

    The supervisor, which keeps its logs open to append to them, splits them by size (`.log.1`): those go by age.
    """
    if not folder.is_dir():
        return
    marker, before = folder / _MOVED, time.time() - every_s
    for split in folder.glob("*.log.[0-9]*"):
        if split.stat().st_mtime < before:
            split.unlink(missing_ok=True)
    if marker.exists() and marker.stat().st_mtime >= before:
        return
    for log in folder.glob("*.log"):
        shutil.copyfile(log, log.with_suffix(".log.old"))
        with log.open("r+b") as file:
            file.truncate()
    marker.touch()
