"""What the chat's and the creator's templates ask of the site."""

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gpts.runs.delegated_calls import DelegatedCall
from gpts.spec.capabilities import CAPABILITIES, Capability
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt
from web.chat import code, sources
from web.runs.stream import missing_capabilities

register = template.Library()
register.filter("coloured", code.coloured)
register.filter("place", sources.where)


@register.filter
def takes_files(gpt: GptSpec | Gpt) -> bool:
    """Whether something of the GPT reads attached files: a capability, or an action that takes some."""
    switched_on = (CAPABILITIES[key] for key in gpt.capabilities if key in CAPABILITIES)
    return any(capability.reads_files for capability in switched_on) or reads_files(gpt)


@register.filter
def reads_files(gpt: GptSpec | Gpt) -> bool:
    """Whether an action of the GPT takes files."""
    spec = gpt.draft_spec() if isinstance(gpt, Gpt) else gpt
    return any(operation.takes_files for action in spec.actions for operation in action.operations)


@register.simple_tag
def capability_switches() -> list[tuple[str, Capability, str]]:
    """Each capability with its key, and why it cannot work here; the reason is empty where it can."""
    missing = missing_capabilities()
    return [(key, capability, missing.get(key, "")) for key, capability in CAPABILITIES.items()]


@register.simple_tag
def why_not_drawn() -> str:
    """Why no picture can be made here; empty where one can."""
    return missing_capabilities().get("image_generation", "")


@register.simple_tag
def max_message_chars() -> int:
    """The longest message that the site takes, in characters."""
    return settings.MAX_MESSAGE_CHARS


@register.simple_tag
def max_attachments() -> int:
    """Files that one message may have."""
    return settings.MAX_ATTACHMENTS


@register.filter
def naming(words: str, call: DelegatedCall | None) -> SafeString | str:
    """`words` with the name of whom `call` asks in bold where it first stands in them; as they are without one."""
    before, found, after = words.partition(call.name) if call else (words, "", "")
    return format_html("{}<b><bdi>{}</bdi></b>{}", before, found, after) if found else words
