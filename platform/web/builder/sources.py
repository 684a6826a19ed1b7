"""Sources of knowledge that change by themselves: what their creators set, and what each look at one does.

A worker claims a source, reads it through its connector (workers/indexing/syncing.py) and tells here what it found,
one document at a time, each in a transaction of its own. A worker that is killed loses nothing: the claim expires,
and the next one goes on from what is known. Files of sources are knowledge files like any other, but count for their
source, not for the limit of files, and one that cannot be read holds up nothing.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext
from pydantic import ValidationError as Invalid

from gpts.spec.gpt import GptSpec, KnowledgeRef
from gpts.spec.sources import LEAST_HOURS, MOST_FILES, MOST_HOURS, MOST_SOURCES, SECRETS, SETTINGS, errors_of, host_of
from web.accounts import quotas
from web.accounts.models import User
from web.builder import files, notify
from web.builder.models import Gpt, GptVersion
from web.builder.models_files import KnowledgeFile
from web.builder.models_sources import KEY_CHARS, Source, SourceCheck, SourceItem
from web.builder.services import add_version
from web.sending import send_task

CLAIM: Final = timedelta(minutes=3)
# Between two looks after a failure, at first and at most; a source that fails so often in a row pauses.
AGAIN: Final = timedelta(minutes=30)
MOST_FAILED: Final = 10
KEPT_CHECKS: Final = 50
SHOWN_CHANGES: Final = 100
CHANGED: Final = "Files of sources changed."


class Lost(Exception):
    """The source was removed or paused, or another worker has it."""


def access(gpt: Gpt, source_id: UUID) -> Source:
    """A source of `gpt`, which comes from `access_draft`. Raises Http404."""
    source = gpt.sources.filter(id=source_id).first()
    if source is None:
        raise Http404("Source not found.")
    source.gpt = gpt
    return source


def save(
    source: Source, given: dict[str, Any], secret: str | None, hours: int, publishes: bool, *, by: User
) -> Source:
    """The source with these settings of `by`, looked at soon. Raises ValidationError by field.

    `secret`: None keeps the one there is, unless the host is another now, or somebody else entered it for other
    settings, with which it would read what they did not mean to show.
    """
    try:
        settings = SETTINGS.validate_python({**given, "kind": source.kind})
    except Invalid as error:
        raise ValidationError(errors_of(error)) from error
    if not LEAST_HOURS <= hours <= MOST_HOURS:
        raise ValidationError(
            {
                "hours": gettext("Enter {least_hours} to {most_hours} hours.").format(
                    least_hours=LEAST_HOURS, most_hours=MOST_HOURS
                )
            }
        )
    moved = bool(source.settings) and host_of(settings) != host_of(source.read_settings())
    if secret is None and source.secret and moved:
        raise ValidationError({"secret": gettext("The address has another host now. Enter this again.")})
    if secret is None and source.secret and source.secret_by != by and settings != source.read_settings():
        text = gettext("Somebody else entered this, for other settings. Enter one of yours.")
        raise ValidationError({"secret": text})
    source.settings = settings.model_dump(mode="json")
    if secret is not None and source.kind in SECRETS:
        source.set_secret(secret, by=by)
    source.hours, source.publishes, source.n_failed, source.next_at = hours, publishes, 0, timezone.now()
    with transaction.atomic():
        Gpt.objects.select_for_update().get(id=source.gpt_id)
        if source._state.adding and source.gpt.sources.count() >= MOST_SOURCES:
            raise ValidationError(
                {"kind": gettext("A GPT can have up to {limit} sources.").format(limit=MOST_SOURCES)}
            )
        source.save()
    send_task("workers.tasks.check_sources", "", queue="tools")
    return source


def check_now(source: Source) -> None:
    """Have it looked at as soon as a worker is free."""
    Source.objects.filter(id=source.id).update(next_at=timezone.now(), n_failed=0)
    send_task("workers.tasks.check_sources", "", queue="tools")


def pause(source: Source) -> None:
    """Look at it no more until somebody asks. A worker that is at it stops."""
    Source.objects.filter(id=source.id).update(next_at=None, claimed_until=None)


def remove(source: Source) -> None:
    """Remove the source and its files from the draft. Published versions keep them until the next one."""
    with transaction.atomic():
        rows = KnowledgeFile.objects.filter(source=source)
        ids = list(rows.values_list("id", flat=True))
        source.delete()  # its files are nobody's then
        for file in KnowledgeFile.objects.filter(id__in=ids, removed=None):
            files.remove_file(file)


def due() -> "QuerySet[Source]":
    """The sources that wait for a look."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    return Source.objects.filter(free, next_at__lte=now, gpt__deleted=None, gpt__owner__is_active=True)


