"""Stores chats of other systems as a person's own, updates them, and takes them back.

Nothing in an export is trusted: its texts are labelled as another author's, the person's too, since anybody may have
written them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from gpts.portable.chats import Branches, Chat, branches_of
from gpts.portable.recognising import read_chat
from gpts.runs.steps import Cancelled, FileRef, Finished, UserMessage
from gpts.safety.labels import untrusted
from web.accounts import quotas
from web.accounts.models import User
from web.builder import services as builder
from web.builder.models import Gpt, GptVersion
from web.builder.models_access import Sharing
from web.languages import language_for
from web.runs import copies, deletion
from web.runs.errors import Refused
from web.runs.imported_pictures import PictureArchive
from web.runs.models import Conversation, Message, Run, StepRow
from web.runs.models_imports import ChatImport, ImportedChat
from web.runs.titles import shorten

AUTHOR: Final = "an imported chat"
# What one import may store; importing the same file again stores the next part.
MAX_CHATS: Final = 20_000
MAX_MESSAGES: Final = 500_000
MAX_TEXT_BYTES: Final = 1_000_000_000
_TOO_MUCH: Final = gettext_noop("There is more in this file than one import takes.")
_BATCH: Final = 200


class ChatStorage:
    """Stores the chats of one import, up to its limits, with the `pictures` that its archive holds."""

    def __init__(self, row: ChatImport) -> None:
        self.pictures = PictureArchive()
        self._row, self._gpts = row, dict[str, Gpt]()
        self._chats, self._rows, self._bytes = MAX_CHATS, MAX_MESSAGES, MAX_TEXT_BYTES

    def take(self, item: Any) -> dict[str, int]:
        """What became of an item of the export, as counts. Raises ValidationError if it does not fit."""
        chat = read_chat(item)
        branches = branches_of(chat) if chat else Branches()
        if chat is None or not branches.answers:
            return {"n_unreadable": 1}
        user = self._row.owner
        digest = hashlib.sha256(repr(chat).encode(errors="replace")).hexdigest()
        key: dict[str, Any] = {"owner": user, "source": chat.source, "source_id": (chat.id or digest)[:100]}
        pictures = [self.pictures.known(each.pictures) for each in branches.messages]
        n_bytes = _stored_bytes(branches)
        with transaction.atomic():
            quotas.lock(user.id)
            same = ImportedChat.objects.select_for_update(of=("self",)).filter(**key, conversation__deleted=None)
            known = same.select_related("conversation__gpt").first()
            is_moved = known is not None and self._moved(known)
            if known and (unchanged := _unchanged(known, digest, any(pictures))):
                return {"n_updated" if is_moved else unchanged: 1}
            quotas.check_storage(user.id, n_bytes - (known.conversation.n_bytes if known else 0))
            self._count(len(branches.messages) + len(branches.answers), n_bytes)
            facts: dict[str, Any] = {"digest": digest, "n_answers": len(branches.answers)}
            if known:
                conversation = _emptied(known.conversation, n_bytes)
            else:
                conversation = _new(user, chat, self._gpt_for(chat.source), n_bytes)
                facts |= {"conversation": conversation, "chat_import": self._row}
            attached = [self.pictures.keep(conversation, ids) for ids in pictures]
            _write(conversation, chat, branches, attached)
            ImportedChat.objects.update_or_create(**key, defaults=facts)
        n_left_out = max(0, chat.n_left_out - sum(map(len, attached)))
        return {"n_updated" if known else "n_new": 1, "n_left_out": n_left_out}

    def _count(self, n_rows: int, n_bytes: int) -> None:
        """Count a chat. Raises ValidationError if it is one too many."""
        self._chats, self._rows, self._bytes = self._chats - 1, self._rows - n_rows, self._bytes - n_bytes
        if min(self._chats, self._rows, self._bytes) < 0:
            raise ValidationError(_TOO_MUCH)

    def _moved(self, known: ImportedChat) -> bool:
        """Whether the chat now belongs to another GPT, because its own was deleted: nobody could continue it."""
        conversation, deleted = known.conversation, known.conversation.gpt
        if not deleted.deleted:
            return False
        conversation.gpt = self._gpt_for(known.source)
        conversation.version = _live(conversation.gpt)
        conversation.save(update_fields=["gpt", "version"])
        runs = Run.objects.filter(message__conversation=conversation, version__gpt=deleted)
        runs.update(version=conversation.version)
        return True

    def _gpt_for(self, source: str) -> Gpt:
        if source not in self._gpts:
            self._gpts[source] = _gpt_for(self._row.owner, source)
        return self._gpts[source]


def not_continued(chats: "QuerySet[ImportedChat]") -> "QuerySet[ImportedChat]":
    """Those in which nothing was written since their import."""
    return chats.annotate(n_now=Count("conversation__messages__runs")).filter(n_now=F("n_answers"))


def is_as_imported(conversation: Conversation | None) -> bool:
    """Whether the conversation came from another system, and nothing was written in it since."""
    known = ImportedChat.objects.filter(conversation=conversation.pk) if conversation else ImportedChat.objects.none()
    return not_continued(known).exists()


def undo(row: ChatImport) -> tuple[int, int]:
    """Delete the import with the chats that it brought, but not those that were continued; how many of each.

    A GPT that an import made, and that was never changed, goes with its last chat. Raises Refused.
    """
    if row.status in ChatImport.OPEN:
        raise Refused(gettext("Wait until the import is done."))
    with transaction.atomic():
        quotas.lock(row.owner_id)
        brought = row.chats.filter(conversation__deleted=None)
        ids = list(not_continued(brought).values_list("conversation", flat=True))
        n_kept = brought.count() - len(ids)
        deletion.delete_idle(ids)
        untouched = Gpt.objects.filter(owner=row.owner, deleted=None, sharing=Sharing.ME, revision=0, imported={})
        for gpt in untouched.filter(conversations__in=ids).exclude(conversations__deleted=None).distinct():
            builder.delete_gpt(gpt)
        row.delete()
    return len(ids), n_kept


def _stored_bytes(branches: Branches) -> int:
    """What the chat takes in the database: each answer's log repeats its message."""
    messages = [len(each.text.encode(errors="replace")) for each in branches.messages]
    answers = sum(len(each.text.encode(errors="replace")) + messages[each.message] for each in branches.answers)
    return sum(messages) + answers + copies.ROW_BYTES * (len(messages) + 3 * len(branches.answers))


