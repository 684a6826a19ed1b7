"""Messages that wait in a chat for the answer in progress: withdraw one, or send it now."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from web.chat.views_send import changed, for_people_signed_in
from web.runs import queued
from web.runs.access import access_conversation


@require_POST
@for_people_signed_in
def withdraw(request: HttpRequest, conversation_id: UUID, queued_id: UUID) -> HttpResponse:
    """Take a message back that waits. The page gets its text, to go on writing."""
    conversation = access_conversation(request.user, conversation_id)
    message = queued.access(conversation, queued_id)
    queued.withdraw(message)
    return changed(request, conversation, message.text)


@require_POST
@for_people_signed_in
def send_now(request: HttpRequest, conversation_id: UUID, queued_id: UUID) -> HttpResponse:
    """Stop the answer in progress and send a message that waits."""
    conversation = access_conversation(request.user, conversation_id)
    queued.send_now(queued.access(conversation, queued_id))
    return changed(request, conversation)
