"""Whether files can be attached to messages for a GPT."""

from django import template

from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.builder.models import Gpt

register = template.Library()


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
