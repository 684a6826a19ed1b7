"""Chats of other systems become chats of a person's own, which they can search, read and continue.

A worker reads the export one chat at a time; each chat is a transaction of its own. A worker that dies loses its
claim, and another reads the file from its beginning: what is there already is recognised.
"""

import io
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic, sleep
from typing import Any, Final, TextIO
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from gpts.portable.archive import checked, open_archive
from gpts.portable.errors import NotImportable
from gpts.portable.found import object_of, text_of
from gpts.portable.json_stream import items_of
from web.accounts import quotas
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.builder.files import clean_name
from web.runs.errors import Refused
from web.runs.imported_chats import ChatStorage, clean
from web.runs.imported_pictures import PictureArchive
from web.runs.kept_files import content_may_go
from web.runs.models import Run
from web.runs.models_imports import ChatImport
from web.runs.titles import shorten
from web.sending import send_task

logger = logging.getLogger(__name__)

# Of one person, at once.
MAX_OPEN: Final = 3
# While others chat, who need the same database and processor, an import rests after each chat so many times as long
# as that took, ...
RESTS: Final = 19
MAX_REST_S: Final = 10.0
# ... and others chat if they sent a message within this time.
ACTIVE: Final = timedelta(seconds=60)
# Of those that are over, the newest.
MAX_KEPT: Final = 100
# Of one import, chats that cannot be read.
MAX_NAMED: Final = 50
# Longer than the largest chat takes.
CLAIM: Final = timedelta(seconds=120)
WAKE: Final = timedelta(seconds=60)
SAVE_EVERY_S: Final = 1.0
# An archive also has every picture of its chats, of which few are read.
MAX_ENTRIES: Final = 200_000
MAX_BYTES: Final = 50_000_000_000
_CHATS: Final = re.compile(r"(?:^|/)conversations(?:[-_]?\d+)?\.json$")
_UNEXPECTED: Final = gettext_noop("Something went wrong. Try again, or contact an admin.")
_COUNTS: Final = ("n_new", "n_updated", "n_known", "n_kept", "n_unreadable", "n_left_out")


def has_chats(names: Iterable[str]) -> bool:
    """Whether an archive with these names is an export of chats."""
    return any(_CHATS.search(name) for name in names)


def check_open(user: User, n_before: int = 0) -> None:
    """Raises Refused if the person has too many imports in progress, `n_before` that are to begin included."""
    in_progress = user.chat_imports.filter(status__in=ChatImport.OPEN)
    if in_progress.count() + n_before >= MAX_OPEN:
        raise Refused(
            gettext("You have {max_open} imports in progress. Wait until one is done.").format(max_open=MAX_OPEN)
        )


def stored(user: User, name: str, chunks: Iterable[bytes], n_before: int = 0) -> ChatImport:
    """An export of chats whose file is stored, for `begin`; `n_before` are to begin with it.

    Raises Refused and QuotaExceeded.
    """
    check_open(user, n_before)
    row = ChatImport(owner=user, name=clean_name(name) or "chats", size=0)
    row.path.parent.mkdir(parents=True, exist_ok=True)
    with row.path.open("wb") as file:
        for chunk in chunks:
            row.size += file.write(chunk)
    try:
        quotas.check_storage(user.id, row.size)
    except QuotaExceeded:
        row.path.unlink()
        raise
    return row


def begin(row: ChatImport) -> None:
    """Have a worker read what was stored."""
    over = row.owner.chat_imports.exclude(status__in=ChatImport.OPEN).values_list("id", flat=True)
    ChatImport.objects.filter(id__in=list(over[MAX_KEPT:])).delete()
    row.save()
    transaction.on_commit(lambda: queue(row))


def queue(row: ChatImport) -> None:
    """Have a worker read the export; the beat asks again if the message is lost."""
    send_task("workers.tasks.import_chats", str(row.id), queue="index")


def access_import(user: Any, import_id: UUID) -> ChatImport:
    """An import of `user`'s own. Raises Http404."""
    row = ChatImport.objects.filter(owner=user, id=import_id).first() if user.is_authenticated else None
    if row is None:
        raise Http404(gettext("Import not found."))
    return row


def take_stalled() -> list[ChatImport]:
    """Imports that should be in progress but are not: the worker died or the message was lost."""
    now = timezone.now()
    stalled = due().filter(woken__lt=now - WAKE)
    return [row for row in stalled[:20] if stalled.filter(id=row.id).update(woken=now)]


