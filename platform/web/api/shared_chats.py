"""`/api/shared-chats/{token}`: read a chat that somebody shared, and go on from it."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema, Status

from web.api.auth import caller
from web.api.errors import DENIED, INVALID
from web.api.shapes_runs import ConversationCard
from web.runs import sharing
from web.runs.models import Conversation

router = Router(tags=["Runs and conversations"])


class SharedMessage(Schema):
    """A message and its answer. `n_files` and `n_sources` are not shown."""

    question: str
    answer: str
    n_files: int
    n_sources: int


class SharedChat(Schema):
    """A chat as it was when it was shared."""

    title: str
    created: datetime
    messages: list[SharedMessage]


@router.get("/shared-chats/{token}", response={200: SharedChat, **DENIED})
def read_shared_chat(request: HttpRequest, token: str) -> dict[str, Any]:
    """A shared chat, by the last part of its link."""
    share = sharing.access(caller(request), token)
    messages = sharing.turns(share.conversation, share.run_id)
    return {"title": share.conversation.title, "created": share.created, "messages": messages}


@router.post("/shared-chats/{token}/continue", response={201: ConversationCard, **INVALID})
def continue_shared_chat(request: HttpRequest, token: str) -> Status[Conversation]:
    """A new chat of yours that begins with the shared one."""
    user = caller(request)
    return Status(201, sharing.take_over(sharing.access(user, token), user))
