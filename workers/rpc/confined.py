"""RPC for uploads that the site itself has to understand: read in a child process with limits (workers/isolation)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from workers.isolation.errors import FileError
from workers.isolation.parent import ParserLimits, run_isolated


class Reader(NamedTuple):
    """A function for the child, and what it may take."""

    function: str
    limits: ParserLimits


_PICTURE: Final = ParserLimits(8, 8, page_s=0, max_s=8, memory_bytes=600_000_000, answer_bytes=1_000_000)
# 20 MB of JSON take up to ten times as much memory. Real exports of GPTs have less than 1 MB.
_IMPORT: Final = ParserLimits(20, 20, page_s=0, max_s=20, memory_bytes=1_500_000_000, answer_bytes=16_000_000)
READERS: Final = {
    "picture": Reader("workers.readers.pictures:square", _PICTURE),
    "logo": Reader("workers.readers.pictures:logo", _PICTURE),
    "uploaded": Reader("workers.readers.imports:uploaded", _IMPORT),
    "pasted": Reader("workers.readers.imports:pasted", _IMPORT),
    "package": Reader("workers.readers.imports:package", _IMPORT),
}


def read(name: str, path: Path, args: Sequence[str]) -> dict[str, Any]:
    """Put what the reader makes of the file in its place; why there is nothing is in `refused`."""
    function, limits = READERS[name]
    try:
        made = run_isolated(function, path, args, limits)
    except FileError as error:
        return {"refused": type(error).__name__}
    path.write_bytes(made)
    return {}
