"""What people think of answers, for their form."""

from django import template
from django.utils.translation import gettext

from web.runs.feedback import REASONS, TEXT_CHARS
from web.runs.models_chats import Feedback

register = template.Library()


@register.filter
def reasons(given: Feedback) -> list[tuple[str, str]]:
    """The reasons to choose from, each with its words."""
    return [(key, gettext(words)) for key, words in REASONS[given.is_good].items()]


@register.simple_tag
def feedback_chars() -> int:
    """The most characters of a text."""
    return TEXT_CHARS
