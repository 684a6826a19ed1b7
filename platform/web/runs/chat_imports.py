"""Chats of other systems become chats of a person's own, which they can search, read and continue.

A worker reads the export one chat at a time; each chat is a transaction of its own. A worker that dies loses its
claim, and another reads the file from its beginning: what is there already is recognised. Nothing in an export is
trusted: its texts are labelled as another author's, the person's too, since anybody may have written them.
"""

import hashlib
import io
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import Any, Final, TextIO
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from gpts.portable.archive import checked, open_archive
from gpts.portable.chats import Branches, Chat, branches_of
from gpts.portable.errors import NotImportable
from gpts.portable.json_stream import items_of
from gpts.portable.recognising import read_chat
from gpts.runs.steps import Cancelled, Finished, UserMessage
from gpts.safety.labels import untrusted
from web.accounts import quotas
from web.accounts.models import User
from web.accounts.quotas import QuotaExceeded
from web.builder import services as builder
from web.builder.files import clean_name
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.runs import copies
from web.runs.errors import Refused
from web.runs.kept_files import content_may_go
from web.runs.models import Conversation, Message, Run, StepRow
from web.runs.models_imports import ChatImport, ImportedChat
from web.runs.services import shorten
from web.sending import send_task

logger = logging.getLogger(__name__)

AUTHOR: Final = "an imported chat"
# Of one person, at once.
MAX_OPEN: Final = 3
# How many times as long as the chat before it took an import rests before the next: others wait for the same database
# and processor.
RESTS: Final = 4
# Of those that are over, the newest.
MAX_KEPT: Final = 100
# Longer than the largest chat takes.
CLAIM: Final = timedelta(seconds=120)
WAKE: Final = timedelta(seconds=60)
SAVE_EVERY_S: Final = 1.0
# An archive also has every picture of its chats. Only the entries with chats are read.
MAX_ENTRIES: Final = 200_000
MAX_BYTES: Final = 50_000_000_000
# What one import may store; importing the same file again stores the next part.
MAX_CHATS: Final = 20_000
MAX_MESSAGES: Final = 500_000
MAX_TEXT_BYTES: Final = 1_000_000_000
_TOO_MUCH: Final = gettext_noop("There is more in this file than one import takes.")
_CHATS: Final = re.compile(r"(?:^|/)conversations(?:[-_]?\d+)?\.json$")
_UNEXPECTED: Final = gettext_noop("Something went wrong. Try again, or contact an admin.")
_COUNTS: Final = ("n_new", "n_updated", "n_known", "n_kept", "n_unreadable", "n_left_out")
_BATCH: Final = 200


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
    fresh = {"status": ChatImport.Status.RUNNING, **dict.fromkeys(_COUNTS, 0)}
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
    saved, n_items, gpts, left, took = monotonic(), 0, dict[str, Gpt](), _Left(), 0.0
    for item in _items(row):
        sleep(RESTS * took)
        n_items, begun = n_items + 1, monotonic()
        try:
            counted = _take(row.owner, item, gpts, left)
        except (KeyError, TypeError, ValueError, RecursionError):  # of a shape that nobody has described
            logger.warning("a chat of the import %s could not be read", row.id, exc_info=True)
            counted = {"n_unreadable": 1}
        for name, n in counted.items():
            setattr(row, name, getattr(row, name) + n)
        if monotonic() - saved > SAVE_EVERY_S:
            row.claimed_until, saved = timezone.now() + CLAIM, monotonic()
            row.save(update_fields=["claimed_until", *_COUNTS])
        took = monotonic() - begun
    if n_items == row.n_unreadable:
        raise NotImportable(gettext("There are no chats in this file that can be read."))


class _Left:
    """What one import may still store."""

    def __init__(self) -> None:
        self._chats, self._rows, self._bytes = MAX_CHATS, MAX_MESSAGES, MAX_TEXT_BYTES

    def take(self, n_rows: int, n_bytes: int) -> None:
        """Count a chat. Raises ValidationError if it is one too many."""
        self._chats, self._rows, self._bytes = self._chats - 1, self._rows - n_rows, self._bytes - n_bytes
        if min(self._chats, self._rows, self._bytes) < 0:
            raise ValidationError(_TOO_MUCH)


