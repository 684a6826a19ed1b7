"""Filters for passages that a person decides on: hidden characters are made visible."""

import re
import unicodedata
from itertools import groupby
from typing import Final

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop, ngettext

from web.builder import units
from web.builder.models_files import KnowledgeFile
from web.worker_texts import said

register = template.Library()
register.filter("said", said)

# Characters that are not visible: controls, formatting, private use, unassigned, and blank letters.
_INVISIBLE: Final = {"Cc", "Cf", "Co", "Cn", "Cs"}
_BLANKS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\ufe0e\ufe0f")
_LAYOUT: Final = "\n\t"
# Unicode's tag characters are ASCII plus 0xE0000: no font shows them, but every model reads them.
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]+")
_TAG_BASE: Final = 0xE0000


@register.filter
def unveiled(text: str) -> SafeString:
    """`text` as HTML in which hidden characters are marked with their names, and hidden letters are readable."""
    parts: list[SafeString] = []
    end = 0
    for tags in _TAGS.finditer(text):
        hidden = "".join(chr(ord(character) - _TAG_BASE) for character in tags.group())
        mark = format_html(
            '<mark class="unseen" title="{}">{}</mark>', gettext("Written in invisible tag characters"), hidden
        )
        parts += [*_marked(text[end : tags.start()]), mark]
        end = tags.end()
    return mark_safe("".join([*parts, *_marked(text[end:])]))  # noqa: S308  # every part is escaped above


def _marked(text: str) -> list[SafeString]:
    """`text` escaped, each run of an invisible character replaced by a mark."""
    runs = groupby(text, key=lambda character: character if _is_invisible(character) else "")
    return [_mark("".join(run)) if unseen else format_html("{}", "".join(run)) for unseen, run in runs]


def _is_invisible(character: str) -> bool:
    return character not in _LAYOUT and (unicodedata.category(character) in _INVISIBLE or character in _BLANKS)


def _mark(run: str) -> SafeString:
    code = f"U+{ord(run[0]):04X}"
    name = unicodedata.name(run[0], gettext("unnamed character")).lower()
    times = f" ×{len(run)}" if len(run) > 1 else ""
    return format_html('<mark class="unseen" title="{}">{}{}</mark>', name, code, times)


@register.simple_tag
def reading_state(file: KnowledgeFile) -> str:
    """How far a file has been read."""
    return units.reading(file.unit, file.n_read, file.n_pages)


register.filter("numbered", units.numbered)
register.filter("counted", units.counted)


@register.filter
def compact(text: str) -> str:
    """`text` without blank lines, for excerpts of a few lines."""
    return "\n".join(line for line in text.splitlines() if line.strip())


@register.filter
def time_left(seconds: int | None) -> str:
    """The remaining time in words; empty if unknown."""
    if seconds is None:
        return ""
    if seconds < 10:
        return gettext("a few seconds left")
    if seconds < 55:
        return gettext("less than a minute left")
    minutes = round(seconds / 60)
    if minutes < 90:
        return (
            gettext("about a minute left")
            if minutes < 2
            else ngettext("about {n} minute left", "about {n} minutes left", minutes).format(n=minutes)
        )
    hours = round(minutes / 60)
    return ngettext("about {n} hour left", "about {n} hours left", hours).format(n=hours)


_KINDS: Final = {
    "invisible_text": gettext_noop("Invisible text"),
    "hidden_characters": gettext_noop("Hidden characters"),
    "differs_from_picture": gettext_noop("Text that differs from what the page shows"),
    "speaks_to_model": gettext_noop("Phrases often used to instruct a model"),
    "stuffed_repeats": gettext_noop("Repeated to rank higher in search"),
}


@register.filter
def kind_name(kind: str) -> str:
    """The title of a finding of this kind."""
    return gettext(_KINDS.get(kind, kind.replace("_", " ").capitalize()))
