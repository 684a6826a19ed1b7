"""Atomic publishing of folders and files: written beside their place, synced and renamed.

Each folder has a manifest with its files' checksums and its own. A writer that is killed leaves at most a file or
folder whose name begins with a dot, which readers ignore.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import Any, Final

MANIFEST: Final = "manifest.json"


@contextmanager
def published(place: Path) -> Iterator[Path]:
    """A folder to write to, renamed to `place` if the block succeeds; an existing `place` is kept."""
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        yield aside
        for path in aside.iterdir():
            _sync(path)
        _sync(aside)
        try:
            aside.rename(place)
        except OSError:
            # Another worker was first; by content addressing, its folder is equal.
            if not (place / MANIFEST).is_file():
                raise
        _sync(place.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish_file(place: Path, data: bytes) -> None:
    """Write `data` to the file `place` atomically, replacing an existing one."""
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".new-", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, place)


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Lock `path`; False if another process holds it. The system frees it if this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def discard(place: Path) -> None:
    """Remove a published folder at once; its open files stay readable."""
    with tempfile.TemporaryDirectory(prefix=".old-", dir=place.parent) as aside:
        place.rename(Path(aside) / place.name)


def remove_old(places: Iterable[Path], seconds: float) -> int:
    """Remove the files and folders among `places` that were not modified for so long; the number of them."""
    n_removed = 0
    for place in list(places):
        try:
            is_old = time() - place.stat().st_mtime > seconds
        except FileNotFoundError:
            continue  # removed meanwhile
        if is_old and (place / MANIFEST).is_file():
            discard(place)
        elif is_old and place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        elif is_old:
            place.unlink(missing_ok=True)
        n_removed += is_old
    return n_removed


def write_manifest(place: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest of `place`: `facts`, each file's size and SHA-256, and a seal over all that."""
    files = {path.name: {"size": path.stat().st_size, "sha256": sha256(path)} for path in sorted(place.iterdir())}
    manifest = {**facts, "files": files}
    (place / MANIFEST).write_text(json.dumps({**manifest, "seal": _seal(manifest)}, indent=1), "utf-8")


def read_manifest(place: Path) -> dict[str, Any]:
    """The manifest. Raises FileNotFoundError, or ValueError if it was changed or has an older format."""
    manifest: dict[str, Any] = json.loads((place / MANIFEST).read_bytes())
    if manifest.pop("seal", "") != _seal(manifest):
        raise ValueError("the manifest does not match its seal")
    return manifest


def _seal(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def sizes_match(place: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the files have the sizes in the manifest; a mapped file that is too short would kill the process."""
    return all((place / name).stat().st_size == facts["size"] for name, facts in manifest["files"].items())


def is_whole(place: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the files have the checksums in the manifest; reads all of them."""
    return all(sha256(place / name) == facts["sha256"] for name, facts in manifest["files"].items())


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
