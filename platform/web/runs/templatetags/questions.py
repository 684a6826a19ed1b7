"""Template tags about questions to the creators of GPTs."""

from django import template

from web.builder.models import Gpt
from web.runs.creator_questions import OPEN, QUESTION_CHARS, received
from web.store.reviews import n_unseen

register = template.Library()


@register.simple_tag
def question_chars() -> int:
    """The longest question to a creator, in characters."""
    return QUESTION_CHARS


@register.simple_tag
def n_questions(gpt: Gpt) -> int:
    """How many questions to the creator of `gpt` are open."""
    return received(gpt).filter(OPEN).count()


register.simple_tag(n_unseen, name="n_new_reviews")
