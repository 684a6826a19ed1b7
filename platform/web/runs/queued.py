"""Messages that wait until the answer in progress has ended. Each is a row, so that no closed page or killed process
loses one; it is deleted in the transaction that starts its run, so that none is sent twice.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404
from django.utils.translation import gettext, gettext_noop

from web.accounts import quotas
from web.builder.models import Gpt
from web.runs import services
from web.runs.errors import Refused, StillAnswering
from web.runs.models import Conversation, Run
from web.runs.models_chats import QueuedMessage

MAX_QUEUED: Final = 5
GONE: Final = gettext_noop("This GPT is no longer shared with you.")


def add(
    conversation: Conversation, text: str, attachments: Sequence[UUID] = (), mention: str = "", stay: bool = False
) -> QueuedMessage:
    """The message, last of those that wait; it is sent at once if there is no answer in progress. Raises Refused."""
    text = services.checked_text(text, attachments)
    with transaction.atomic():
        quotas.lock(conversation.owner_id)
        if conversation.queued.count() >= MAX_QUEUED:
            raise Refused(
                gettext("{max_queued} messages wait already. Withdraw one first.").format(max_queued=MAX_QUEUED)
            )
        ids = [str(id) for id in attachments]
        message = QueuedMessage.objects.create(
            conversation=conversation, text=text, attachments=ids, mention=mention, stay=stay
        )
    start_next(conversation.id)
    return message


def start_next(conversation_id: UUID) -> Run | None:
    """The run of the message that waited longest; None if none can be sent now. Its `error` tells what hinders it."""
    with transaction.atomic():
        waiting = QueuedMessage.objects.select_for_update(of=("self",)).select_related("conversation__gpt")
        message = waiting.filter(conversation=conversation_id, conversation__deleted=None).first()
        if message is None or message.error:
            return None
        try:
            run = _sent(message)
        except StillAnswering:
            return None
        except Refused as refusal:
            QueuedMessage.objects.filter(id=message.id).update(error=str(refusal))
            return None
        message.delete()
        return run


def _sent(message: QueuedMessage) -> Run:
    conversation = message.conversation
    if not Gpt.objects.chattable_by(conversation.owner).filter(id=conversation.gpt_id).exists():
        raise Refused(gettext(GONE))
    attachments = [UUID(id) for id in message.attachments]
    return services.start_run(conversation, message.text, attachments, message.mention, message.stay)


def access(conversation: Conversation, queued_id: UUID) -> QueuedMessage:
    """A message that waits in the conversation. Raises Http404, also once it was sent."""
    message = conversation.queued.filter(id=queued_id).first()
    if message is None:
        raise Http404(gettext("This message no longer waits. It may have been sent."))
    return message


def withdraw(message: QueuedMessage) -> None:
    """Take the message back. Raises Http404 if it was sent meanwhile."""
    if not QueuedMessage.objects.filter(id=message.id).delete()[0]:
        raise Http404(gettext("This message was sent already."))


def send_now(message: QueuedMessage) -> None:
    """Send the message before all others that wait: stop the answer in progress, or try again what was refused."""
    QueuedMessage.objects.filter(id=message.id).update(first=True, error="")
    runs = Run.objects.filter(message__conversation=message.conversation_id, root=None)
    for run in runs.exclude(status__in=Run.OVER):
        services.cancel_run(run)
    start_next(message.conversation_id)


def due() -> list[UUID]:
    """The conversations in which a message waits for nothing: what should have started it died."""
    same = OuterRef("conversation")
    active = Run.objects.filter(message__conversation=same, root=None).exclude(status__in=Run.OVER)
    held = QueuedMessage.objects.filter(conversation=same).exclude(error="")
    waiting = QueuedMessage.objects.filter(~Exists(active), ~Exists(held), conversation__deleted=None)
    return list(waiting.order_by().values_list("conversation", flat=True).distinct()[:50])
