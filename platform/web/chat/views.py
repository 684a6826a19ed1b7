"""The pages of the chat: all chats, one chat, and the fragment of one answer."""

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
from web.chat.turns import guest_of, reply_of, turns
from web.runs.models import Conversation
from web.runs.services import access_conversation, access_run


def may_write(user: Any, gpt: Gpt) -> bool:
    """Whether `user` may still send messages to `gpt`."""
    return Gpt.objects.chattable_by(user).filter(id=gpt.id).exists()


def why_read_only(user: Any, conversation: Conversation) -> str:
    """Why nothing more can be sent in the conversation, for its reader; empty when it can."""
    gpt = conversation.gpt
    if may_write(user, gpt):
        return ""
    if gpt.deleted:
        return f"{gpt.name} was deleted by its creator. You can still read this chat."
    return f"{gpt.name} is no longer shared with you. You can still read this chat, but not continue it."


def side(request: HttpRequest) -> dict[str, Any]:
    """What the side column shows."""
    return {"groups": grouped(chats_of(request.user))}


def head(gpt: Gpt, version: GptVersion) -> dict[str, Any]:
    """What every page of a chat knows of its GPT."""
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
    """All chats of a person, newest first, or those that fit a search."""
    query = request.GET.get("q", "").strip()[:200]
    found = chats_of(request.user, query, N_PAGE)
    return render(request, "chat/chats.html", {"groups": grouped(found), "query": query, "n_chats": len(found)})


@login_required
@require_safe
def chat(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """One chat. 404 for anyone but its owner, for a deleted one, and for what is no chat (previews, API calls)."""
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
    # Not stored by proxies, but the browser may keep the page alive for Back; chat.js then looks for what is new.
    response["Cache-Control"] = "private, no-cache"
    return response


@never_cache
@require_safe
def turn(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run's answer as a fragment, the same that the page holds. 404 for anyone but the run's owner."""
    run = access_run(request.user, run_id)
    conversation = run.message.conversation
    context = {"reply": reply_of(run), "conversation": conversation, "gpt": conversation.gpt}
    context["read_only"] = why_read_only(request.user, conversation)
    return render(request, "chat/reply.html", context)
