"""Files of a conversation: attached by people or made by tools. The file store keeps their bytes by content."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils import timezone

from gpts.runs.steps import FileRef
from web.accounts.models import User
from web.builder.files import clean_name, store_bytes
from web.builder.models import KnowledgeFile
from web.runs.errors import Refused
from web.runs.models import Conversation, ConversationFile, Run

# Shown in pages; everything else is a download.
PICTURES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
# How long an attached file is kept until its message is sent.
KEEP_UNSENT: Final = timedelta(days=1)


def attach(user: User, name: str, chunks: Iterable[bytes]) -> ConversationFile:
    """The stored file, ready for a message of `user`. Raises Refused if it is empty or too large."""
    try:
        sha256, size = store_bytes(chunks, settings.MAX_ATTACHMENT_BYTES)
    except ValidationError as error:
        raise Refused(error.messages[0]) from error
    return ConversationFile.objects.create(
        owner=user, name=_name_of(name), mime=mime_of(_path(sha256)), sha256=sha256, size=size, untrusted=True
    )


def claim(conversation: Conversation, ids: Sequence[UUID]) -> tuple[FileRef, ...]:
    """The files with these ids, now part of the conversation. Raises Refused for anyone else's."""
    if len(ids) > settings.MAX_ATTACHMENTS:
        raise Refused(f"Too many: {len(ids)} of {settings.MAX_ATTACHMENTS} files.")
    own = ConversationFile.objects.filter(owner=conversation.owner_id, id__in=ids, run=None)
    found = {file.id: file for file in own if file.conversation_id in (None, conversation.id)}
    if len(found) != len(set(ids)):
        raise Refused("An attached file is no longer available. Attach it again, then send.")
    own.update(conversation=conversation)
    return tuple(found[id].ref() for id in dict.fromkeys(ids))


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
            "mime": mime_of(_path(sha256)),
            "size": size,
            "untrusted": untrusted,
        },
    )
    return file.ref()


def pass_on(refs: Iterable[FileRef], conversation: Conversation, run: Run | None = None) -> tuple[FileRef, ...]:
    """Copies of the files in another conversation of their owner: attached there, or made in its `run`.

    Files that have since been deleted are left out.
    """
    ids = [ref.id for ref in refs if ref.id]
    passed = []
    for file in ConversationFile.objects.filter(id__in=ids, owner=conversation.owner_id):
        facts = {"owner_id": file.owner_id, "mime": file.mime, "size": file.size, "untrusted": file.untrusted}
        same = {"conversation": conversation, "run": run, "sha256": file.sha256, "name": file.name}
        passed.append(ConversationFile.objects.get_or_create(**same, defaults=facts)[0].ref())
    return tuple(passed)


def access_file(user: Any, file_id: UUID) -> ConversationFile:
    """A file of `user`'s own: the only way to fetch one on a person's behalf. Raises Http404."""
    file = ConversationFile.objects.visible_to(user).filter(id=file_id).first()
    if file is None or not path_of(file).is_file():
        raise Http404("File not found.")
    return file


def readable(run: Run) -> list[tuple[str, Path, bool]]:
    """Name, path and whether strangers may have written it, for every file that the run's tools may read.

    These are the GPT's knowledge and all files of the conversation so far; of two with the same name, the newer one.
    """
    spec, conversation = run.version.spec(), run.message.conversation
    known = KnowledgeFile.objects.filter(id__in=[ref.file_id for ref in spec.knowledge])
    files = {file.name: (file.name, Path(file.path), True) for file in known}
    for file in conversation.files.order_by("created"):
        files[file.name] = (file.name, path_of(file), file.untrusted)
    return [entry for entry in files.values() if entry[1].is_file()]


def forget_unsent() -> int:
    """Delete the rows of files that were never sent; how many."""
    old = ConversationFile.objects.filter(conversation=None, created__lt=timezone.now() - KEEP_UNSENT)
    return old.delete()[0]


def path_of(file: ConversationFile) -> Path:
    """The path of the file's bytes."""
    return _path(file.sha256)


def _path(sha256: str) -> Path:
    return Path(settings.GUILDHALL_HOME) / "files" / sha256


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
