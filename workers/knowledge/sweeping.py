"""Clears away what killed workers left behind, and parsed files that nobody came back for."""

import shutil
from pathlib import Path
from time import time
from typing import Final

# Longer than any segment takes to be written.
LEFTOVER_S: Final = 3_600
# How long an owner may take to decide before the file has to be parsed again.
PARSED_S: Final = 30 * 86_400


def sweep(home: Path) -> int:
    """Delete half-written and half-removed segments older than an hour, and old parsed files; how many those were."""
    leftovers = [
        place
        for folder in (home / "segments", home / "parsed")
        for sign in (".new-*", ".old-*")
        for place in folder.glob(sign)
        if _is_older(place, LEFTOVER_S)
    ]
    leftovers += [place for place in (home / "parsed").glob("*.json") if _is_older(place, PARSED_S)]
    for place in leftovers:
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
    return len(leftovers)


def _is_older(place: Path, seconds: float) -> bool:
    try:
        return time() - place.stat().st_mtime > seconds
    except FileNotFoundError:
        # Whoever it belonged to has finished.
        return False
