"""Writes about knowledge files: add, replace, decide on findings, cancel, remove. Workers read them.

What files attached to messages (web/runs/files.py) need of it is written for any FileToRead.

A worker claims a file through `claimed_until`. Clearing that here (cancel, remove, another decision) stops the
worker, whose next report matches no row.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext

from gpts.knowledge.documents import Finding
from gpts.runs import fairness
from gpts.runs.fairness import Share
from gpts.safety.findings import used
from web import erasures
from web.accounts import quotas
from web.builder import notify
from web.builder.models import Gpt, GptVersion
from web.builder.models_files import FileToRead, KnowledgeFile, content_path
from web.builder.models_sources import Source
from web.builder.services import publish_if_awaited
from web.sending import send_task

Status = FileToRead.Status

# How long to wait for a worker to claim a file before the beat sends its message again.
INDEXING_WAKE: Final = timedelta(seconds=60)
CHOICES: Final = ("drop", "accept")
# The fields about reading, before it starts.
UNREAD: Final[dict[str, Any]] = {"error": "", "claimed_until": None, "started": None, "n_read": 0, "n_done": 0}
# What a file takes over from another one with the same content that was read before.
_COPIED: Final = ("segment", "n_chunks", "n_pages", "n_tokens", "unit", "language", "notices")


def access_file(gpt: Gpt, file_id: UUID) -> KnowledgeFile:
    """The file `file_id` in the draft of `gpt`. Raises Http404."""
    file = gpt.files.filter(id=file_id, removed=None).select_related("replaces", "gpt").first()
    if file is None:
        raise Http404("File not found in this GPT.")
    return file


def add_file(gpt: Gpt, name: str, chunks: Iterable[bytes]) -> KnowledgeFile:
    """The row of an uploaded file, queued for indexing unless the owner has an indexed file with this content.

    If this GPT already has the content, its existing row. Raises ValidationError for empty or oversized files and
    for too many files, and QuotaExceeded.
    """
    _check_room(gpt)
    return add_stored(gpt, name, *store_bytes(chunks))


def add_stored(gpt: Gpt, name: str, sha256: str, size: int, **made: Any) -> KnowledgeFile:
    """As `add_file`, for content that is in the file store already. `made` are the owner's choices about it."""
    with transaction.atomic():
        quotas.lock(gpt.owner_id)
        gpt = Gpt.objects.select_for_update().get(id=gpt.id)  # uploads at once are counted one by one
        known = gpt.files.filter(sha256=sha256, removed=None).first()
        if known is not None:
            return known
        _check_room(gpt)
        return _created(gpt, name, sha256, size, **made)


def replace_file(old: KnowledgeFile, name: str, chunks: Iterable[bytes]) -> KnowledgeFile:
    """The row of a file that replaces `old` once it is ready; if it fails, `old` stays in use.

    An earlier replacement that is not ready yet is cancelled. Raises ValidationError for empty or oversized files and
    for content that this GPT already has.
    """
    sha256, size = store_bytes(chunks)
    with transaction.atomic():
        quotas.lock(old.gpt.owner_id)
        gpt = Gpt.objects.select_for_update().get(id=old.gpt_id)
        same = gpt.files.filter(sha256=sha256, removed=None).first()
        if same is not None and same.id == old.id:
            raise ValidationError(gettext("Not replaced: this is the same file."))
        if same is not None:
            raise ValidationError(
                gettext("Not replaced: this GPT already has this file as {name}.").format(name=same.name)
            )
        if old.replaces is not None and old.replaces.removed is None:
            old = old.replaces
        _take_out(old.replacements.filter(removed=None))
        return _created(gpt, name, sha256, size, replaces=old, corrections=old.corrections)


def _check_room(gpt: Gpt) -> None:
    # A replacement that is not ready yet does not count.
    counted = Q(replaces=None) | Q(replaces__removed__isnull=False)
    if gpt.uploads.filter(counted).count() >= settings.MAX_FILES_PER_GPT:
        raise ValidationError(
            gettext("A GPT can have up to {limit} files. Remove one first.").format(limit=settings.MAX_FILES_PER_GPT)
        )


def created_by_source(
    source: Source, name: str, sha256: str, size: int, replaces: KnowledgeFile | None
) -> KnowledgeFile:
    """The row of a document of a source, to be indexed; locks are held as in `add_file`. Raises QuotaExceeded."""
    made = {"replaces": replaces, "corrections": replaces.corrections if replaces is not None else {}}
    return _created(source.gpt, name, sha256, size, source=source, from_source=True, **made)


