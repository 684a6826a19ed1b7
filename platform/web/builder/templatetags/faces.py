"""`{% face gpt "m" %}`: the picture of a GPT, or its drawn mark; `{% shown_name user gpt %}`: its name for `user`.

`{{ path|name_behind }}`: the name of the GPT that a path opens for anybody.
"""

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from web.builder.access import name_behind
from web.builder.delegates import shown_name
from web.builder.faces import MARKS, mark_key, tint
from web.builder.models import Gpt

register = template.Library()
register.simple_tag(shown_name)
register.filter(name_behind)
# Edge lengths in pixels, as in `css/base.css`.
SIZES = {"xs": 24, "s": 36, "m": 56, "l": 76, "xl": 104}


@register.simple_tag
def face(gpt: Gpt, size: str = "m") -> SafeString:
    """The face of `gpt` as HTML. It is decoration next to the name, so it has no text of its own."""
    if gpt.picture:
        src = reverse("gpt_picture", args=[gpt.id, gpt.picture.name])
        edge = SIZES[size]
        return format_html('<img class="face face-{}" src="{}" alt="" width="{}" height="{}">', size, src, edge, edge)
    return format_html(
        '<span class="face face-{} tint-{}" aria-hidden="true">{}</span>', size, tint(gpt), mark(mark_key(gpt))
    )


@register.simple_tag
def mark(key: str) -> SafeString:
    """The drawn mark `key` as an SVG in the text colour."""
    return format_html('<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>', MARKS[key])
