"""Whether a user who owns nothing can reach what a kernel is made of."""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path


def interpreter_is_open() -> bool:
    """Whether other users can start our interpreter and read its packages and our own code."""
    return all(is_open(path) for path in (*_interpreters(), Path(sys.prefix), Path(sys.base_prefix), Path(__file__)))


def is_open(path: Path) -> bool:
    """Whether others may read `path` and go through each folder above it, its links followed."""
    path = path.resolve()
    through = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return through and bool(os.stat(path).st_mode & stat.S_IROTH)


def _interpreters() -> Iterable[Path]:
    """The interpreter's name and each link on the way to its file."""
    path = Path(sys.executable)
    yield path
    while path.is_symlink():
        path = path.parent / path.readlink()
        yield path
