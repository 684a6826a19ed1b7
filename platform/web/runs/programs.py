"""What the protocols for agents (A2A, MCP) share: conversations, and refusals before a protocol begins."""

from uuid import UUID

from django.http import Http404, JsonResponse

from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import services
from web.runs.models import Conversation


def conversation_of(user: User, gpt: Gpt, conversation_id: UUID | None) -> Conversation:
    """The person's conversation with `gpt` that one of their programs began, or without an id a new one.

    Raises Http404 for any other conversation, and NotPublished.
    """
    if conversation_id is None:
        return services.start_conversation(user, gpt, Conversation.Origin.API)
    conversation = services.access_conversation(user, conversation_id)
    if conversation.origin != Conversation.Origin.API or conversation.gpt_id != gpt.id:
        raise Http404("Conversation not found. Leave it out to start a new one.")
    return conversation


def refused(status: int, message: str, how: str = "Bearer") -> JsonResponse:
    """The error response for a request without a valid key, or beyond a limit. `how` tells how to get in."""
    response = JsonResponse({"error": {"message": message}}, status=status)
    if status == 429:
        response.headers["Retry-After"] = "5"
    if status == 401:
        response.headers["WWW-Authenticate"] = how
    return response
