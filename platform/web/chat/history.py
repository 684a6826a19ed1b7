"""A person's chats as a list, newest first, grouped by day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.db.models import Q
from django.utils import timezone

from web.runs.models import Conversation

# Chats in the sidebar, and on the page of all chats.
N_SIDE = 60
N_PAGE = 500


@dataclass(frozen=True, slots=True)
class ChatGroup:
    """The chats of a period, such as "Yesterday"."""

    label: str
    chats: tuple[Conversation, ...]


def chats_of(user: Any, query: str = "", limit: int = N_SIDE) -> list[Conversation]:
    """The newest chats of `user` with `query` in the title or the GPT's name, at most `limit`."""
    chats = Conversation.objects.visible_to(user).filter(origin=Conversation.Origin.CHAT)
    if query:
        chats = chats.filter(Q(title__icontains=query) | Q(gpt__name__icontains=query))
    return list(chats.select_related("gpt").order_by("-changed")[:limit])


def grouped(chats: Iterable[Conversation]) -> list[ChatGroup]:
    """`chats`, newest first, in groups."""
    return [ChatGroup(label, tuple(group)) for label, group in groupby(chats, key=_label)]


def _label(chat: Conversation) -> str:
    today = timezone.localdate()
    day = timezone.localdate(chat.changed)
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return "Last week" if day > today - timedelta(days=8) else "Older"
