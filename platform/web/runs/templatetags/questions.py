"""Template tags about questions to the creators of GPTs."""

from typing import Any

from django import template
from django.db.models import Count, Q

from web.builder.models import Gpt
from web.runs.creator_questions import OPEN, QUESTION_CHARS, UNSEEN, received
from web.runs.models import CreatorQuestion

register = template.Library()


@register.simple_tag
def question_chars() -> int:
    """The longest question to a creator, in characters."""
    return QUESTION_CHARS


@register.simple_tag
def n_questions(gpt: Gpt) -> int:
    """How many questions to the creator of `gpt` are open."""
    return received(gpt).filter(OPEN).count()


@register.simple_tag
def waiting_questions(user: Any) -> dict[str, int]:
    """In one query, how many questions wait for `user` to answer, and how many answers they have not seen."""
    if not getattr(user, "is_authenticated", False):  # the pages for errors may have no user
        return {}
    to_answer, answered = Count("id", filter=OPEN & Q(gpt__owner=user)), Count("id", filter=UNSEEN & Q(owner=user))
    theirs = CreatorQuestion.objects.filter(Q(gpt__owner=user) | Q(owner=user))
    return theirs.aggregate(to_answer=to_answer, answered=answered)
