"""The pages of the chat: all chats of a person, grouped by day, and one chat."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Exists, F, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from web.builder.models import Gpt, GptVersion
from web.chat.turns import guest_of, turns
from web.runs import finding
from web.runs.access import access_conversation
from web.runs.branches import Branches
from web.runs.creator_questions import UNSEEN, mark_seen
from web.runs.models import Conversation, CreatorQuestion
from web.runs.models_chats import Project
from web.runs.services import answering_version, is_imported

# Chats in the sidebar, and on the page of all chats.
N_SIDE = 60
N_PAGE = 500
# Turns of a chat when it opens, and how many are added at its top at a time.
N_TURNS = 30


@dataclass(frozen=True, slots=True)
class ChatGroup:
    """The chats of a period, such as "Yesterday"."""

    label: str
    chats: tuple[Conversation, ...]


def chats_of(user: Any, query: str = "", limit: int = N_SIDE, archived: bool = False) -> list[Conversation]:
    """The chats of `user` with `query` in the title or the GPT's name, at most `limit`: pinned ones, then the newest.

    `is_answered`: a creator has answered a question from it, which the person has not seen yet.
    """
    chats = Conversation.objects.chats_of(user, query, archived)
    answers = CreatorQuestion.objects.filter(UNSEEN, message__conversation=OuterRef("pk"))
    chats = chats.select_related("gpt__published").annotate(is_answered=Exists(answers))
    return list(chats.order_by(F("pinned").desc(nulls_last=True), "-changed")[:limit])


def grouped(chats: Iterable[Conversation]) -> list[ChatGroup]:
    """`chats`, pinned ones and then newest first, in groups."""
    return [ChatGroup(label, tuple(group)) for label, group in groupby(chats, key=_label)]


def _label(chat: Conversation) -> str:
    if chat.pinned:
        return gettext("Pinned")
    today = timezone.localdate()
    day = timezone.localdate(chat.changed)
    if day >= today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    return gettext("Last week") if day > today - timedelta(days=8) else date_format(day, "YEAR_MONTH_FORMAT")


def why_read_only(user: Any, conversation: Conversation) -> str:
    """Why `user` can't send messages in the conversation; empty if they can."""
    gpt = conversation.gpt
    if Gpt.objects.chattable_by(user).filter(id=gpt.id).exists():
        return ""
    if gpt.deleted and gpt.owner_id == conversation.owner_id and is_imported(conversation):
        return gettext(
            "You deleted {name}. You can still read this chat. Import the export again to continue it."
        ).format(name=gpt.live.name)
    if gpt.deleted:
        return gettext("{name} was deleted by its creator. You can still read this chat.").format(name=gpt.live.name)
    return gettext("{name} is no longer shared with you. You can still read this chat, but not continue it.").format(
        name=gpt.live.name
    )


def side(request: HttpRequest) -> dict[str, Any]:
    """The context of the sidebar."""
    return {"groups": grouped(chats_of(request.user))}


def head(gpt: Gpt, version: GptVersion, project: Project | None = None) -> dict[str, Any]:
    """The context about the GPT, on every page of a chat; a new one begins in `project`."""
    start_url = reverse("chat_start", args=[gpt.slug])
    return {
        "gpt": gpt,
        "spec": version.spec(),
        "version": version,
        "start_url": f"{start_url}?project={project.id}" if project else start_url,
    }


@never_cache
@login_required
@require_safe
def chats(request: HttpRequest) -> HttpResponse:
    """One's chats, newest first, or those that match a search, with what was found in their messages."""
    query, archived = request.GET.get("q", "").strip()[:200], "archived" in request.GET
    found = chats_of(request.user, query, N_PAGE, archived)
    context = {
        "groups": grouped(found),
        "query": query,
        "n_chats": len(found),
        "archived": archived,
        "n_archived": Conversation.objects.chats_of(request.user, "", archived=True).count(),
        "hits": finding.find(request.user, query),
    }
    return render(request, "chat/chats.html", context)


@login_required
@require_safe
def chat(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The last turns of one chat, or those that `_part` says.

    404 for anyone but its owner, for deleted chats, and for previews and API conversations.
    """
    conversation = access_conversation(request.user, conversation_id)
    if not conversation.is_chat:
        raise Http404(gettext("Chat not found."))
    branches = Branches(conversation)
    path = branches.up_to(branches.shown)
    part = _part(branches, len(path), request.GET)
    shown = turns(conversation, branches, path[part])
    mark_seen(question for turn in shown if (question := turn.reply.creator_question))
    context = {
        "conversation": conversation,
        "turns": shown,
        "earlier": path[max(0, part.start - N_TURNS)] if part.start else None,
        "queued": conversation.queued.all(),
        "project": conversation.project,
        "guest": guest_of(conversation),
        "read_only": why_read_only(request.user, conversation),
        **head(conversation.gpt, answering_version(conversation)),
        **side(request),
    }
    response = render(request, "chat/chat.html", context)
    # Not stored by proxies, but the browser may keep the page for Back; chat.js then checks for news.
    response["Cache-Control"] = "private, no-cache"
    return response


def _part(branches: Branches, n_turns: int, query: QueryDict) -> slice:
    """Which of `n_turns` turns to show: at least the last N_TURNS, and all since the run `from`.

    With `before`, exactly those since `from`, up to the run `before` or the end. A run of another branch stands for
    the turn in its place.
    """
    start, latest = branches.place(query.get("from", "")), max(0, n_turns - N_TURNS)
    if start is None or start >= n_turns:
        return slice(latest, n_turns)
    if "before" not in query:
        return slice(min(start, latest), n_turns)
    return slice(start, branches.place(query.get("before", "")) or n_turns)


def page_at(conversation_id: UUID, run_id: UUID) -> str:
    """The URL of a turn on the page of its chat, also if it is an early one."""
    return f"{reverse('chat', args=[conversation_id])}?from={run_id}#run-{run_id}"
