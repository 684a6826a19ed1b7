"""The models on this machine, all under `<home>/models`: downloaded ones in `hub/`, converted copies of GGUF files.

A download is complete when its directory has a record, `guildhall.json`; it is made in a hidden directory beside it
and renamed at the end. So is a removal, the other way round: half a model is never taken for one.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from workers.models.catalogue import ModelSource
from workers.models.errors import ModelError

RECORD: Final = "guildhall.json"


class HubFile(BaseModel):
    """A file in a repository, with the hub's checksum: SHA-256 of large files, git's SHA-1 of others."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


class Manifest(BaseModel):
    """A model as the hub describes it, later the record of it here. `name` is that in the catalogue, if any."""

    model_config = ConfigDict(frozen=True)

    source: ModelSource
    name: str = ""
    commit: str
    licence: str
    files: tuple[HubFile, ...]
    accepted_at: datetime | None = None

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model on disk: the name to type, the path to load, its bytes, and the licence it was downloaded under.

    Unfinished ones cannot be loaded.
    """

    name: str
    path: Path
    size: int
    state: Literal["downloaded", "unfinished", "converted"]
    licence: str = ""


def hub_folder(home: Path, source: ModelSource) -> Path:
    """The directory of a downloaded model."""
    return home / "models" / "hub" / source.folder


def partial_folder(folder: Path) -> Path:
    """Where the files of a model are until all are there."""
    return folder.with_name(f".{folder.name}.partial")


def read_manifest(folder: Path) -> Manifest | None:
    """The record in `folder`; None if there is none that can be read."""
    try:
        return Manifest.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError):
        return None


def stored_models(home: Path) -> list[StoredModel]:
    """Everything under `<home>/models`, by name."""
    found = [model for folder in _folders(home / "models" / "hub") if (model := _from_hub(folder))]
    found += [_converted(each) for each in _folders(home / "models") if _is_copy(each)]
    return sorted(found, key=lambda model: model.name.lower())


def find_stored(name: str, home: Path) -> Path | None:
    """The directory or .gguf file of the downloaded model called `name`; None if it is not here."""
    for folder in _folders(home / "models" / "hub"):
        manifest = read_manifest(folder)
        if manifest and not folder.name.startswith(".") and name in (manifest.name, manifest.source.typed):
            return model_path(folder, manifest)
    return None


def model_path(folder: Path, manifest: Manifest) -> Path:
    """What an engine loads: the directory, or the one .gguf file in it."""
    return folder / Path(manifest.source.file).name if manifest.source.file else folder


def remove_stored(model: StoredModel, in_use: set[Path]) -> None:
    """Remove the model from disk. Raises ModelError if its path is among `in_use`, or it is being downloaded."""
    if model.path in in_use:
        raise ModelError(f"“{model.name}” is in use. Choose another model first.")
    folder = model.path if model.path.is_dir() else model.path.parent
    with only_one(folder):
        aside = folder.with_name(f".{folder.name.lstrip('.')}.removed")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        shutil.rmtree(aside)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds the lock of the model in `folder`. Raises ModelError at once if another process has it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    name = folder.name.removeprefix(".").removesuffix(".partial")
    with (folder.parent / f".{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"Another process is downloading or removing {name}. Wait for it, or stop it.") from None
        yield


def _from_hub(folder: Path) -> StoredModel | None:
    if (manifest := read_manifest(folder)) is None:
        return None
    name = manifest.name or manifest.source.typed
    if folder.name.startswith("."):
        return StoredModel(name, folder, _size(folder), "unfinished", manifest.licence)
    return StoredModel(name, model_path(folder, manifest), _size(folder), "downloaded", manifest.licence)


def _is_copy(folder: Path) -> bool:
    """Whether a model was converted into the folder, for transformers or for the CPU engine, if not to the end."""
    is_whole = any((folder / name).is_file() for name in ("config.json", "facts.json"))
    return is_whole or folder.name.endswith(".partial")


def _converted(folder: Path) -> StoredModel:
    is_whole = not folder.name.endswith(".partial")
    return StoredModel(folder.name, folder, _size(folder), "converted" if is_whole else "unfinished")


def _folders(parent: Path) -> list[Path]:
    return sorted(each for each in parent.iterdir() if each.is_dir()) if parent.is_dir() else []


def _size(folder: Path) -> int:
    size = 0
    for each in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a download beside this renames its files
            size += each.stat().st_size if each.is_file() else 0
    return size