def _items(row: ChatImport) -> Iterator[Any]:
    """Every item of the export, in all of its parts."""
    for file in _texts(row):
        yield from items_of(file)


def _texts(row: ChatImport) -> Iterator[TextIO]:
    with row.path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            file.seek(0)
            yield _decoded(file)
            return
        with open_archive(file) as archive:
            entries = checked(archive, file, MAX_ENTRIES, MAX_BYTES)
            for name in sorted(entry.filename for entry in entries if _CHATS.search(entry.filename)):
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


def _take(user: User, item: Any, gpts: dict[str, Gpt], left: _Left) -> dict[str, int]:
    """What became of an item, as counts. `gpts` are those that were found to hold chats, by source.

    Raises ValidationError if it does not fit.
    """
    chat = read_chat(item)
    branches = branches_of(chat) if chat else Branches()
    if chat is None or not branches.answers:
        return {"n_unreadable": 1}
    digest = hashlib.sha256(repr(chat).encode(errors="replace")).hexdigest()
    key: dict[str, Any] = {"owner": user, "source": chat.source, "source_id": (chat.id or digest)[:100]}
    n_bytes = _stored_bytes(branches)
    with transaction.atomic():
        quotas.lock(user.id)
        known = ImportedChat.objects.select_for_update().select_related("conversation").filter(**key).first()
        is_here = known is not None and not known.conversation.deleted
        if known and is_here and (unchanged := _unchanged(known, digest)):
            return {unchanged: 1}
        quotas.check_storage(user.id, n_bytes - (known.conversation.n_bytes if known and is_here else 0))
        left.take(len(branches.messages) + len(branches.answers), n_bytes)
        facts = {"digest": digest, "n_answers": len(branches.answers)}
        if known and is_here:
            known.conversation.n_bytes = n_bytes
            _replace(known, chat, branches, facts)
            return {"n_updated": 1, "n_left_out": chat.n_left_out}
        if chat.source not in gpts:
            gpts[chat.source] = _gpt_for(user, chat.source)
        conversation = _new(user, chat, gpts[chat.source], n_bytes)
        facts["conversation"] = _written(conversation, chat, branches)
        ImportedChat.objects.update_or_create(**key, defaults=facts)
    return {"n_new": 1, "n_left_out": chat.n_left_out}


def _stored_bytes(branches: Branches) -> int:
    """What the chat takes in the database: each answer's log repeats its message."""
    messages = [len(each.text.encode(errors="replace")) for each in branches.messages]
    answers = sum(len(each.text.encode(errors="replace")) + messages[each.message] for each in branches.answers)
    return sum(messages) + answers + copies.ROW_BYTES * (len(messages) + 3 * len(branches.answers))


def _unchanged(known: ImportedChat, digest: str) -> str:
    """As what a chat counts that was imported before and stays as it is; empty if it changed there, but not here."""
    if known.digest == digest:
        return "n_known"
    n_answers = Run.objects.filter(message__conversation=known.conversation).count()
    return "" if n_answers == known.n_answers else "n_kept"


def _replace(known: ImportedChat, chat: Chat, branches: Branches, facts: dict[str, Any]) -> None:
    """Replace what was imported before."""
    conversation = known.conversation
    conversation.shown = None
    conversation.save(update_fields=["shown", "n_bytes"])
    conversation.messages.all().delete()
    _written(conversation, chat, branches)
    ImportedChat.objects.filter(id=known.id).update(**facts)


def _new(user: User, chat: Chat, gpt: Gpt, n_bytes: int) -> Conversation:
    assert gpt.published is not None
    facts = {"archived": timezone.now() if chat.archived else None, "n_bytes": n_bytes}
    return Conversation.objects.create(gpt=gpt, version=gpt.published, owner=user, **facts)


