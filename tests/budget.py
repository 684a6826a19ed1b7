"""`python -m tests.budget`: how large the tracked tree is, and what it may grow to.

A feature that needs more room changes the number in the same commit, where its reviewer sees it.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
LAB: Final = "tests/lab/"


def _is_migration(path: str) -> bool:
    return "/migrations/" in path


def _is_product(path: str) -> bool:
    return not path.startswith("tests/") and not _is_migration(path)


# The limit of the lines of Python in each part, with what tells its files.
LINES: Final[dict[str, tuple[int, Callable[[str], bool]]]] = {
    "product": (111_150, _is_product),
    "gpts": (15_400, lambda path: path.startswith("gpts/")),
    "platform/web": (54_250, lambda path: path.startswith("platform/web/") and not _is_migration(path)),
    "workers": (41_200, lambda path: path.startswith("workers/")),
    "migrations": (1_400, _is_migration),
    "tests": (80_000, lambda path: path.startswith("tests/") and not path.startswith(LAB)),
    "tests/lab": (6_400, lambda path: path.startswith(LAB)),
}
MOST_BYTES: Final = 27_800_000
MOST_FILES: Final = 97


def rows() -> Iterator[tuple[str, int, int]]:
    """What is counted, how much there is, and how much there may be."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    held = {path: file.read_bytes() for path in listed.stdout.split("\0") if (file := REPOSITORY / path).is_file()}
    lines = {path: data.count(b"\n") for path, data in held.items() if path.endswith(".py")}
    for name, (most, is_counted) in LINES.items():
        yield f"lines of Python, {name}", sum(n for path, n in lines.items() if is_counted(path)), most
    yield "bytes tracked", sum(map(len, held.values())), MOST_BYTES
    [(folder, n_files)] = Counter(str(Path(path).parent) for path in held).most_common(1)
    yield f"files directly in {folder}", n_files, MOST_FILES


def over() -> list[str]:
    """What is above its limit."""
    return [f"{name}: {found:,}, at most {most:,}" for name, found, most in rows() if found > most]


if __name__ == "__main__":
    for name, found, most in rows():
        print(f"{name:40}{found:>14,}{most:>14,}")
    sys.exit(bool(over()))
