"""Notes that a model took on parts of files, kept so that the next person who asks the same need not wait again.

`<home>/notes/<segment>/<key>.json`: the key covers everything that the notes were made from besides the segment. They
are a cache: a lost or damaged one is made again. All of a segment's go with it.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.knowledge import segments
from workers.knowledge.errors import SegmentMissing
from workers.knowledge.publishing import publish_file, remove_old

UNUSED_S: Final = 30 * 24 * 3600.0
# Files of about one kilobyte, at most.
MAX_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class NotedPart:
    """Notes on a part of a segment, and the ranges of the segment's text on which they rest."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()


def notes_key(*facts: object) -> str:
    """The name under which notes made from these facts are kept."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


class KeptNotes:
    """The notes under `home`. Safe for threads and processes."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def get(self, segment: str, key: str) -> NotedPart | None:
        """The notes, None if they are not kept."""
        path = self._path(segment, key)
        try:
            kept = json.loads(path.read_text("utf-8"))
            path.touch()
            return NotedPart(str(kept["text"]), tuple((int(start), int(end)) for start, end in kept["spans"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def put(self, segment: str, key: str, notes: NotedPart) -> None:
        """Keep the notes."""
        path = self._path(segment, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        publish_file(path, json.dumps({"text": notes.text, "spans": notes.spans}, ensure_ascii=False).encode())

    def _path(self, segment: str, key: str) -> Path:
        return self._home / "notes" / segment / f"{key}.json"


def remove_unused(home: Path) -> int:
    """Delete notes of segments that are gone, those not used for long, and the oldest beyond MAX_KEPT; the number."""
    folder = home / "notes"
    n_removed = 0
    for place in folder.glob("*"):
        if not _has_segment(home, place.name):
            n_removed += len(list(place.glob("*")))
            shutil.rmtree(place, ignore_errors=True)
    n_removed += remove_old(folder.glob("*/*"), UNUSED_S)
    by_age = sorted(folder.glob("*/*.json"), key=_last_used, reverse=True)
    for path in by_age[MAX_KEPT:]:
        path.unlink(missing_ok=True)
        n_removed += 1
    return n_removed


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # removed meanwhile
        return 0.0


def _has_segment(home: Path, address: str) -> bool:
    try:
        return segments.folder(home, address).is_dir()
    except SegmentMissing:
        return False
