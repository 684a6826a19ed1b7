"""Deletes stored content that nothing refers to any more: files, segments, pictures of pages and of GPTs.

Content is stored by its hash and shared, so it goes by mark and sweep. Somebody may store the same content meanwhile:
they write it anew, which makes it young, and what is young stays until a later sweep. What goes is first moved aside
and checked again there, so that an upload between the check and the deletion loses nothing.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import time
from typing import Final
from uuid import UUID

from django.conf import settings

from web.builder.models import Gpt
from web.runs.citations import PICTURES
from web.runs.kept_files import KINDS, content_in_use, is_in_version
from workers.knowledge.publishing import remove_old

# Content that was stored more recently may be that of an upload whose row is about to be written.
SETTLED_S: Final = 3_600
# An upload that is still being written by then was abandoned.
ABANDONED_S: Final = 24 * 3_600
_ASIDE: Final = ".swept-"


def sweep() -> int:
    """Delete what is not in use; the number of files and folders."""
    home, in_use = Path(settings.GUILDHALL_HOME), content_in_use()
    n_removed = _sweep(home / "files", in_use.files, has_file)
    n_removed += _sweep(home / PICTURES, in_use.files, has_file)
    n_removed += _sweep(home / "segments", in_use.segments, has_segment)
    n_removed += _sweep(Path(settings.MEDIA_ROOT), in_use.pictures | {settings.SITE_LOGO}, _has_picture)
    n_removed += _sweep_parsed(home / "parsed", in_use.files)
    abandoned = [*(home / "files").glob(".upload-*"), *Path(settings.MEDIA_ROOT).glob(".*.webp")]
    return n_removed + remove_old(abandoned, ABANDONED_S)


def has_file(sha256: str, besides: UUID | None = None) -> bool:
    """Whether a row refers to the stored file, besides the one with the id `besides`."""
    return any(kind.objects.filter(sha256=sha256).exclude(id=besides).exists() for kind in KINDS)


def has_segment(address: str) -> bool:
    """Whether a row or a version in use refers to the segment."""
    return any(kind.objects.filter(segment=address).exists() for kind in KINDS) or is_in_version(address)


def _has_picture(name: str) -> bool:
    return name == settings.SITE_LOGO or Gpt.objects.filter(picture=name).exists()


def remove_unless(path: Path, is_needed: Callable[[Path], bool]) -> bool:
    """Delete the file or folder unless `is_needed(path)`, which is asked once it is out of reach; whether it went."""
    aside = path.with_name(_ASIDE + path.name)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    if is_needed(aside) and not path.exists():
        _put_back(aside, path)
    else:
        _delete(aside)
    return not path.exists()


def is_settled(path: Path) -> bool:
    """Whether the content was stored long enough ago; True if it is not there."""
    try:
        return time() - path.stat().st_mtime > SETTLED_S
    except FileNotFoundError:
        return True


def _sweep(folder: Path, in_use: frozenset[str], has: Callable[[str], bool]) -> int:
    _restore(folder, has)
    unused = [path for path in folder.glob("[!.]*") if path.name not in in_use and is_settled(path)]
    return sum(remove_unless(path, partial(_is_wanted, has, path.name)) for path in unused)


def _sweep_parsed(folder: Path, in_use: frozenset[str]) -> int:
    """Delete the texts of files that are not in use (`<sha256>-….json`), which are only a cache."""
    unused = [path for path in folder.glob("[!.]*.json") if path.name.partition("-")[0] not in in_use]
    unused = [path for path in unused if is_settled(path)]
    for path in unused:
        path.unlink(missing_ok=True)
    return len(unused)


def _is_wanted(has: Callable[[str], bool], name: str, aside: Path) -> bool:
    return has(name) or not is_settled(aside)


def _restore(folder: Path, has: Callable[[str], bool]) -> None:
    """Decide about what a sweep that was killed left aside."""
    for aside in folder.glob(f"{_ASIDE}*"):
        path = folder / aside.name.removeprefix(_ASIDE)
        if has(path.name) and not path.exists():
            _put_back(aside, path)
        else:
            _delete(aside)


def _put_back(aside: Path, path: Path) -> None:
    try:
        aside.rename(path)
    except OSError:  # somebody stored the same folder in the meantime
        _delete(aside)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
