"""`{{ words|naming:ask }}`: words in which the name of who is asked stands out."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.runs.asks import Ask

register = template.Library()


@register.filter
def naming(words: str, ask: Ask | None) -> SafeString | str:
    """`words` with the name of whom `ask` asks in bold where it first stands in them; as they are without one."""
    before, found, after = words.partition(ask.name) if ask else (words, "", "")
    return format_html("{}<b><bdi>{}</bdi></b>{}", before, found, after) if found else words