def _unchanged(known: ImportedChat, digest: str, has_pictures: bool) -> str:
    """As what a chat counts that was imported before and stays as it is; empty if it changed there, but not here.

    It also changed if its pictures come for the first time.
    """
    if known.digest == digest and not (has_pictures and not known.conversation.files.kept().exists()):
        return "n_known"
    return "" if not_continued(ImportedChat.objects.filter(id=known.id)).exists() else "n_kept"


def _emptied(conversation: Conversation, n_bytes: int) -> Conversation:
    """The conversation without what was imported before, of which a worker deletes the files."""
    conversation.shown, conversation.n_bytes = None, n_bytes
    conversation.save(update_fields=["shown", "n_bytes"])
    conversation.messages.all().delete()
    conversation.files.update(removed=timezone.now())
    return conversation


def _new(user: User, chat: Chat, gpt: Gpt, n_bytes: int) -> Conversation:
    facts = {"archived": timezone.now() if chat.archived else None, "n_bytes": n_bytes}
    return Conversation.objects.create(gpt=gpt, version=_live(gpt), owner=user, **facts)


def _live(gpt: Gpt) -> GptVersion:
    assert gpt.published is not None
    return gpt.published


def _gpt_for(user: User, source: str) -> Gpt:
    """The person's own GPT that holds the chats from `source` and continues them; a new one for the first chat."""
    earlier = ImportedChat.objects.filter(owner=user, source=source, conversation__gpt__deleted=None)
    known = earlier.filter(conversation__gpt__owner=user).select_related("conversation__gpt__published").first()
    if known and known.conversation.gpt.published:
        return known.conversation.gpt
    with translation.override(language_for(user)):
        texts = {
            "name": gettext("{source} chats").format(source=source),
            "description": gettext("Your chats from {source}. You can continue them here.").format(source=source),
            "instructions": "You are a helpful assistant.",
        }
    gpt = builder.create_gpt(user, texts)
    builder.publish(gpt, Sharing.ME, by=user)
    return gpt


def _write(
    conversation: Conversation, chat: Chat, branches: Branches, attached: Sequence[tuple[FileRef, ...]]
) -> None:
    """Give the conversation all messages and answers of the chat, at their times, with what is `attached` to each."""
    start = _time(chat.created, timezone.now())
    message_ids = [uuid4() for _ in branches.messages]
    run_ids = [uuid4() for _ in branches.answers]
    messages, runs, steps = list[Message](), list[Run](), list[StepRow]()
    for id, message in zip(message_ids, branches.messages, strict=True):
        after = run_ids[message.after] if message.after is not None else None
        facts: dict[str, Any] = {"text": clean(message.text), "created": _time(message.created, start)}
        messages.append(Message(id=id, conversation=conversation, after_id=after, **facts))
    for id, answer in zip(run_ids, branches.answers, strict=True):
        asked, text = messages[answer.message], clean(answer.text)
        runs.append(_run(id, conversation, asked, text, _time(answer.created, asked.created)))
        steps += _steps(id, asked.text, text, attached[answer.message])
    Message.objects.bulk_create(messages, _BATCH)
    Run.objects.bulk_create(runs, _BATCH)
    StepRow.objects.bulk_create(steps, _BATCH)
    _date(conversation, chat, messages[0].text, start, run_ids[branches.shown or 0])


def _run(id: UUID, conversation: Conversation, message: Message, text: str, at: datetime) -> Run:
    status = Run.Status.COMPLETED if text else Run.Status.CANCELLED
    facts = {"version_id": conversation.version_id, "owner_id": conversation.owner_id, "created": at, "ended": at}
    return Run(id=id, message=message, status=status, n_steps=2, **facts)


def _steps(run: UUID, asked: str, answered: str, attached: tuple[FileRef, ...]) -> Iterator[StepRow]:
    label = untrusted(AUTHOR)
    last = Finished(text=answered, label=label) if answered else Cancelled()
    first = UserMessage(text=asked, attachments=attached, label=label, own_words=False)
    for seq, step in enumerate((first, last)):
        yield StepRow(run_id=run, seq=seq, kind=step.kind, data=step.model_dump(mode="json"))


def _date(conversation: Conversation, chat: Chat, first: str, start: datetime, shown: UUID) -> None:
    conversation.title = shorten(clean(chat.title) or first)[:120]
    conversation.created, conversation.changed = start, _time(chat.updated, start)
    conversation.shown_id = shown
    conversation.save(update_fields=["title", "created", "changed", "shown"])


def _time(seconds: float | None, otherwise: datetime) -> datetime:
    """The time in an export, never in the future."""
    return min(datetime.fromtimestamp(seconds, UTC), timezone.now()) if seconds is not None else otherwise


def clean(text: str) -> str:
    """`text` as a database can store it."""
    return text.replace("\x00", "").encode(errors="replace").decode()
