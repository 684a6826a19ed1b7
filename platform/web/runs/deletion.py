"""Deletes conversations, which a worker then empties, and those that nobody keeps once they are old enough."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from web import erasures
from web.builder.files import cancel_reading
from web.runs.models import Conversation, ConversationFile, CreatorQuestion, Message, Run, StepRow
from web.runs.models_chats import AppCall, Feedback, Share
from web.runs.models_drafts import DraftChange
from web.runs.services import cancel_run

# Age at which Celery beat deletes finished preview and API conversations; and those of programs' stored responses, of
# visitors of other sites and of the builder.
KEEP_TRANSIENT = timedelta(days=settings.KEEP_TEMPORARY_DAYS)
KEEP_RESPONSES = timedelta(days=settings.KEEP_RESPONSES_DAYS)
KEEP_COPIES: Final = timedelta(days=1)


def delete_conversation(conversation: Conversation) -> None:
    """Hide the conversation, cancel its runs, and take back its questions to creators.

    A worker deletes its texts and files, see `empty_deleted`.
    """
    conversation.deleted = now = timezone.now()
    Conversation.objects.filter(id=conversation.pk).update(deleted=now)
    erasures.note("chat", conversation.pk)
    # Emptied rows still count for the daily limit.
    CreatorQuestion.objects.filter(message__conversation=conversation).update(text="", answer="", closed=now)
    conversation.queued.all().delete()
    Feedback.objects.filter(run__message__conversation=conversation).delete()
    for run in Run.objects.filter(message__conversation=conversation).exclude(status__in=Run.OVER):
        cancel_run(run)
    Conversation.objects.filter(messages__runs__root__message__conversation=conversation).update(deleted=now)
    cancel_reading(ConversationFile.objects.filter(conversation=conversation))


def delete_idle(ids: Collection[UUID]) -> None:
    """Hide conversations in which nothing was ever sent, such as imported ones: many at once."""
    now = timezone.now()
    Feedback.objects.filter(run__message__conversation__in=ids).delete()
    CreatorQuestion.objects.filter(message__conversation__in=ids).update(text="", answer="", closed=now)
    Conversation.objects.filter(id__in=ids).update(deleted=now)
    for id in ids:
        erasures.note("chat", id)


def empty_deleted() -> None:
    """Delete what deleted conversations hold: titles, messages and logs. Their rows stay, as limits count them."""
    gone = Conversation.objects.exclude(deleted=None)
    gone.exclude(title="", inputs={}).update(title="", inputs={})
    over = Run.objects.filter(message__conversation__in=gone, status__in=Run.OVER)
    for kind in (StepRow, AppCall, DraftChange):
        kind._default_manager.filter(run__in=over).delete()
    Share.objects.filter(conversation__in=gone).delete()
    Message.objects.filter(conversation__in=gone).exclude(text="").update(text="")


def delete_unused() -> None:
    """Delete the chats that nobody has used for KEEP_CHATS_DAYS, except pinned ones."""
    if settings.KEEP_CHATS_DAYS is not None:
        before = timezone.now() - timedelta(days=settings.KEEP_CHATS_DAYS)
        unused = Conversation.objects.filter(origin=Conversation.Origin.CHAT, deleted=None, pinned=None)
        for conversation in unused.filter(changed__lt=before):
            delete_conversation(conversation)


def forget_transient() -> int:
    """Delete finished conversations that nobody keeps and that are old enough, and deleted copies; how many rows."""
    now, Origin = timezone.now(), Conversation.Origin
    is_transient = Q(origin__in=(Origin.PREVIEW, Origin.API, Origin.TEMPORARY), changed__lt=now - KEEP_TRANSIENT)
    kept_long = (Origin.RESPONSE, Origin.WIDGET, Origin.BUILDER)
    is_old = is_transient | Q(origin__in=kept_long, changed__lt=now - KEEP_RESPONSES)
    # No limit of a day counts imports and copies, which can be made and deleted again and again.
    old = Conversation.objects.filter(is_old | Q(deleted__lt=now - KEEP_COPIES, n_bytes__gt=0))
    old = old.exclude(messages__runs__status__in=set(Run.Status) - set(Run.OVER))
    ids = list(old.values_list("id", flat=True))
    within = Q(conversation__in=ids) | Q(conversation__messages__runs__root__message__conversation__in=ids)
    own = ConversationFile.objects.filter(id__in=ConversationFile.objects.filter(within).values("id"))
    own.update(conversation=None, run=None, removed=timezone.now())  # a worker deletes their bytes
    return Conversation.objects.filter(id__in=ids).delete()[0]
