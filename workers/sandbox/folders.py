"""The session's folder: what is in it, what a call changed, how it is removed.

Code can put anything there, so links are not followed, only regular files with a single hard link are opened, and
counting stops at the limits. The kernel is paused while files are written or read.
"""

import os
import re
import shutil
import stat
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workers.sandbox.settings import SandboxLimits

_MAX_DEPTH: Final = 16
_MAX_NAME: Final = 100
# (inode, change time, size) by path: writing, moving or replacing a file changes one of these.
Snapshot = dict[str, tuple[int, int, int]]


class FolderTooLarge(Exception):
    """The folder exceeds the limit on bytes, entries or depth."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that a call made, with a name that is safe to show and store."""

    name: str
    content: bytes


def _entries(folder: Path, limits: SandboxLimits) -> Iterator[tuple[str, os.stat_result]]:
    """The path below `folder` and the stat of everything in it. Raises FolderTooLarge."""
    waiting, n_found = [(str(folder), 0)], 0
    while waiting:
        above, depth = waiting.pop()
        try:
            with os.scandir(above) as found:
                for each in found:
                    n_found += 1
                    if n_found > limits.n_entries or depth > _MAX_DEPTH:
                        raise FolderTooLarge
                    state = each.stat(follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        waiting.append((each.path, depth + 1))
                    yield os.path.relpath(each.path, folder), state
        except FileNotFoundError:
            continue  # removed meanwhile
        except OSError as error:
            raise FolderTooLarge from error  # a path that is too long, or a folder without permissions


def check_size(folder: Path, limits: SandboxLimits) -> None:
    """Raise FolderTooLarge if the folder exceeds a limit."""
    if sum(state.st_blocks * 512 for _, state in _entries(folder, limits)) > limits.disk_bytes:
        raise FolderTooLarge


def snapshot(folder: Path, limits: SandboxLimits) -> Snapshot:
    """The state of the regular files. Raises FolderTooLarge."""
    return {
        path: (state.st_ino, state.st_ctime_ns, state.st_size)
        for path, state in _entries(folder, limits)
        if stat.S_ISREG(state.st_mode)
    }


def made_since(folder: Path, before: Snapshot, limits: SandboxLimits) -> tuple[list[Artefact], list[str]]:
    """The new and changed files, sorted by path, and a sentence for each left out. Raises FolderTooLarge."""
    now = snapshot(folder, limits)
    made: list[Artefact] = []
    left_out: list[str] = []
    room = limits.artefact_bytes
    for path in sorted(path for path, state in now.items() if before.get(path) != state and not _is_hidden(path)):
        name = safe_name(path, {each.name for each in made})
        if len(made) == limits.n_artefacts:
            left_out.append(f"More than {limits.n_artefacts} files were created. The rest were left out.")
            break
        content = _read_regular(folder, path, room)
        if content is None:
            left_out.append(
                f"{name} was left out: not a regular file, or more than {limits.artefact_bytes >> 20} MB in total."
            )
            continue
        room -= len(content)
        made.append(Artefact(name, content))
    return made, left_out


def _read_regular(folder: Path, path: str, max_bytes: int) -> bytes | None:
    """The content of a regular file with one hard link and at most `max_bytes`; None for anything else."""
    try:
        descriptor = _open_below(folder, path)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1 or state.st_size > max_bytes:
            return None
        content = file.read(max_bytes + 1)
    return content if len(content) <= max_bytes else None


def _open_below(folder: Path, path: str) -> int:
    """A descriptor of `path` below `folder`, opened without blocking; no part of it may be a link."""
    above = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    *folders, name = path.split("/")
    try:
        for each in folders:
            below = os.open(each, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
            os.close(above)
            above = below
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above)
    finally:
        os.close(above)


def safe_name(path: str, taken: set[str]) -> str:
    """A name without folders, control characters, leading dots and special characters, that is not in `taken`."""
    printable = path.encode("utf-8", "replace").decode().split("/")[-1]
    name = unicodedata.normalize("NFKC", printable)
    name = "".join(char if unicodedata.category(char)[0] not in "CZ" or char == " " else "_" for char in name)
    name = re.sub(r'[\\/:*?"<>|%\s]+', "_", name).strip("._ ")
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 10:
        stem, dot, ending = name, "", ""
    stem = stem[: _MAX_NAME - len(ending) - 5] or "file"
    name, number = f"{stem}{dot}{ending}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}{dot}{ending}"
    return name


def put(folder: Path, name: str, content: bytes, owner: int | None) -> None:
    """Create or replace a file, with this owner. Raises OSError."""
    path = folder / name
    if path.is_dir() and not path.is_symlink():
        remove(path)
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)


def make(folder: Path, owner: int | None) -> None:
    """Create a folder that only `owner` can open, and all folders above it."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    if owner is not None:
        os.chown(folder, owner, owner)


def remove(folder: Path) -> None:
    """Remove the folder and its content, however deep: `rm` does not recurse, unlike the standard library."""
    program = shutil.which("rm")
    assert program
    subprocess.run([program, "-rf", "--one-file-system", "--", str(folder)], check=False)  # noqa: S603


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.split("/"))
