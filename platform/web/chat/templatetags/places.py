"""Where in a file a passage is, in words."""

from django import template

from gpts.knowledge.documents import Passage
from web.chat.sources import where

register = template.Library()


@register.filter
def place(passage: Passage) -> str:
    """The page, slide or sheet and the heading of `passage`, empty when the file has none."""
    return where(passage)
