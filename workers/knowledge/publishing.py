"""Folders and files that are there whole or not at all: written beside their place, synced and renamed.

Each folder has a manifest that tells what its files hold, under its own checksum. Killed at any moment, the writer
leaves at most something that no reader looks at, whose name begins with a dot.
"""

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
    """A folder to write in, which becomes `place` when the block ends well; an equal one that is there stays."""
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
            # Another worker was first; content addresses make its folder as good as this one.
            if not (place / MANIFEST).is_file():
                raise
        _sync(place.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish_file(place: Path, data: bytes) -> None:
    """Put a file with `data` at `place`, whole or not at all; one that is there is replaced."""
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".new-", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, place)


def discard(place: Path) -> None:
    """Remove a published folder at once; who has its files open keeps them."""
    with tempfile.TemporaryDirectory(prefix=".old-", dir=place.parent) as aside:
        place.rename(Path(aside) / place.name)


def remove_old(places: Iterable[Path], seconds: float) -> int:
    """Remove the files and folders among `places` that were not touched for so long; how many those were."""
    n_removed = 0
    for place in list(places):
        try:
            is_old = time() - place.stat().st_mtime > seconds
        except FileNotFoundError:
            continue  # Whoever it belonged to has finished.
        if is_old and (place / MANIFEST).is_file():
            discard(place)
        elif is_old and place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        elif is_old:
            place.unlink(missing_ok=True)
        n_removed += is_old
    return n_removed


def write_manifest(place: Path, facts: Mapping[str, Any]) -> None:
    """Seal the files in `place`: the manifest holds `facts` and each file's size and SHA-256."""
    files = {path.name: {"size": path.stat().st_size, "sha256": sha256(path)} for path in sorted(place.iterdir())}
    manifest = {**facts, "files": files}
    (place / MANIFEST).write_text(json.dumps({**manifest, "seal": _seal(manifest)}, indent=1), "utf-8")


def read_manifest(place: Path) -> dict[str, Any]:
    """What was sealed. Raises FileNotFoundError, or ValueError if it was changed or is of an older making."""
    manifest: dict[str, Any] = json.loads((place / MANIFEST).read_bytes())
    if manifest.pop("seal", "") != _seal(manifest):
        raise ValueError("the manifest does not match its seal")
    return manifest


def _seal(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def sizes_match(place: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the files have the sizes that were sealed; a mapped file that is too short would end the process."""
    return all((place / name).stat().st_size == facts["size"] for name, facts in manifest["files"].items())


def is_whole(place: Path, manifest: Mapping[str, Any]) -> bool:
    """Whether the files hold what was sealed; reads all of them."""
    return all(sha256(place / name) == facts["sha256"] for name, facts in manifest["files"].items())


def sha256(path: Path) -> str:
    """The hash of a file's content in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
