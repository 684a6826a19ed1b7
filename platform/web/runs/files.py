"""Files of a conversation: attached by people or made by tools. The file store keeps their bytes by content.

Workers read an attached file like a knowledge file (workers/indexing/), and only then can it be sent: no run starts
with a file that is half read.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext

from gpts.runs.steps import FileRef
from gpts.safety.labels import Label, join, untrusted
from gpts.spec.capabilities import file_openers
from gpts.spec.gpt import GptSpec, KnowledgeRef
from web.accounts import quotas
from web.accounts.models import User
from web.builder.access import may_have_files
from web.builder.files import cancel_reading, clean_name, copy_reading, queue_indexing, store_bytes
from web.builder.models import Gpt
from web.builder.models_files import KnowledgeFile, content_path
from web.operate.services import model_sees
from web.runs import stream
from web.runs.errors import Refused, StillReading, TooManyFiles, over_quota
from web.runs.models import Conversation, ConversationFile, ConversationFileQuerySet, Run, StepRow
from web.runs.models_chats import Project
from web.worker_texts import said

Status = ConversationFile.Status

# Shown in pages; everything else is a download.
PICTURES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
# How long an attached file is kept until its message is sent.
KEEP_UNSENT: Final = timedelta(days=1)
# For how many full messages a person may have unsent files, which workers read and which take up space.
UNSENT_MESSAGES: Final = 10
MAX_UPLOADS: Final = 10_000
# The purposes of uploads that are for messages: read at once, and no larger than an attachment.
FOR_MESSAGES: Final = ("user_data", "vision")
# What a copy of a file has of it.
_PASSED_ON: Final = (
    *("owner_id", "mime", "size", "untrusted", "label", "status", "error", "segment"),
    *("n_tokens", "n_pages", "n_chunks", "unit", "language", "notices"),
)


def attach(user: User, name: str, chunks: Iterable[bytes], project: Project | None = None) -> ConversationFile:
    """The stored file, queued for reading unless its content was read for this person before.

    It is for a message, or for all chats of `project`.

    Raises Refused if it is empty or too large, TooManyFiles, and OverQuota.
    """
    if project is None and _unsent(user).filter(purpose="").count() >= UNSENT_MESSAGES * settings.MAX_ATTACHMENTS:
        raise TooManyFiles
    return _stored(user, name, chunks, is_wanted=True, project=project)


def upload(
    user: User, name: str, chunks: Iterable[bytes], purpose: str, lasts: timedelta | None = None
) -> ConversationFile:
    """The stored file, kept until it is removed or for as long as it `lasts`.

    One FOR_MESSAGES is queued for reading. Raises Refused and OverQuota.
    """
    if _unsent(user).uploads().count() >= MAX_UPLOADS:
        raise Refused(gettext("You have {max_uploads} files. Delete some first.").format(max_uploads=MAX_UPLOADS))
    expires = timezone.now() + lasts if lasts else None
    return _stored(user, name, chunks, purpose in FOR_MESSAGES, purpose=purpose, expires=expires)


def _stored(user: User, name: str, chunks: Iterable[bytes], is_wanted: bool, **facts: Any) -> ConversationFile:
    """The stored file; it is read if that `is_wanted`."""
    try:
        sha256, size = store_bytes(chunks, settings.MAX_ATTACHMENT_BYTES if is_wanted else settings.MAX_FILE_BYTES)
    except ValidationError as error:
        raise Refused(error.messages[0]) from error
    status = Status.RECEIVED if is_wanted else Status.CANCELLED
    file = ConversationFile(owner=user, name=_name_of(name), sha256=sha256, size=size, status=status, **facts)
    file.mime = mime_of(file.path)
    own = ConversationFile.objects.filter(owner=user, sha256=sha256, status=Status.READY)
    known = own.exclude(segment="").first()
    is_read = not is_wanted or (known is not None and copy_reading(file, known))
    with transaction.atomic():
        quotas.lock(user.id)
        with over_quota():
            quotas.check_storage(user.id, size)
        file.save()
        if not is_read:
            queue_indexing(file)
    return file


def remove(user: User, file_id: UUID) -> None:
    """Remove a file of `user` that was not sent; a worker that is reading it stops. Raises Http404."""
    unsent = _unsent(user).filter(id=file_id)
    cancel_reading(unsent)
    if not unsent.update(removed=timezone.now()):
        raise Http404(gettext("File not found, or it was already sent."))


def read_uploads(user: User, ids: Collection[UUID]) -> None:
    """Queue those of these uploads that no worker has read yet. Raises Refused if one is too large for that."""
    unread = ConversationFile.objects.visible_to(user).uploads().filter(id__in=ids, status=Status.CANCELLED)
    for file in unread:
        if file.size > settings.MAX_ATTACHMENT_BYTES:
            most = settings.MAX_ATTACHMENT_BYTES // 1024**2
            raise Refused(
                gettext("“{name}” is too large for a message: up to {most} MB fit.").format(name=file.name, most=most)
            )
        if unread.filter(id=file.id).update(status=Status.RECEIVED, woken=timezone.now()):
            queue_indexing(file)


def _unsent(user: User) -> "ConversationFileQuerySet":
    return ConversationFile.objects.filter(owner=user, conversation=None, project=None, removed=None)


def claim(conversation: Conversation, ids: Sequence[UUID], spec: GptSpec) -> tuple[FileRef, ...]:
    """The files with these ids, now part of the conversation. `spec` is the GPT that answers.

    Raises StillReading, and Refused for anyone else's files, and for those that neither can be read nor opened by the
    GPT.
    """
    if len(ids) > settings.MAX_ATTACHMENTS:
        raise Refused(
            gettext("Too many: {n} of {max_attachments} files.").format(
                n=len(ids), max_attachments=settings.MAX_ATTACHMENTS
            )
        )
    if not ids:
        return ()
    own = ConversationFile.objects.kept().filter(
        owner=conversation.owner_id, id__in=ids, run=None, project=None, purpose=""
    )
    found = {file.id: file for file in own if file.conversation_id in (None, conversation.id)}
    if len(found) != len(set(ids)):
        raise Refused(gettext("An attached file was removed or sent in another chat. Attach it again, then send."))
    for file in found.values():
        if file.reading == "reading":
            raise StillReading(
                gettext("“{name}” is still being read. Send again in a moment.").format(name=file.name)
            )
        is_seen = file.mime in PICTURES and file.reading == "ready" and model_sees(spec.model.engine)
        if not (file.segment or is_seen or openers(spec)):
            raise Refused(
                gettext("“{name}” can’t be read. {send}").format(
                    name=file.name, send=said(file.error) or gettext("Attach it again, then send.")
                )
            )
    ConversationFile.objects.filter(id__in=found).update(conversation=conversation)
    return tuple(found[id].ref() for id in dict.fromkeys(ids))


def openers(spec: GptSpec) -> tuple[str, ...]:
    """The titles of what opens attached files itself in the GPT, of what this site has."""
    missing = stream.missing_capabilities()
    capabilities = tuple(key for key in spec.capabilities if key not in missing)
    return file_openers(spec.model_copy(update={"capabilities": capabilities}))


def point_steps_at(file: ConversationFile) -> None:
    """Give the messages with this file its present segment, after it was read again.

    What people sent is immutable in a log; the segment of a file is only derived from it.
    """
    file.refresh_from_db(fields=["segment", "n_tokens"])
    sent = StepRow.objects.filter(run__message__conversation=file.conversation_id, kind="user_message")
    for row in sent:
        refs = (*row.data["attachments"], *row.data.get("project_files", ()))
        own = [ref for ref in refs if ref["id"] == str(file.id) and ref.get("segment") != file.segment]
        for ref in own:
            ref |= {"segment": file.segment, "n_tokens": file.n_tokens}
        if own:
            row.save(update_fields=["data"])


def keep(run: Run, name: str, data: bytes, untrusted: bool) -> FileRef:
    """`data` as a file in the run's conversation, made by one of its tools."""
    sha256, size = store_bytes([data])
    file, _ = ConversationFile.objects.get_or_create(
        run=run,
        sha256=sha256,
        name=_name_of(name),
        defaults={
            "owner_id": run.owner_id,
            "conversation_id": run.message.conversation_id,
            "mime": mime_of(content_path(sha256)),
            "size": size,
            "untrusted": untrusted,
        },
    )
    return file.ref()


