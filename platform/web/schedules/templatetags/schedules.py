"""The template tag about what waits for a person: in the bar of every page, so in one query."""

from typing import Any

from django import template

from web.accounts.models import User
from web.counting import number_of
from web.moderation.models import Case
from web.runs.creator_questions import OPEN, UNSEEN
from web.runs.models import CreatorQuestion
from web.schedules.models import Schedule
from web.store.models import Review
from web.store.reviews import UNSEEN as UNSEEN_REVIEW

register = template.Library()


@register.simple_tag
def waiting(user: Any) -> dict[str, int]:
    """What waits for `user`: questions and new reviews of their GPTs (`to_answer`), answers to their own questions
    that they have not seen (`answered`), schedules that paused themselves (`stopped`), and decisions of admins about
    something of theirs that they have not read (`decided`).
    """
    if not getattr(user, "is_authenticated", False):  # the pages for errors may have no user
        return {}
    stopped = Schedule.objects.exclude(paused=None).exclude(paused_why="")
    questions = number_of(CreatorQuestion.objects.filter(OPEN), "gpt__owner")
    counts = {
        "to_answer": questions + number_of(Review.objects.filter(UNSEEN_REVIEW), "gpt__owner"),
        "answered": number_of(CreatorQuestion.objects.filter(UNSEEN), "owner"),
        "stopped": number_of(stopped, "owner"),
        "decided": number_of(Case.objects.filter(seen=False), "owner"),
    }
    found: Any = User.objects.filter(pk=user.pk).values(**counts).first()
    return found or {}
