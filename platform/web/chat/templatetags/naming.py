"""`{{ words|naming:call }}`: words in which the name of who is asked stands out."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gpts.runs.delegated_calls import DelegatedCall

register = template.Library()


@register.filter
def naming(words: str, call: DelegatedCall | None) -> SafeString | str:
    """`words` with the name of whom `call` asks in bold where it first stands in them; as they are without one."""
    before, found, after = words.partition(call.name) if call else (words, "", "")
    return format_html("{}<b><bdi>{}</bdi></b>{}", before, found, after) if found else words