def _created(gpt: Gpt, name: str, sha256: str, size: int, **made: Any) -> KnowledgeFile:
    quotas.check_storage(gpt.owner_id, size)
    file = KnowledgeFile(gpt=gpt, name=clean_name(name) or "file", sha256=sha256, size=size, **made)
    # Of the same owner: a file that is ready at once tells that somebody has it.
    own = KnowledgeFile.objects.filter(gpt__owner=gpt.owner_id, sha256=sha256, status=Status.READY, decisions={})
    known = None if file.corrections or file.decisions else own.filter(corrections={}).exclude(segment="").first()
    if known is None or not copy_reading(file, known):
        file.save()
        queue_indexing(file)
        return file
    file.findings = known.findings
    file.save()
    file_became_ready(file)
    return file


def copy_reading(file: FileToRead, known: FileToRead) -> bool:
    """Make `file` ready with the text of `known`, a read file of the same content; False if that text is gone."""
    try:
        os.utime(settings.GUILDHALL_HOME / "segments" / known.segment)  # so that no sweep takes it meanwhile
    except FileNotFoundError:
        return False
    for field in _COPIED:
        setattr(file, field, getattr(known, field))
    file.n_done, file.status = known.n_chunks, Status.READY
    return True


def clean_name(name: str, limit: int = 255) -> str:
    """`name` without path and unprintable characters, of at most `limit` characters; may be empty."""
    last = Path(name.replace("\\", "/")).name
    return shortened("".join(character for character in last if character.isprintable()), limit)


def shortened(name: str, limit: int = 255) -> str:
    """`name` in at most `limit` characters, with its extension kept."""
    if len(name) <= limit:
        return name
    ending = Path(name).suffix[:20]
    return name[: limit - len(ending) - 1] + "…" + ending


