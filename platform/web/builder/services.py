"""Every write about GPTs: the draft, its files, versions, sharing. Views and the API call these and nothing else."""

import hashlib
import secrets
import tempfile
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.http import Http404
from django.utils import timezone
from django.utils.text import slugify

from gpts.spec import GptSpec
from web.accounts.models import User
from web.builder.models import Gpt, GptVersion, KnowledgeFile, LinkGrant, Sharing
from web.sending import send_task

# How long a message about a file may be under way before the beat sends another.
INDEXING_WAKE = timedelta(seconds=60)
# Slugs that would read like addresses of the site's own.
RESERVED_SLUGS = {"new", "mine", "edit"}


def access_gpt(user: Any, slug: str) -> Gpt:
    """The GPT that `user` may chat with: the only way one is fetched on a person's behalf. Raises Http404."""
    gpt = Gpt.objects.chattable_by(user).select_related("published", "owner").filter(slug=slug).first()
    if gpt is None:
        raise Http404(f"There is no GPT “{slug}” that you may use.")
    return gpt


def access_own_gpt(user: Any, slug: str) -> Gpt:
    """The GPT that `user` may edit. Raises Http404 for any other."""
    gpt = Gpt.objects.editable_by(user).select_related("published", "owner").filter(slug=slug).first()
    if gpt is None:
        raise Http404(f"There is no GPT “{slug}” that you may edit.")
    return gpt


def free_slug(name: str) -> str:
    """A slug for `name` that no GPT has, deleted ones included."""
    base = slugify(name)[:60] or "gpt"
    taken = set(Gpt.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED_SLUGS
    return next(slug for n in range(len(taken) + 1) if (slug := f"{base}-{n + 1}" if n else base) not in taken)


def create_gpt(owner: User, fields: dict[str, Any]) -> Gpt:
    """A saved draft that only its owner sees. `fields` are model fields. Raises ValidationError by field."""
    for _ in range(5):  # another request may take the slug between look and insert
        gpt = Gpt(owner=owner, slug=free_slug(fields.get("name", "")), **fields)
        gpt.full_clean(exclude=["slug"], validate_unique=False)
        try:
            with transaction.atomic():
                gpt.save()
        except IntegrityError:
            continue
        return gpt
    raise ValidationError({"name": "Many GPTs of this name are being made right now; try again."})


def update_gpt(gpt: Gpt, fields: dict[str, Any]) -> Gpt:
    """The draft with `fields` changed and saved; versions stay as they are. Raises ValidationError by field."""
    for name, value in fields.items():
        setattr(gpt, name, value)
    gpt.full_clean(validate_unique=False)
    gpt.save(update_fields=[*fields, "changed"])  # the rest may have changed meanwhile, by a worker that published
    return gpt


def publish(gpt: Gpt, sharing: str | None = None) -> GptVersion:
    """A new immutable version of the draft, now the one that people get. Running conversations keep theirs.

    Raises ValidationError when files are still being indexed or have failed, so that none is left out silently.
    """
    unready = gpt.files.filter(removed=None).exclude(status=KnowledgeFile.Status.READY)
    if names := ", ".join(unready.values_list("name", flat=True)[:3]):
        raise ValidationError({"files": f"Not ready yet: {names}. Wait for it, or remove it, then publish."})
    with transaction.atomic():
        locked = Gpt.objects.select_for_update().get(id=gpt.id)
        number = (locked.versions.aggregate(n=Max("number"))["n"] or 0) + 1
        version = GptVersion.objects.create(gpt=gpt, number=number, data=gpt.draft_spec().model_dump(mode="json"))
        gpt.published = version
        gpt.publish_when_ready = False
        gpt.save(update_fields=["published", "publish_when_ready", "changed"])
        set_sharing(gpt, sharing or gpt.sharing)
    return version


def publish_when_ready(gpt: Gpt) -> GptVersion | None:
    """Publish now if every file is ready, else when the last one is. The new version, or None while that waits."""
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=True)
    return publish_if_awaited(gpt)


def cancel_publishing(gpt: Gpt) -> None:
    """Leave the draft a draft also when its files get ready."""
    Gpt.objects.filter(id=gpt.id).update(publish_when_ready=False)


def publish_if_awaited(gpt: Gpt) -> GptVersion | None:
    """The new version if publishing was waiting for files that are all ready now; else None.

    Two workers may finish files at once: the conditional update lets one of them publish. A file added in between
    makes publish() refuse, which undoes the claim; that file's own end comes here again.
    """
    try:
        with transaction.atomic():
            waiting = Gpt.objects.filter(id=gpt.id, publish_when_ready=True, deleted=None)
            return publish(Gpt.objects.get(id=gpt.id)) if waiting.update(publish_when_ready=False) else None
    except ValidationError:
        return None


def file_became_ready(file: KnowledgeFile) -> None:
    """Publish the file's GPT if that waited for it. Indexing calls this after it marked the file ready."""
    publish_if_awaited(file.gpt)


