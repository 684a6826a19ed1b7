"""Clears away what killed workers left behind, and parsed files that nobody came back for."""

from itertools import chain
from pathlib import Path
from typing import Final

from workers.knowledge.publishing import remove_old

# Longer than any segment takes to be written.
LEFTOVER_S: Final = 3_600
# How long an owner may take to decide before the file has to be parsed again.
PARSED_S: Final = 30 * 86_400


def sweep(home: Path) -> int:
    """Delete half-written and half-removed segments older than an hour, and old parsed files; how many those were."""
    segments, parsed = home / "segments", home / "parsed"
    leftovers = chain.from_iterable(
        folder.glob(sign) for folder in (segments, parsed) for sign in (".new-*", ".old-*")
    )
    return remove_old(leftovers, LEFTOVER_S) + remove_old(parsed.glob("*.json"), PARSED_S)