def at_work() -> "QuerySet[Source]":
    """The sources that are looked at."""
    return Source.objects.filter(claimed_until__gte=timezone.now())


def claim(person: int) -> Source | None:
    """The source that is due first of those of the person's GPTs, claimed; None if there is none."""
    while source := due().filter(gpt__owner=person).select_related("gpt").order_by("next_at").first():
        until = timezone.now() + CLAIM
        if due().filter(id=source.id).update(claimed_until=until):
            source.claimed_until = until
            return source
    return None


def still_claimed(source: Source) -> None:
    """Extend the claim. Raises Lost."""
    until = timezone.now() + CLAIM
    mine = Source.objects.filter(id=source.id, claimed_until=source.claimed_until)
    if not mine.update(claimed_until=until):
        raise Lost
    source.claimed_until = until


def begin(source: Source) -> SourceCheck:
    """A look at it. One that a killed worker left open is told as such."""
    source.checks.filter(ended=None).update(ended=timezone.now(), error="It was interrupted, and begun again.")
    return SourceCheck.objects.create(source=source)


def known(source: Source) -> dict[str, str]:
    """The versions of the documents that are in use, by key."""
    return dict(source.items.filter(file__removed=None, file__isnull=False).values_list("key", "version"))


def found(check: SourceCheck, key: str, name: str, version: str, content: bytes | None, error: str) -> None:
    """A document of the source: add its file, replace it, or note that it is as before or cannot be read."""
    source = check.source
    key, version = key[:KEY_CHARS], version[:300]
    row = source.items.select_related("file").filter(digest=SourceItem.digest_of(key)).first()
    item = row or SourceItem(source=source, key=key, digest=SourceItem.digest_of(key))
    if content is None and not error:
        return _count(check, "n_same")
    if error or content is None:
        item.error = error[:300]
        item.save()
        return _count(check, "n_failed", name or key)
    try:
        file, what = _stored(item, name, content)
    except ValidationError as refusal:  # empty, too large, or no room
        item.error = " ".join(refusal.messages)[:300]
        item.save()
        return _count(check, "n_failed", name or key)
    item.file, item.version, item.error = file, version, ""
    item.save()
    return _count(check, what, file.name)


def _stored(item: SourceItem, name: str, content: bytes) -> tuple[KnowledgeFile, str]:
    """The file with this content, and whether that is new. Raises ValidationError."""
    source, old = item.source, item.file if item.file and item.file.removed is None else None
    sha256, size = files.store_bytes([content])
    with transaction.atomic():
        quotas.lock(source.gpt.owner_id)
        gpt = Gpt.objects.select_for_update().get(id=source.gpt_id)
        same = gpt.files.filter(sha256=sha256, removed=None).first()
        if same is not None:  # as before, or as another document
            if old is not None and old.id != same.id:
                _drop(old)
            return same, "n_same" if old is not None and old.id == same.id else "n_changed"
        if KnowledgeFile.objects.filter(source=source, removed=None).count() >= 2 * MOST_FILES:
            raise ValidationError(gettext("A source can have up to {limit} files.").format(limit=MOST_FILES))
        file = files.created_by_source(source, name, sha256, size, old)
        return file, "n_changed" if old is not None else "n_added"


def _drop(file: KnowledgeFile) -> None:
    """Remove the file of a document, unless another document is the same."""
    if SourceItem.objects.filter(file=file).count() <= 1:
        files.remove_file(file)


