"""What the protocols for agents (A2A, MCP) share: conversations and runs, and refusals before a protocol begins."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, JsonResponse
from django.utils.translation import gettext

from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import services
from web.runs.access import access_conversation, access_run
from web.runs.models import Conversation, Run


def conversation_of(
    user: User, gpt: Gpt, conversation_id: UUID | None, inputs: Mapping[str, Any] | None = None
) -> Conversation:
    """The person's conversation with `gpt` that one of their programs began, or without an id a new one.

    `inputs` are for a new one. Raises Http404 for any other conversation, NotPublished and InvalidInputs.
    """
    if conversation_id is None:
        return services.start_conversation(user, gpt, Conversation.Origin.API, inputs=inputs)
    conversation = access_conversation(user, conversation_id)
    if not _is_theirs(conversation, gpt):
        raise Http404(gettext("Conversation not found. Leave it out to start a new one."))
    return conversation


def run_of(user: User, gpt: Gpt, run_id: UUID) -> Run:
    """The run by which `gpt` answers one of the person's programs. Raises Http404 for any other."""
    run = access_run(user, run_id)
    if not _is_theirs(run.message.conversation, gpt):
        raise Http404(gettext("Run not found."))
    return run


def _is_theirs(conversation: Conversation, gpt: Gpt) -> bool:
    return conversation.origin == Conversation.Origin.API and conversation.gpt_id == gpt.id


def refused(status: int, message: str, how: str = "Bearer") -> JsonResponse:
    """The error response for a request without a valid key, or beyond a limit. `how` tells how to get in."""
    response = JsonResponse({"error": {"message": message}}, status=status)
    if status == 429:
        response.headers["Retry-After"] = "5"
    if status == 401:
        response.headers["WWW-Authenticate"] = how
    return response
