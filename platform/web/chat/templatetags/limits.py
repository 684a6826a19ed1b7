"""Limits that the chat's templates show."""

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def max_message_chars() -> int:
    """The longest message that the site takes, in characters."""
    return settings.MAX_MESSAGE_CHARS


@register.simple_tag
def max_attachments() -> int:
    """Files that one message may have."""
    return int(settings.MAX_ATTACHMENTS)