def due() -> "QuerySet[ChatImport]":
    """The imports that wait for a worker."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=timezone.now())
    return ChatImport.objects.filter(free, status__in=ChatImport.OPEN)


def at_work() -> "QuerySet[ChatImport]":
    """The imports that are read."""
    return ChatImport.objects.filter(claimed_until__gte=timezone.now())


def claim(person: int) -> ChatImport | None:
    """The person's import that waits for the longest, claimed; None if there is none."""
    fresh = {"status": ChatImport.Status.RUNNING, "unreadable": [], **dict.fromkeys(_COUNTS, 0)}
    while row := due().filter(owner=person).order_by("created", "id").first():
        if due().filter(id=row.id).update(claimed_until=timezone.now() + CLAIM, **fresh):
            return ChatImport.objects.select_related("owner").get(id=row.id)
    return None


def read(row: ChatImport) -> None:
    """Read the claimed export, and record the result on its row."""
    try:
        _read(row)
        row.status = ChatImport.Status.DONE
    except NotImportable as error:
        row.status, row.error = ChatImport.Status.FAILED, str(error)[:300]
    except ValidationError as error:  # the person may have no further GPT, or nothing more stored
        row.status, row.error = ChatImport.Status.FAILED, " ".join(error.messages)[:300]
    except Exception:
        logger.exception("the import of chats %s failed", row.id)
        row.status, row.error = ChatImport.Status.FAILED, _UNEXPECTED
    row.claimed_until = None
    row.save()
    with content_may_go() as may:  # else `remove_leftovers` does it later
        if may:
            row.path.unlink(missing_ok=True)


def _read(row: ChatImport) -> None:
    saved, n_items, storage, took = monotonic(), 0, ChatStorage(row), 0.0
    for item in _items(row, storage):
        _rest(row, took)
        n_items, begun = n_items + 1, monotonic()
        try:
            counted = storage.take(item)
        except (KeyError, TypeError, ValueError, RecursionError):  # of a shape that nobody has described
            logger.warning("a chat of the import %s could not be read", row.id, exc_info=True)
            counted = {"n_unreadable": 1}
        if "n_unreadable" in counted:
            _name_unreadable(row, item)
        for name, n in counted.items():
            setattr(row, name, getattr(row, name) + n)
        if monotonic() - saved > SAVE_EVERY_S:
            row.claimed_until, saved = timezone.now() + CLAIM, monotonic()
            row.save(update_fields=["claimed_until", "unreadable", *_COUNTS])
        took = monotonic() - begun
    if n_items == row.n_unreadable:
        raise NotImportable(gettext("There are no chats in this file that can be read."))


def _rest(row: ChatImport, took_s: float) -> None:
    """Leave the database to people who chat, after a chat that took `took_s`."""
    recent = Run.objects.filter(created__gte=timezone.now() - ACTIVE)
    if recent.exclude(owner=row.owner).exists():
        sleep(min(RESTS * took_s, MAX_REST_S))


def _name_unreadable(row: ChatImport, item: Any) -> None:
    title = shorten(clean(text_of(object_of(item).get("title"))))
    if title and len(row.unreadable) < MAX_NAMED:
        row.unreadable.append(title)


def _items(row: ChatImport, storage: ChatStorage) -> Iterator[Any]:
    """Every item of the export, in all of its parts. `storage` gets its pictures."""
    for file in _texts(row, storage):
        yield from items_of(file)


def _texts(row: ChatImport, storage: ChatStorage) -> Iterator[TextIO]:
    with row.path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            yield _decoded(file)
            return
        with open_archive(file) as archive:
            entries = checked(archive, file, MAX_ENTRIES, MAX_BYTES)
            names = [entry.filename for entry in entries]
            storage.pictures = PictureArchive(archive, names)
            for name in sorted(name for name in names if _CHATS.search(name)):
                with _entry(archive, name) as text:
                    yield text


@contextmanager
def _entry(archive: zipfile.ZipFile, name: str) -> Iterator[TextIO]:
    try:
        with archive.open(name) as file:
            yield _decoded(file)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise NotImportable(gettext("“{name}” in the archive is damaged.").format(name=name[:100])) from error


def _decoded(file: Any) -> TextIO:
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace")


def remove_leftovers() -> None:
    """Delete files of imports that are over, and that were never begun."""
    folder = ChatImport(size=0).path.parent
    kept = {str(id) for id in ChatImport.objects.filter(status__in=ChatImport.OPEN).values_list("id", flat=True)}
    young = timezone.now().timestamp() - 86_400
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.name not in kept and path.stat().st_mtime < young:
            path.unlink(missing_ok=True)
