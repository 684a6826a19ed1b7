"""Recordings, speech and PDFs on their way between the site and a worker: files that are deleted when the call ends.

A worker that is late leaves one behind, which `remove_late` deletes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from django.conf import settings

LATE_S: Final = 3_600


def folder() -> Path:
    """Where they are."""
    place: Path = settings.GUILDHALL_HOME / "passing"
    return place


def path_of(name: str) -> Path:
    """The file called `name`."""
    return folder() / name


@contextmanager
def passing_file() -> Iterator[Path]:
    """A path for a new file, which is deleted at the end."""
    folder().mkdir(parents=True, exist_ok=True)
    path = path_of(uuid4().hex)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def remove_late() -> None:
    """Delete what calls that were broken off have left."""
    before = time.time() - LATE_S
    for path in folder().glob("*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                path.unlink()