def _count(check: SourceCheck, what: str, name: str = "") -> None:
    setattr(check, what, getattr(check, what) + 1)
    if name and len(check.changes) < SHOWN_CHANGES and what != "n_same":
        check.changes.append([what.removeprefix("n_"), name[:200]])
    check.save()


def finish(check: SourceCheck, seen: set[str]) -> None:
    """All documents were told: remove the files of those that are gone, and plan the next look."""
    source = check.source
    digests = {SourceItem.digest_of(key[:KEY_CHARS]) for key in seen}
    for item in source.items.select_related("file"):
        if item.digest in digests:
            continue
        with transaction.atomic():
            if item.file is not None and item.file.removed is None:
                _drop(item.file)
                _count(check, "n_removed", item.file.name)
            item.delete()
    _end(check, "", timezone.now() + timedelta(hours=source.hours), n_failed=0)
    publish_files(source.gpt)


def failed(check: SourceCheck, error: str) -> None:
    """The source itself could not be read: its files stay, and it is tried again, later each time."""
    source = check.source
    n_failed = source.n_failed + 1
    wait = min(AGAIN * 2 ** min(n_failed - 1, 10), timedelta(hours=max(source.hours, 24)))
    _end(check, error[:500], None if n_failed >= MOST_FAILED else timezone.now() + wait, n_failed)
    notify.of_gpt(source.gpt, "source.failed", source=str(source.pk), n_failed=n_failed)


def _end(check: SourceCheck, error: str, next_at: Any, n_failed: int) -> None:
    check.ended, check.error = timezone.now(), error
    check.save()
    mine = Source.objects.filter(id=check.source_id, claimed_until=check.source.claimed_until)
    mine.update(claimed_until=None, next_at=next_at, n_failed=n_failed)
    old = check.source.checks.values_list("id", flat=True)[KEPT_CHECKS:]
    SourceCheck.objects.filter(id__in=list(old)).delete()


def publish_files(gpt: Gpt) -> GptVersion | None:
    """A new live version that differs in the files of sources only, once all of these are read; else None.

    Whatever else the creator has changed in the draft stays there.
    """
    busy = gpt.sources.filter(claimed_until__gt=timezone.now())
    of_sources = KnowledgeFile.objects.filter(gpt=gpt, source__publishes=True)
    if busy.exists() or of_sources.filter(removed=None).exclude(status__in=KnowledgeFile.SETTLED).exists():
        return None
    with transaction.atomic():
        now = Gpt.objects.select_for_update().select_related("published").get(id=gpt.id)
        if now.published is None or now.deleted:
            return None
        spec = now.published.spec()
        knowledge = _with_sources(spec, now)
        if knowledge == spec.knowledge:
            return None
        data = spec.model_copy(update={"knowledge": knowledge}).model_dump(mode="json")
        now.published = add_version(now, data, note=CHANGED)
        now.save(update_fields=["published"])
        notify.of_gpt(now, "gpt.published", version=now.published.number)
        return now.published


def _with_sources(spec: GptSpec, gpt: Gpt) -> tuple[KnowledgeRef, ...]:
    """The live version's files, with those of sources as they are now."""
    ever = {str(id) for id in KnowledgeFile.objects.filter(gpt=gpt, from_source=True).values_list("id", flat=True)}
    by_hand = [ref for ref in spec.knowledge if ref.file_id not in ever]
    waiting = {str(id) for id in gpt.files.filter(source__publishes=False).values_list("id", flat=True)}
    live = [ref for ref in spec.knowledge if ref.file_id in waiting]
    ready = gpt.files.filter(source__publishes=True, removed=None).exclude(segment="")
    refs = {ref.file_id: ref for ref in (*by_hand, *live, *(file.ref() for file in ready))}
    # In the order of the draft, which would otherwise look changed.
    order = gpt.files.filter(id__in=refs).order_by("created", "id").values_list("id", flat=True)
    return tuple(refs[str(id)] for id in order)
