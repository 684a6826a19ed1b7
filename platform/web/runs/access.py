"""Which runs, conversations and messages a person may get at: the only ways to fetch one on somebody's behalf."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.translation import gettext

from web.builder.access import may_edit
from web.runs.branches import shown_in
from web.runs.models import Conversation, Message, Run


def access_run(user: Any, run_id: UUID) -> Run:
    """A run of `user`'s own: the only way to fetch one on a person's behalf. Raises Http404."""
    try:
        run = Run.objects.select_related("message__conversation__gpt", "version__gpt").get(id=run_id)
    except Run.DoesNotExist:
        raise Http404(gettext("Run not found.")) from None
    if not user.is_authenticated or run.owner_id != user.id or run.message.conversation.deleted:
        raise Http404(gettext("Run not found."))
    if not may_see_draft((run.root or run).message.conversation):
        raise Http404(gettext("Run not found."))
    return run


def may_see_draft(conversation: Conversation) -> bool:
    """Whether its person may still see what they tried or built in it: not once they can no longer edit the GPT."""
    if conversation.origin not in (Conversation.Origin.PREVIEW, Conversation.Origin.BUILDER):
        return True
    return conversation.gpt.owner_id == conversation.owner_id or may_edit(conversation.owner, conversation.gpt)


def access_conversation(user: Any, conversation_id: UUID) -> Conversation:
    """A conversation of `user`'s own, with its GPT and version. Raises Http404."""
    visible = Conversation.objects.visible_to(user).select_related("gpt__owner", "version", "guest__published")
    try:
        conversation = visible.get(id=conversation_id)
    except Conversation.DoesNotExist:
        raise Http404(gettext("Chat not found.")) from None
    if not may_see_draft(conversation):
        raise Http404(gettext("Chat not found."))
    return conversation


def access_chat(user: Any, conversation_id: UUID) -> Conversation:
    """A chat of `user`'s own that is kept in their history. Raises Http404."""
    conversation = access_conversation(user, conversation_id)
    if conversation.origin != Conversation.Origin.CHAT:
        raise Http404(gettext("Chat not found."))
    return conversation


def answered_by(conversation: Conversation, run_id: UUID | str | None) -> Message:
    """The message that this run answers, by default the last one shown. Raises Http404."""
    try:
        wanted = UUID(str(run_id)) if run_id else shown_in(conversation)
    except ValueError:
        wanted = None
    if wanted is None:
        raise Http404(gettext("There’s nothing to answer in this chat."))
    return message_in(conversation, runs=wanted)


def message_in(conversation: Conversation, **known: UUID) -> Message:
    """The one message of the conversation with these fields. Raises Http404."""
    message = conversation.messages.filter(**known).first()
    if message is None:
        raise Http404(gettext("Message not found."))
    message.conversation = conversation
    return message
