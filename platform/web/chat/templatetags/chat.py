"""Template tags and filters of the chat and of the creator's form."""

import keyword
import re
from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.conf import settings
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from gpts.runs.delegated_calls import DelegatedCall
from gpts.spec import inputs
from gpts.spec.capabilities import CAPABILITIES, Capability
from gpts.spec.gpt import GptSpec
from gpts.spec.inputs import shown_value
from web.builder.models import Gpt
from web.chat.approvals import ShownField
from web.chat.rendering import render_message
from web.runs import files
from web.runs.citations import where
from web.runs.models import Conversation
from web.runs.stream import missing_capabilities
from web.worker_texts import said

register = template.Library()
_WORDS: Final = "|".join(keyword.kwlist)
_TOKEN: Final = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>[rbfuRBFU]{0,2}(?:'''[\s\S]*?'''|\"\"\"[\s\S]*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"))"
    rf"|(?P<word>\b(?:{_WORDS})\b)"
    r"|(?P<number>\b\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?\b)"
)
register.filter("place", where)
register.filter("as_message", render_message)


@register.simple_tag
def temporary_note() -> str:
    """What stands above a temporary chat."""
    days = settings.KEEP_TEMPORARY_DAYS
    return ngettext(
        "Temporary chat: it isn’t in your list and is deleted {n} day after its last message.",
        "Temporary chat: it isn’t in your list and is deleted {n} days after its last message.",
        days,
    ).format(n=days)


@register.filter
def openers(gpt: GptSpec | Gpt) -> str:
    """The titles of what opens attached files itself in the GPT; empty if nothing does."""
    return ", ".join(files.openers(gpt.draft_spec() if isinstance(gpt, Gpt) else gpt))


@register.simple_tag
def input_fields(spec: GptSpec | Gpt, values: Mapping[str, Any] | None = None) -> list[ShownField]:
    """The inputs of the GPT as fields of a form, with `values` or else their defaults."""
    own = spec.draft_spec() if isinstance(spec, Gpt) else spec
    given = values or {}
    return [ShownField(each, f"input-{each.name}", given.get(each.name, each.default)) for each in own.inputs]


@register.filter
def values_in(conversation: Conversation, spec: GptSpec) -> list[tuple[str, str]]:
    """What the person filled in for the conversation, with the labels of the inputs."""
    values = conversation.inputs
    return [(each.label, shown_value(values[each.name])) for each in spec.inputs if each.name in values]


@register.filter
def with_labels(starter: str, spec: GptSpec | Gpt) -> str:
    """A starter with the labels of inputs in place of their placeholders."""
    own = spec.draft_spec() if isinstance(spec, Gpt) and spec.inputs else spec
    return inputs.with_labels(starter, own.inputs) if own.inputs else starter


@register.simple_tag
def capability_switches() -> list[tuple[str, Capability, str]]:
    """Each capability with its key, and why it is not available on this site; the reason is empty if it is."""
    missing = {key: said(why) for key, why in missing_capabilities().items()}
    return [(key, capability, missing.get(key, "")) for key, capability in CAPABILITIES.items()]


@register.simple_tag
def why_not_drawn() -> str:
    """Why pictures cannot be generated on this site; empty if they can."""
    return said(missing_capabilities().get("image_generation", ""))


@register.filter
def naming(words: str, call: DelegatedCall | None) -> SafeString | str:
    """`words` with the first occurrence of the name of `call` in bold, if there is one."""
    before, found, after = words.partition(call.name) if call else (words, "", "")
    return format_html("{}<b><bdi>{}</bdi></b>{}", before, found, after) if found else words


@register.filter
def highlighted(code: str) -> SafeString:
    """Python code as escaped HTML with comments, strings, keywords and numbers in elements of those classes."""
    parts, at = [], 0
    for found in _TOKEN.finditer(code):
        parts.append(format_html("{}", code[at : found.start()]))
        parts.append(format_html('<span class="py-{}">{}</span>', found.lastgroup, found[0]))
        at = found.end()
    parts.append(format_html("{}", code[at:]))
    return format_html_join("", "{}", ((part,) for part in parts))
