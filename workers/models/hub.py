"""Downloads models from a hub: huggingface.co, or a mirror that speaks its protocol.

The client library does the transfer, with redirects, ranges and retries (`http_get`). Its whole downloads
(`hf_hub_download`, `snapshot_download`) are not used: version 2 deletes a partial file when it stops, so that a file
of 40 GB would start again.

A stopped download keeps its files and its commit in a hidden directory, and the next one goes on there. Every file is
compared with the hub's checksum before it gets its name.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from huggingface_hub import hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from gpts.spec.base_models import gigabytes
from workers.models.errors import ModelError
from workers.models.listing import Hub, allow_network, in_plain_words
from workers.models.machine import DISK_MARGIN, free_bytes
from workers.models.progress import Meter, MeterBar, Report
from workers.models.stored import (
    RECORD,
    HubFile,
    Manifest,
    hub_folder,
    model_path,
    only_one,
    partial_folder,
    read_manifest,
)


def download(
    manifest: Manifest,
    hub: Hub,
    home: Path,
    *,
    accept: bool,
    report: Report = lambda progress: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The directory or .gguf file of the model, after downloading what is missing. Raises ModelError.

    `accept`: whether somebody accepted the licence. To be called in a process that loads no model, as those are kept
    off the network.
    """
    if not accept:
        raise ModelError(f"{manifest.source.repo} is under {manifest.licence}; accept the licence to download it.")
    allow_network()
    folder = hub_folder(home, manifest.source)
    with in_plain_words(manifest.source, hub), only_one(folder):
        if here := read_manifest(folder):
            return model_path(folder, here)
        aside = _begin(manifest, partial_folder(folder))
        meter = Meter(manifest.total, report, cancelled)
        for file in manifest.files:
            _fetch(file, manifest, aside, hub, meter)
        aside.rename(folder)
    return model_path(folder, manifest)


def _begin(manifest: Manifest, aside: Path) -> Path:
    """The directory for unfinished files, with the record in it. Raises ModelError if the disk is too full."""
    begun = read_manifest(aside)
    if begun is None or begun.commit != manifest.commit:
        shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, exist_ok=True)
    here = sum(each.stat().st_size for each in aside.iterdir())
    free, needed = free_bytes(aside), manifest.total - here + DISK_MARGIN
    if free < needed:
        raise ModelError(
            f"{manifest.source.typed} needs {gigabytes(needed)} of disk, of which {gigabytes(DISK_MARGIN)} stay "
            f"free; {aside.parent} has {gigabytes(free)}."
        )
    record = manifest.model_copy(update={"accepted_at": datetime.now(UTC)})
    (aside / RECORD).write_text(record.model_dump_json(indent=2), "utf-8")
    return aside


def _fetch(file: HubFile, manifest: Manifest, aside: Path, hub: Hub, meter: Meter) -> None:
    """Download one file, or the rest of it, and count it."""
    path = aside / PurePosixPath(file.name).name
    meter.file = path.name
    done = meter.done + file.size
    if not path.is_file():
        _fetch_missing(path, file, manifest, hub, meter)
    meter.add(done - meter.done, received=False)


def _fetch_missing(path: Path, file: HubFile, manifest: Manifest, hub: Hub, meter: Meter) -> None:
    """Download to a partial file, which gets its name `path` once its checksum is right."""
    part = path.with_name(f"{path.name}.part")
    with part.open("ab") as output:
        if output.tell() > file.size:
            output.truncate(0)
            output.seek(0)
        _receive(file, manifest, output, hub, meter)
    if not _is_right(part, file):
        part.unlink()
        raise ModelError(
            f"{file.name} arrived damaged: its checksum is not the one that the hub states. The file was deleted; "
            "download the model again to fetch it anew."
        )
    part.rename(path)


def _receive(file: HubFile, manifest: Manifest, output: BinaryIO, hub: Hub, meter: Meter) -> None:
    source = manifest.source
    http_get(
        hf_hub_url(source.repo, file.name, revision=manifest.commit, endpoint=hub.endpoint),
        output,
        resume_size=output.tell(),
        # Without compression, under which servers ignore ranges.
        headers={**build_hf_headers(token=hub.token or False), "Accept-Encoding": "identity"},
        expected_size=file.size,
        tqdm_class=partial(MeterBar, meter),  # type: ignore[arg-type]
    )
    output.flush()
    os.fsync(output.fileno())


def _is_right(path: Path, file: HubFile) -> bool:
    if file.sha256:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    data = path.read_bytes()
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return git.hexdigest() == file.git_sha1
