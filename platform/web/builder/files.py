"""Every write about knowledge files: added, replaced, decided on, cancelled, removed. Workers do the reading.

A worker claims a file through `claimed_until`. Taking that away here (cancel, remove, another decision) is what stops
the worker: its next report finds no row any more.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from gpts.knowledge.documents import Finding
from gpts.safety.findings import undecided
from web.builder.models import Gpt, GptVersion, KnowledgeFile
from web.builder.services import publish_if_awaited
from web.sending import send_task

Status = KnowledgeFile.Status

# How long a message about a file may be under way before the beat sends another.
INDEXING_WAKE: Final = timedelta(seconds=60)
CHOICES: Final = ("drop", "accept")
# What a row says of the work on it, before there is any.
_UNREAD: Final[dict[str, Any]] = {"error": "", "claimed_until": None, "started": None, "n_read": 0, "n_done": 0}
# What a copy of known content takes over from the file that was read before.
_LEARNT: Final = ("n_chunks", "n_pages", "n_tokens", "unit", "language", "notices", "findings")


def add_file(gpt: Gpt, name: str, chunks: Iterable[bytes]) -> KnowledgeFile:
    """The row of an uploaded file, stored by content, and queued for indexing unless its content is known here.

    The same content already in this GPT gives its existing row. Raises ValidationError for empty or oversized files
    and for one file too many.
    """
    _check_room(gpt)
    sha256, size = store_bytes(chunks)
    with transaction.atomic():
        gpt = Gpt.objects.select_for_update().get(id=gpt.id)  # uploads at once are counted one after the other
        known = gpt.files.filter(sha256=sha256, removed=None).first()
        if known is not None:
            return known
        _check_room(gpt)
        return _created(gpt, name, sha256, size)


def replace_file(old: KnowledgeFile, name: str, chunks: Iterable[bytes]) -> KnowledgeFile:
    """The row of a file that takes the place of `old` once it is ready; if it fails, `old` stays in use.

    A replacement that was still under way gives way to this one. Raises ValidationError for empty or oversized files
    and for content that this GPT has already.
    """
    sha256, size = store_bytes(chunks)
    with transaction.atomic():
        gpt = Gpt.objects.select_for_update().get(id=old.gpt_id)
        same = gpt.files.filter(sha256=sha256, removed=None).first()
        if same is not None and same.id == old.id:
            raise ValidationError("Not replaced: this is the same file.")
        if same is not None:
            raise ValidationError(f"Not replaced: this GPT already has this file as {same.name}.")
        if old.replaces is not None and old.replaces.removed is None:
            old = old.replaces
        _take_out(old.replacements.filter(removed=None))
        return _created(gpt, name, sha256, size, replaces=old)


def _check_room(gpt: Gpt) -> None:
    # A replacement that is under way takes no room of its own.
    own_room = Q(replaces=None) | Q(replaces__removed__isnull=False)
    if gpt.files.filter(own_room, removed=None).count() >= settings.MAX_FILES_PER_GPT:
        raise ValidationError(f"A GPT can have up to {settings.MAX_FILES_PER_GPT} files. Remove one first.")


def _created(gpt: Gpt, name: str, sha256: str, size: int, replaces: KnowledgeFile | None = None) -> KnowledgeFile:
    file = KnowledgeFile(gpt=gpt, name=clean_name(name) or "file", sha256=sha256, size=size, replaces=replaces)
    known = KnowledgeFile.objects.filter(sha256=sha256, status=Status.READY, decisions={}).exclude(segment="").first()
    if known is None or not (settings.GUILDHALL_HOME / "segments" / known.segment).is_dir():
        file.save()
        queue_indexing(file)
        return file
    for field in _LEARNT:
        setattr(file, field, getattr(known, field))
    file.segment, file.n_done, file.status = known.segment, known.n_chunks, Status.READY
    file.save()
    file_became_ready(file)
    return file


def clean_name(name: str, limit: int = 255) -> str:
    """`name` without a path and without characters that nobody can see, within `limit` characters; perhaps empty."""
    last = Path(name.replace("\\", "/")).name
    return shortened("".join(character for character in last if character.isprintable()), limit)


def shortened(name: str, limit: int = 255) -> str:
    """`name` within `limit` characters, its ending kept: it tells people what kind of file this is."""
    if len(name) <= limit:
        return name
    ending = Path(name).suffix[:20]
    return name[: limit - len(ending) - 1] + "…" + ending


def store_bytes(chunks: Iterable[bytes]) -> tuple[str, int]:
    """The SHA-256 and size of bytes now in the file store. Raises ValidationError when empty or too large."""
    folder = settings.GUILDHALL_HOME / "files"
    folder.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".upload-", delete=False) as file:
        try:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.MAX_FILE_BYTES:
                    limit = settings.MAX_FILE_BYTES // 1024**2
                    raise ValidationError(f"Too large: a file can have up to {limit} MB.")
                digest.update(chunk)
                file.write(chunk)
            if not size:
                raise ValidationError("The file is empty.")
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(folder / digest.hexdigest())
    return digest.hexdigest(), size


def queue_indexing(file: KnowledgeFile) -> None:
    """Send the file to an index worker once the transaction commits; a lost message is re-sent by the beat."""
    transaction.on_commit(lambda: send_task("workers.tasks.index_file", str(file.id), queue="index"))


def take_stalled_files(limit: int = 50) -> list[KnowledgeFile]:
    """Files that nobody indexes though they are due: their worker died or the message was lost."""
    now = timezone.now()
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = KnowledgeFile.objects.filter(unclaimed, woken__lt=now - INDEXING_WAKE).exclude(
        status__in=KnowledgeFile.SETTLED
    )
    return [file for file in due.order_by("created")[:limit] if due.filter(id=file.id).update(woken=now)]


def n_ahead(file: KnowledgeFile) -> int:
    """How many files of the whole site are read now or before this waiting one: smaller ones go first."""
    waiting = Q(status=Status.RECEIVED, size__lt=file.size) | Q(
        status=Status.RECEIVED, size=file.size, created__lt=file.created
    )
    at_work = Q(status__in=(Status.PARSING, Status.EMBEDDING))
    return KnowledgeFile.objects.filter(waiting | at_work).exclude(id=file.id).count()


def file_became_ready(file: KnowledgeFile) -> None:
    """Let the file take the place of the one it replaces, and publish the GPT if that waited for it.

    Whoever marked the file ready calls this.
    """
    if file.replaces is not None and file.replaces.removed is None:
        _take_out(KnowledgeFile.objects.filter(id=file.replaces.id))
    KnowledgeFile.objects.filter(id=file.id).update(replaces=None)
    publish_if_awaited(file.gpt)


def retry_file(file: KnowledgeFile) -> bool:
    """Read a failed or cancelled file once more. Whether there was anything to do."""
    again = KnowledgeFile.objects.filter(id=file.id, status__in=(Status.FAILED, Status.CANCELLED))
    if not again.update(**_UNREAD, status=Status.RECEIVED, woken=timezone.now()):
        return False
    queue_indexing(file)
    return True


def cancel_file(file: KnowledgeFile) -> bool:
    """Stop reading the file; its worker notices within a second. Whether there was anything to stop.

    One that was in use before, and was only read again, goes on being used as it was.
    """
    under_way = KnowledgeFile.objects.filter(id=file.id).exclude(status__in=KnowledgeFile.SETTLED)
    stopped = under_way.update(**_UNREAD, status=Status.CANCELLED)
    return bool(stopped)


def decide(file: KnowledgeFile, choices: Mapping[str, str]) -> KnowledgeFile:
    """Keep the owner's choices on findings, and read the file again once none waits. Choices can be changed later.

    Until the new segment is there the old one stays in use. Raises ValidationError for a finding that the file does
    not have, or that needs no decision, and for anything but "drop" and "accept".
    """
    with transaction.atomic():  # two pages may decide at once: the row is read again under its lock
        file = KnowledgeFile.objects.select_for_update().get(id=file.id)
        findings = [Finding.model_validate(each) for each in file.findings]
        _check_choices(choices, {each.id for each in findings if each.severity != "note"})
        decided = {**file.decisions, **choices}
        changed = decided != file.decisions
        file.decisions = decided
        if changed:
            file.save(update_fields=["decisions"])
        if undecided(findings, decided) or not (changed or file.status == Status.QUARANTINED):
            return file
        KnowledgeFile.objects.filter(id=file.id).update(**_UNREAD, status=Status.RECEIVED, woken=timezone.now())
        queue_indexing(file)
    file.refresh_from_db()
    return file


def _check_choices(choices: Mapping[str, str], known: set[str]) -> None:
    if not choices:
        raise ValidationError("Choose “drop” or “accept” for at least one finding.")
    for finding, choice in choices.items():
        if finding not in known:
            raise ValidationError(f"This file has no finding “{finding[:20]}”.")
        if choice not in CHOICES:
            raise ValidationError(f"Choose “drop” or “accept”, not “{choice[:20]}”.")


def remove_file(file: KnowledgeFile) -> None:
    """Take the file out of the draft at once; a worker indexing it stops, published versions keep it."""
    _take_out(KnowledgeFile.objects.filter(id=file.id))
    publish_if_awaited(file.gpt)


def _take_out(files: Any) -> None:
    """Take `files`, a queryset, out of the draft; what was under way is cancelled."""
    ids = list(files.values_list("id", flat=True))
    rows = KnowledgeFile.objects.filter(id__in=ids)
    rows.exclude(status__in=KnowledgeFile.SETTLED).update(**_UNREAD, status=Status.CANCELLED)
    rows.update(removed=timezone.now())


def read_again(file: KnowledgeFile) -> None:
    """Read the file anew because its segment is lost or of an older format; its decisions hold."""
    fresh = {"status": Status.RECEIVED, "segment": "", "woken": timezone.now()}
    KnowledgeFile.objects.filter(id=file.id).update(**_UNREAD, **fresh)
    queue_indexing(file)


def point_versions_at(file: KnowledgeFile, is_lost: Callable[[str], bool]) -> None:
    """Let versions of the file's GPT that name a segment of it that is lost use its present one.

    A version is immutable in what its creator said; which segment holds a file is how it was worked out.
    """
    for version in GptVersion.objects.filter(gpt=file.gpt_id):
        own = [ref for ref in version.data["knowledge"] if ref["file_id"] == str(file.id)]
        lost = [ref for ref in own if ref["segment"] != file.segment and is_lost(ref["segment"])]
        for ref in lost:
            ref["segment"] = file.segment
        if lost:
            version.save(update_fields=["data"])
