"""The list of what was erased, kept outside the database: restoring an older backup erases all of it again.

`erased.jsonl` in the state directory, and a copy in BACKUP_DIR that outlives the machine. A line has the time, the
kind and the id of a row, nothing else. A restore reads the list of its own state directory, and the one beside the
archive.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

NAME: Final = "erased.jsonl"


def note(kind: str, key: object) -> None:
    """Add the row `key` of the `kind` to the list, once the transaction commits."""
    line = json.dumps({"at": timezone.now().isoformat(), "kind": kind, "id": str(key)}) + "\n"
    transaction.on_commit(lambda: _append(line))


def _append(line: str) -> None:
    for folder in (settings.GUILDHALL_HOME, settings.BACKUP_DIR):
        if folder is not None and folder.is_dir():
            # One write at the end of the file: those of other processes come before or after it.
            descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)


def erased_since(when: datetime, *lists: Path) -> Iterator[tuple[str, str]]:
    """Kind and id of what was erased after `when`, by these lists; those that are not there are skipped."""
    for path in lists:
        for line in path.read_text().splitlines() if path.is_file() else ():
            entry = json.loads(line)
            if datetime.fromisoformat(entry["at"]) >= when:
                yield entry["kind"], entry["id"]