def keep_label(refs: Iterable[FileRef], label: Label) -> None:
    """Give the files that a call made the label of its result."""
    if ids := [ref.id for ref in refs if ref.id]:
        ConversationFile.objects.filter(id__in=ids).update(label=label.model_dump(mode="json"))


def label_of_lost(
    conversation: Conversation, reader: Gpt, shown: Callable[[], Collection[UUID]], present: Iterable[FileRef] = ()
) -> Label:
    """The label for `reader` of the files that came with runs other than `shown()`: of failed or replaced turns.

    No log that the next turn reads has their labels, but its tools can open them. `present` are those of its message.
    Most conversations have none.
    """
    kept = list(conversation.files.kept().select_related("run__version__gpt"))
    runs = shown() if kept else ()
    made = [(file, file.run) for file in kept if file.run and file.run_id not in runs]
    labels = [label for file, run in made for label in (_label_of(file), run.author_label(reader))]
    if attached := [file for file in kept if file.run is None]:
        known = {*(ref.id for ref in present), *_sent_with(runs)}
        labels += [_label_of(file) for file in attached if str(file.id) not in known]
    return join(labels)


def _sent_with(runs: Collection[UUID]) -> Iterator[str]:
    """The ids of the files that the messages of these runs came with."""
    for step in StepRow.objects.filter(run__in=runs, kind="user_message").values_list("data", flat=True):
        yield from (ref["id"] for ref in (*step.get("attachments", ()), *step.get("project_files", ())))


