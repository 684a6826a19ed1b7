"""Reads the lab's large texts, which are packed (`zless` shows one): `python -m tests.lab.packed FILE …` does it."""

import gzip
import json
import sys
import zlib
from pathlib import Path
from typing import Any


def read(path: Path, errors: str = "strict") -> str:
    """The text of a file, packed or not. Raises OSError, and UnicodeDecodeError unless `errors` says otherwise."""
    held = path.read_bytes()
    try:
        return (gzip.decompress(held) if path.suffix == ".gz" else held).decode("utf-8-sig", errors)
    except (EOFError, zlib.error) as error:
        raise OSError(f"it is no whole packed file ({error})") from error


def rows(path: Path) -> list[Any]:
    """The JSON values of a file with one in each line."""
    return [json.loads(line) for line in read(path).splitlines()]


def pack(path: Path) -> Path:
    """The packed file that replaces `path`; the same text always gives the same bytes."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
    return packed


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(pack(Path(name)))
