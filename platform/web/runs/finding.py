"""Finds words in a person's own chats: in what they wrote and in what was answered, also in branches not shown."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from web.runs.models import Conversation, Run, StepRow

MAX_WORDS: Final = 8
MAX_HITS: Final = 40
# Marks of Markdown, which say nothing in a line of text.
_MARKS: Final = re.compile(r"[*`#>|]+")
# Characters shown around the first word that was found.
AROUND: Final = 90


@dataclass(frozen=True, slots=True)
class Hit:
    """A message of a person, or an answer, with these words. `run` shows it in its chat."""

    conversation: Conversation
    run: UUID
    is_answer: bool
    before: str
    found: str
    after: str
    created: datetime


def find(user: Any, query: str) -> list[Hit]:
    """What holds all words of the query, newest first, at most MAX_HITS. Empty for a query without words."""
    words = query.split()[:MAX_WORDS]
    if not words:
        return []
    chats = Conversation.objects.chats_of(user, "", archived=None)
    runs = Run.objects.filter(message__conversation__in=chats, root=None)
    asked = runs.filter(_all("message__text", words)).order_by("-created")
    answered = StepRow.objects.filter(_all("data__text", words), run__in=runs, kind__in=("finished", "cancelled"))
    related = "message__conversation__gpt__published"
    hits = {run.message_id: (run, False, run.message.text) for run in asked.select_related(related)[:MAX_HITS]}
    rows = answered.order_by("-created").select_related(f"run__{related}")[:MAX_HITS]
    found = [*hits.values(), *((row.run, True, row.data["text"]) for row in rows)]
    found.sort(key=lambda hit: hit[0].created, reverse=True)
    return [_hit(*each, words) for each in found[:MAX_HITS]]


def _all(field: str, words: Iterable[str]) -> Q:
    """All words are in the field. SQLite folds the case of ASCII letters only, so usual cases are tried."""
    every = Q()
    for word in words:
        cases = {word, word.lower(), word.capitalize(), word.upper()}
        one = Q()
        for case in cases:
            one |= Q(**{f"{field}__icontains": case})
        every &= one
    return every


def _hit(run: Run, is_answer: bool, text: str, words: list[str]) -> Hit:
    text = " ".join(_MARKS.sub("", text).split())
    folded = text.casefold() if len(text.casefold()) == len(text) else text.lower()
    at, length = min(
        ((folded.find(word.casefold()), len(word)) for word in words if word.casefold() in folded), default=(0, 0)
    )
    start, end = max(0, at - AROUND), min(len(text), at + length + AROUND)
    before = ("…" if start else "") + text[start:at]
    after = text[at + length : end] + ("…" if end < len(text) else "")
    return Hit(run.message.conversation, run.id, is_answer, before, text[at : at + length], after, run.created)