def _gpt_for(user: User, source: str) -> Gpt:
    """The person's own GPT that holds the chats from `source` and continues them; a new one for the first chat."""
    earlier = ImportedChat.objects.filter(owner=user, source=source, conversation__gpt__deleted=None)
    known = earlier.filter(conversation__gpt__owner=user).select_related("conversation__gpt__published").first()
    if known and known.conversation.gpt.published:
        return known.conversation.gpt
    with translation.override(user.language or settings.LANGUAGE_CODE):
        texts = {
            "name": gettext("{source} chats").format(source=source),
            "description": gettext("Your chats from {source}. You can continue them here.").format(source=source),
            "instructions": "You are a helpful assistant.",
        }
    gpt = builder.create_gpt(user, texts)
    builder.publish(gpt, Sharing.ME, by=user)
    return gpt


def _written(conversation: Conversation, chat: Chat, branches: Branches) -> Conversation:
    """The conversation with all messages and answers of the chat, at their times."""
    start = _time(chat.created, timezone.now())
    message_ids = [uuid4() for _ in branches.messages]
    run_ids = [uuid4() for _ in branches.answers]
    messages, runs, steps = list[Message](), list[Run](), list[StepRow]()
    for id, message in zip(message_ids, branches.messages, strict=True):
        after = run_ids[message.after] if message.after is not None else None
        facts: dict[str, Any] = {"text": _clean(message.text), "created": _time(message.created, start)}
        messages.append(Message(id=id, conversation=conversation, after_id=after, **facts))
    for id, answer in zip(run_ids, branches.answers, strict=True):
        asked, text = messages[answer.message], _clean(answer.text)
        runs.append(_run(id, conversation, asked, text, _time(answer.created, asked.created)))
        steps += _steps(id, asked.text, text)
    Message.objects.bulk_create(messages, _BATCH)
    Run.objects.bulk_create(runs, _BATCH)
    StepRow.objects.bulk_create(steps, _BATCH)
    return _dated(conversation, chat, messages[0].text, start, run_ids[branches.shown or 0])


def _run(id: UUID, conversation: Conversation, message: Message, text: str, at: datetime) -> Run:
    status = Run.Status.COMPLETED if text else Run.Status.CANCELLED
    facts = {"version_id": conversation.version_id, "owner_id": conversation.owner_id, "created": at, "ended": at}
    return Run(id=id, message=message, status=status, n_steps=2, **facts)


def _steps(run: UUID, asked: str, answered: str) -> Iterator[StepRow]:
    label = untrusted(AUTHOR)
    last = Finished(text=answered, label=label) if answered else Cancelled()
    for seq, step in enumerate((UserMessage(text=asked, label=label, own_words=False), last)):
        yield StepRow(run_id=run, seq=seq, kind=step.kind, data=step.model_dump(mode="json"))


def _dated(conversation: Conversation, chat: Chat, first: str, start: datetime, shown: UUID) -> Conversation:
    conversation.title = shorten(_clean(chat.title) or first)[:120]
    conversation.created, conversation.changed = start, _time(chat.updated, start)
    conversation.shown_id = shown
    conversation.save(update_fields=["title", "created", "changed", "shown"])
    return conversation


def _time(seconds: float | None, otherwise: datetime) -> datetime:
    """The time in an export, never in the future."""
    return min(datetime.fromtimestamp(seconds, UTC), timezone.now()) if seconds is not None else otherwise


def _clean(text: str) -> str:
    """`text` as a database can store it."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def remove_leftovers() -> None:
    """Delete files of imports that are over, and that were never begun."""
    folder = ChatImport(size=0).path.parent
    kept = {str(id) for id in ChatImport.objects.filter(status__in=ChatImport.OPEN).values_list("id", flat=True)}
    young = timezone.now().timestamp() - 86_400
    for path in folder.glob("*") if folder.is_dir() else ():
        if path.name not in kept and path.stat().st_mtime < young:
            path.unlink(missing_ok=True)
