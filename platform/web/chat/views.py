"""The pages of the chat: all chats, and one chat."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.builder.models import Gpt, GptVersion
from web.chat.history import N_PAGE, chats_of, grouped
from web.chat.turns import guest_of, turns
from web.runs.models import Conversation
from web.runs.services import access_conversation


def why_read_only(user: Any, conversation: Conversation) -> str:
    """Why `user` can't send messages in the conversation; empty if they can."""
    gpt = conversation.gpt
    if Gpt.objects.chattable_by(user).filter(id=gpt.id).exists():
        return ""
    if gpt.deleted:
        return f"{gpt.name} was deleted by its creator. You can still read this chat."
    return f"{gpt.name} is no longer shared with you. You can still read this chat, but not continue it."


def side(request: HttpRequest) -> dict[str, Any]:
    """The context of the sidebar."""
    return {"groups": grouped(chats_of(request.user))}


def head(gpt: Gpt, version: GptVersion) -> dict[str, Any]:
    """The context about the GPT, on every page of a chat."""
    return {
        "gpt": gpt,
        "spec": version.spec(),
        "version": version,
        "start_url": reverse("chat_start", args=[gpt.slug]),
    }


@never_cache
@login_required
@require_safe
def chats(request: HttpRequest) -> HttpResponse:
    """One's chats, newest first, or those that match a search."""
    query = request.GET.get("q", "").strip()[:200]
    found = chats_of(request.user, query, N_PAGE)
    return render(request, "chat/chats.html", {"groups": grouped(found), "query": query, "n_chats": len(found)})


@login_required
@require_safe
def chat(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """One chat. 404 for anyone but its owner, for deleted chats, and for previews and API conversations."""
    conversation = access_conversation(request.user, conversation_id)
    if conversation.origin != Conversation.Origin.CHAT:
        raise Http404("Chat not found.")
    context = {
        "conversation": conversation,
        "turns": turns(conversation),
        "guest": guest_of(conversation),
        "read_only": why_read_only(request.user, conversation),
        **head(conversation.gpt, conversation.version),
        **side(request),
    }
    response = render(request, "chat/chat.html", context)
    # Not stored by proxies, but the browser may keep the page for Back; chat.js then checks for news.
    response["Cache-Control"] = "private, no-cache"
    return response
