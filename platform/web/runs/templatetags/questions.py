"""Template tags about questions to the creators of GPTs."""

from typing import Any

from django import template

from web.builder.models import Gpt
from web.runs.creator_questions import QUESTION_CHARS, received, unseen
from web.runs.models import CreatorQuestion

register = template.Library()


@register.simple_tag
def question_chars() -> int:
    """The longest question to a creator, in characters."""
    return QUESTION_CHARS


@register.simple_tag
def n_questions(gpt: Gpt) -> int:
    """How many questions to the creator of `gpt` are open."""
    return received(gpt).filter(closed=None).count()


@register.simple_tag
def n_to_answer(user: Any) -> int:
    """How many questions about their GPTs wait for `user`."""
    if not getattr(user, "is_authenticated", False):  # the pages for errors may have no user
        return 0
    return CreatorQuestion.objects.filter(gpt__owner=user, closed=None).count()


@register.simple_tag
def n_answered(user: Any) -> int:
    """How many answers of creators `user` has not seen yet."""
    return unseen(user).count() if getattr(user, "is_authenticated", False) else 0
