"""Template tags about chats that came from other systems."""

from django import template

from web.builder.models import Gpt
from web.runs.models_imports import ImportedChat

register = template.Library()


@register.simple_tag
def n_imported(gpt: Gpt) -> int:
    """How many chats that came from another system belong to `gpt`."""
    return ImportedChat.objects.filter(conversation__gpt=gpt, conversation__deleted=None).count()
