"""Pages about child runs: one of them, as a fragment and as a page, and the whole trace."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.chat.tree import shown_tree
from web.chat.turns import reply_of
from web.runs.models import Conversation, Run
from web.runs.services import access_run
from web.runs.trees import delegated_by, tree_of


@never_cache
@require_safe
def part(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run's steps and answer as a fragment. 404 for anyone but the run's owner."""
    run = access_run(request.user, run_id)
    return render(request, "chat/part.html", _part(run))


@never_cache
@login_required
@require_safe
def part_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The same as a page; a run that a person started in a chat is shown in that chat."""
    run = access_run(request.user, run_id)
    chat_url = _chat_of(run)
    if run.root_id is None and chat_url:
        return redirect(chat_url)
    context = {"delegators": delegated_by(run)[::-1], "chat_url": chat_url, "root_id": run.root_id or run.id}
    return render(request, "chat/part_page.html", {**_part(run), **context})


@never_cache
@login_required
@require_safe
def tree(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """The trace of a run. With `?part`, only the fragment that changes while it is in progress."""
    run = access_run(request.user, run_id)
    context = {"tree": shown_tree(tree_of(run)), "chat_url": _chat_of(run)}
    context["top_url"] = reverse("run_tree", args=[run.root_id]) if run.root_id else ""
    return render(request, "chat/tree_part.html" if "part" in request.GET else "chat/tree.html", context)


def _part(run: Run) -> dict[str, Any]:
    conversation = run.message.conversation
    return {"reply": reply_of(run), "conversation": conversation, "gpt": run.gpt}


def _chat_of(run: Run) -> str:
    """The address of the chat in which all of it began; empty where that was no chat."""
    conversation = (run.root or run).message.conversation
    is_chat = conversation.origin == Conversation.Origin.CHAT
    return reverse("chat", args=[conversation.id]) if is_chat else ""