def _label_of(file: ConversationFile) -> Label:
    if file.label is None:
        return untrusted(f"the file {file.name}", private=(f"the file {file.name}",))
    return Label.model_validate(file.label)


def pass_on(refs: Iterable[FileRef], conversation: Conversation, run: Run | None = None) -> tuple[FileRef, ...]:
    """Copies of the files in another conversation of their owner: attached there, or made in its `run`.

    Files that have since been deleted are left out.
    """
    ids = [ref.id for ref in refs if ref.id]
    passed = []
    for file in ConversationFile.objects.filter(id__in=ids, owner=conversation.owner_id):
        same = {"conversation": conversation, "run": run, "sha256": file.sha256, "name": file.name}
        facts = {field: getattr(file, field) for field in _PASSED_ON}
        passed.append(ConversationFile.objects.get_or_create(**same, defaults=facts)[0].ref())
    return tuple(passed)


def within(conversation: Conversation, ids: Sequence[UUID]) -> list[UUID]:
    """The files with these ids in the conversation: of uploads and of those sent elsewhere by its owner, copies.

    An id that is none of these is left as it is, for `claim` to refuse.
    """
    if not ids:
        return []
    owner, here = conversation.owner, Q(conversation=conversation)
    others = ConversationFile.objects.visible_to(owner).filter(id__in=ids).exclude(here)
    elsewhere = set(others.exclude(conversation=None, purpose="").values_list("id", flat=True))
    copied = {id: pass_on([FileRef(id=str(id), name="")], conversation) for id in elsewhere}
    return [UUID(copied[id][0].id) if copied.get(id) else id for id in ids]


def access_file(user: Any, file_id: UUID) -> ConversationFile:
    """A file of `user`'s own: the only way to fetch one on a person's behalf. Raises Http404."""
    file = ConversationFile.objects.visible_to(user).filter(id=file_id).first()
    if file is None or not file.path.is_file():
        raise Http404(gettext("File not found."))
    return file


def readable(run: Run) -> list[tuple[str, Path, bool, KnowledgeRef]]:
    """Name, path, whether strangers may have written it, and text of every file that the run's tools may read.

    These are all files of the conversation so far, and the GPT's knowledge if the person may download it, since they
    may have code print it; of two with the same name, the newer one.
    """
    spec, conversation = run.version.spec(), run.message.conversation
    own = spec.knowledge if may_have_files(run.owner, run.version.gpt) else ()
    known = KnowledgeFile.objects.filter(id__in=[ref.file_id for ref in own])
    refs = {ref.file_id: ref for ref in own}
    files = {file.name: (file.name, file.path, True, refs[str(file.id)]) for file in known}
    for file in conversation.files.order_by("created"):
        files[file.name] = (file.name, file.path, file.untrusted, file.ref().as_knowledge())
    return [entry for entry in files.values() if entry[1].is_file()]


def forgotten() -> "QuerySet[ConversationFile]":
    """The files that nobody can open any more: never sent, removed, expired, or of a deleted conversation."""
    now = timezone.now()
    is_unsent = Q(conversation=None, project=None, purpose="", created__lt=now - KEEP_UNSENT)
    is_gone = Q(removed__isnull=False) | Q(conversation__deleted__isnull=False) | Q(expires__lt=now)
    return ConversationFile.objects.filter(is_unsent | is_gone)


def _name_of(name: str) -> str:
    return clean_name(name, 120).strip() or "file"


def mime_of(path: Path) -> str:
    """The file's type from its first bytes: an image type that browsers show, else application/octet-stream."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if head[:6] in (b"GIF87a", b"GIF89a") else "application/octet-stream"