def set_sharing(gpt: Gpt, sharing: str) -> Gpt:
    """Change who may chat with `gpt`. Leaving "link" forgets the secret and everyone who came by it."""
    gpt.sharing = sharing
    if sharing == Sharing.LINK:
        gpt.link_secret = gpt.link_secret or secrets.token_urlsafe(24)
    else:
        gpt.link_secret = ""
        LinkGrant.objects.filter(gpt=gpt).delete()
    gpt.full_clean(validate_unique=False)
    gpt.save(update_fields=["sharing", "link_secret", "changed"])
    return gpt


def rotate_link(gpt: Gpt) -> Gpt:
    """A new secret link; the old one leads nowhere, and who came by it needs the new one."""
    set_sharing(gpt, Sharing.ME)
    return set_sharing(gpt, Sharing.LINK)


def open_link(user: User, secret: str) -> Gpt:
    """The GPT behind a secret link, which `user` may chat with from now on. Raises Http404."""
    gpt = Gpt.objects.filter(link_secret=secret, sharing=Sharing.LINK, deleted=None, published__isnull=False).first()
    if not secret or gpt is None:
        raise Http404("This link leads nowhere: its GPT is gone or no longer shared by link.")
    LinkGrant.objects.get_or_create(gpt=gpt, user=user)
    return gpt


def restore_version(gpt: Gpt, number: int) -> Gpt:
    """The draft with the fields and files of published version `number`. Raises Http404 when there is none."""
    version = gpt.versions.filter(number=number).first()
    if version is None:
        raise Http404(f"{gpt.name} has no version {number}.")
    spec = version.spec()
    kept = [ref.file_id for ref in spec.knowledge]
    with transaction.atomic():
        gpt.files.filter(removed=None).exclude(id__in=kept).update(removed=timezone.now())
        gpt.files.filter(id__in=kept).update(removed=None)
        return update_gpt(gpt, _draft_fields(spec))


def _draft_fields(spec: GptSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "description": spec.description,
        "instructions": spec.instructions,
        "starters": list(spec.starters),
        "only_from_knowledge": spec.only_from_knowledge,
        "temperature": spec.model.temperature,
        "max_tokens": spec.model.max_tokens,
    }


def delete_gpt(gpt: Gpt) -> None:
    """Hide `gpt` from everyone. Its conversations stay readable for those who had them."""
    gpt.deleted = timezone.now()
    gpt.save(update_fields=["deleted", "changed"])


def preview_version(gpt: Gpt) -> GptVersion:
    """An unnumbered snapshot of the draft for preview chats; an unchanged draft re-uses the last one."""
    data = gpt.draft_spec().model_dump(mode="json")
    last = gpt.versions.filter(number=None).first()
    return last if last and last.data == data else GptVersion.objects.create(gpt=gpt, data=data)


def add_file(gpt: Gpt, name: str, chunks: Iterable[bytes]) -> KnowledgeFile:
    """The row of an uploaded file, stored by content and queued for indexing.

    The same content already in this GPT gives its existing row. Raises ValidationError for empty or oversized files
    and for one file too many; nothing is kept then.
    """
    if gpt.files.filter(removed=None).count() >= settings.MAX_FILES_PER_GPT:
        raise ValidationError(f"A GPT can hold {settings.MAX_FILES_PER_GPT} files. Remove one first.")
    sha256, size = store_bytes(chunks)
    name = Path(name.replace("\\", "/")).name[:255] or "file"
    row = gpt.files.filter(sha256=sha256, removed=None).first()
    if row is None:
        try:
            with transaction.atomic():
                row = KnowledgeFile.objects.create(gpt=gpt, name=name, sha256=sha256, size=size)
        except IntegrityError:  # the same file arrived twice at once
            return gpt.files.get(sha256=sha256, removed=None)
        queue_indexing(row)
    return row


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
                    raise ValidationError(f"The file is larger than {limit} MB, the limit here.")
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
    """Send the file to a tools worker once the transaction commits; a lost message is re-sent by the beat."""
    transaction.on_commit(lambda: send_task("workers.tasks.index_file", str(file.id), queue="tools"))


def take_stalled_files(limit: int = 50) -> list[KnowledgeFile]:
    """Files that nobody indexes though they are due: their worker died or the message was lost."""
    now = timezone.now()
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lt=now)
    due = KnowledgeFile.objects.filter(unclaimed, removed=None, woken__lt=now - INDEXING_WAKE)
    due = due.exclude(status__in=KnowledgeFile.SETTLED)
    return [file for file in due.order_by("created")[:limit] if due.filter(id=file.id).update(woken=now)]


def retry_file(file: KnowledgeFile) -> None:
    """Index a failed file once more."""
    failed = KnowledgeFile.objects.filter(id=file.id, status=KnowledgeFile.Status.FAILED)
    if failed.update(
        status=KnowledgeFile.Status.RECEIVED, error="", claimed_until=None, woken=timezone.now(), n_done=0
    ):
        queue_indexing(file)


def remove_file(file: KnowledgeFile) -> None:
    """Take the file out of the draft at once; a worker indexing it stops, published versions keep it."""
    KnowledgeFile.objects.filter(id=file.id).update(removed=timezone.now())
    publish_if_awaited(file.gpt)
