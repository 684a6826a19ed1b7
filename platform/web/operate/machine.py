"""What the site runs on: its release, and what takes space on its disk."""

import os
import shutil
import subprocess
import tomllib
from contextlib import suppress
from functools import cache as once
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection

GB: Final = 1_000_000_000
# Below the state directory, by what they hold.
FOLDERS: Final = {
    "Uploads and pictures": ("files", "parsed", "pictures"),
    "Indexes": ("segments", "unions", "notes"),
    "Models": ("models",),
}
# Counting a large site's files takes seconds.
KEEP_S: Final = 300


@once
def release() -> str:
    """The version, and in a git checkout its commit with the date."""
    project = tomllib.loads((settings.REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    found = ""
    with suppress(OSError, subprocess.SubprocessError):
        show = ("git", "-C", str(settings.REPOSITORY), "log", "-1", "--format=%h, %cs")
        found = subprocess.run(show, capture_output=True, check=True, text=True, timeout=5).stdout.strip()  # noqa: S603
    return f"{project['version']} ({found})" if found else str(project["version"])


def disk() -> dict[str, float]:
    """GB that are free, and in all; and the part in use."""
    usage = shutil.disk_usage(settings.GUILDHALL_HOME)
    return {"free": usage.free / GB, "total": usage.total / GB, "used": usage.used / usage.total}


def disk_by_use() -> list[tuple[str, int]]:
    """What takes space, in bytes, the largest first; counted again every KEEP_S."""
    return cache.get_or_set("disk_by_use", _measure, KEEP_S) or []


def _measure() -> list[tuple[str, int]]:
    home = settings.GUILDHALL_HOME
    sizes = {title: sum(_size(home / name) for name in names) for title, names in FOLDERS.items()}
    sizes["Backups"] = _size(settings.BACKUP_DIR or home / "backups")
    sizes["Database"] = _database_size()
    return sorted(sizes.items(), key=lambda each: -each[1])


def _size(folder: Path) -> int:
    """The bytes of all files below it. What is removed meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _database_size() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    path: Any = connection.settings_dict["NAME"]
    return sum(os.path.getsize(f"{path}{end}") for end in ("", "-wal") if os.path.exists(f"{path}{end}"))