def store_bytes(chunks: Iterable[bytes], max_bytes: int | None = None) -> tuple[str, int]:
    """Save bytes to the file store: their SHA-256 and size. Raises ValidationError if empty or too large.

    `max_bytes` defaults to the limit of knowledge files.
    """
    limit = settings.MAX_FILE_BYTES if max_bytes is None else max_bytes
    folder = content_path()
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".upload-", delete=False) as file:
        try:
            for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise ValidationError(
                        gettext("This file is too large: up to {n} MB each.").format(n=limit // 1024**2)
                    )
                digest.update(chunk)
                file.write(chunk)
            if not size:
                raise ValidationError(gettext("The file is empty."))
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(folder / digest.hexdigest())
    return digest.hexdigest(), size


def queue_indexing(file: FileToRead) -> None:
    """Send the file to an index worker once the transaction commits; the beat sends lost messages again."""
    transaction.on_commit(lambda: send_task("workers.tasks.index_file", str(file.id), queue="index"))


def take_stalled_files(kind: type[FileToRead], limit: int = 50) -> list[FileToRead]:
    """Files of this kind that should be indexed but are not: the worker died or the message was lost."""
    now = timezone.now()
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = kind.objects.filter(unclaimed, woken__lt=now - INDEXING_WAKE).exclude(status__in=kind.SETTLED)
    return [file for file in due.order_by("created")[:limit] if due.filter(id=file.id).update(woken=now)]


def n_ahead(file: KnowledgeFile) -> int:
    """How many files of the whole site are read before this waiting one: people take turns, small files first."""
    waiting, running = Q(status=Status.RECEIVED), Q(status__in=(Status.PARSING, Status.EMBEDDING))
    counted = KnowledgeFile.objects.filter(waiting | running).values("gpt__owner").order_by()
    counted = counted.annotate(n_waiting=Count("id", filter=waiting), n_running=Count("id", filter=running))
    numbers = counted.values_list("gpt__owner", "n_waiting", "n_running")
    person = file.gpt.owner_id
    # Whose turn it is among equals is not known here, so that the others count as before.
    shares = [Share(who, w, r, datetime.max if who == person else datetime.min) for who, w, r in numbers]
    own = KnowledgeFile.objects.filter(waiting, gpt__owner=person)
    n_before = own.filter(Q(size__lt=file.size) | Q(size=file.size, created__lt=file.created)).count()
    return fairness.n_ahead(shares, person, n_before) + sum(share.n_running for share in shares)


def file_became_ready(file: KnowledgeFile) -> None:
    """Replace the file that it replaces, and publish the GPT if that was waiting for it.

    To be called after the file was marked ready.
    """
    if file.replaces is not None and file.replaces.removed is None:
        _take_out(KnowledgeFile.objects.filter(id=file.replaces.id))
    KnowledgeFile.objects.filter(id=file.id).update(replaces=None)
    tell_if_read(file.gpt)
    publish_if_awaited(file.gpt)


def tell_if_read(gpt: Gpt) -> None:
    """Tell the GPT's webhooks if none of its files is still to be read. To be called after one was."""
    files = gpt.uploads
    if not files.exclude(status__in=FileToRead.SETTLED).exists():
        n_ready = files.filter(status=Status.READY).count()
        notify.of_gpt(gpt, "files.ready", n_ready=n_ready, n_others=files.count() - n_ready)


def retry_file(file: KnowledgeFile) -> bool:
    """Read a failed or cancelled file again. Whether there was anything to do."""
    again = KnowledgeFile.objects.filter(id=file.id, status__in=(Status.FAILED, Status.CANCELLED))
    if not again.update(**UNREAD, status=Status.RECEIVED, woken=timezone.now()):
        return False
    queue_indexing(file)
    return True


def cancel_file(file: KnowledgeFile) -> bool:
    """Stop reading the file; its worker notices within a second. Whether there was anything to stop.

    A file that was being read again stays in use as it was.
    """
    return bool(cancel_reading(KnowledgeFile.objects.filter(id=file.id)))


def cancel_reading(files: Any) -> int:
    """Cancel those of the queryset `files` that are not read yet; how many."""
    n_cancelled: int = files.exclude(status__in=FileToRead.SETTLED).update(**UNREAD, status=Status.CANCELLED)
    return n_cancelled


def decide(file: KnowledgeFile, choices: Mapping[str, str]) -> KnowledgeFile:
    """Save the owner's choices on findings, which can be changed later, and read the file again if its text changes.

    The old segment stays in use until there is a new one. Raises ValidationError for a finding that the file does
    not have, or that needs no decision, and for anything but "drop" and "accept".
    """
    with transaction.atomic():  # two pages may decide at once: the row is read again under a lock
        file = KnowledgeFile.objects.select_for_update().get(id=file.id)
        findings = [Finding.model_validate(each) for each in file.findings]
        _check_choices(choices, {each.id for each in findings if each.severity != "note"})
        before = used(findings, file.decisions)
        file.decisions = {**file.decisions, **choices}
        file.save(update_fields=["decisions"])
        is_settled = file.status == Status.QUARANTINED and not file.undecided
        if used(findings, file.decisions) == before and not is_settled:
            return file
        queue_again(file)
    file.refresh_from_db()
    return file


def _check_choices(choices: Mapping[str, str], known: set[str]) -> None:
    if not choices:
        raise ValidationError(gettext("Choose “drop” or “accept” for at least one finding."))
    for finding, choice in choices.items():
        if finding not in known:
            raise ValidationError(gettext("This file has no finding “{name}”.").format(name=finding[:20]))
        if choice not in CHOICES:
            raise ValidationError(gettext("Choose “drop” or “accept”, not “{name}”.").format(name=choice[:20]))


def remove_file(file: KnowledgeFile) -> None:
    """Remove the file from the draft. A worker that is reading it stops; published versions keep the file."""
    _take_out(KnowledgeFile.objects.filter(id=file.id))
    erasures.note("file", file.pk)
    publish_if_awaited(file.gpt)


def _take_out(files: Any) -> None:
    """Remove the queryset `files` from the draft, and cancel those being read."""
    ids = list(files.values_list("id", flat=True))
    rows = KnowledgeFile.objects.filter(id__in=ids)
    cancel_reading(rows)
    rows.update(removed=timezone.now())


def read_again(file: FileToRead, segment: str) -> bool:
    """Read the file again because its segment is outdated; `segment` stays in use until then. Decisions are kept.

    Whether it was queued: it may be waiting already, or another worker has read it since `file` was loaded.
    """
    outdated = type(file).objects.filter(id=file.id, segment=file.segment, status__in=FileToRead.SETTLED)
    fresh = {**UNREAD, "segment": segment, "status": Status.RECEIVED, "woken": timezone.now()}
    if not outdated.update(**fresh):
        return False
    queue_indexing(file)
    return True


def n_read_again() -> int:
    """How many knowledge files are read again or wait for it, while their segments stay in use."""
    waiting = KnowledgeFile.objects.exclude(segment="").exclude(status__in=FileToRead.SETTLED)
    return waiting.count()


def queue_again(file: FileToRead) -> None:
    """Have the file read from the beginning; its segment stays in use until then."""
    fresh = {**UNREAD, "status": Status.RECEIVED, "woken": timezone.now()}
    type(file).objects.filter(id=file.id).update(**fresh)
    queue_indexing(file)


def point_versions_at(file: KnowledgeFile, is_lost: Callable[[str], bool]) -> None:
    """Replace lost segments of the file in versions of its GPT by its current segment.

    What a creator wrote is immutable in a version; the segment of a file is only derived from it.
    """
    for version in GptVersion.objects.filter(gpt=file.gpt_id):
        own = [ref for ref in version.data["knowledge"] if ref["file_id"] == str(file.id)]
        lost = [ref for ref in own if ref["segment"] != file.segment and is_lost(ref["segment"])]
        for ref in lost:
            ref["segment"] = file.segment
        if lost:
            version.save(update_fields=["data"])
