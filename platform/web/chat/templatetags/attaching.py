"""Whether files can be attached to messages for a GPT."""

from django import template

from gpts.spec import GptSpec
from web.builder.models import Gpt

register = template.Library()


@register.filter
def takes_files(gpt: GptSpec | Gpt) -> bool:
    """Whether something of the GPT reads attached files: its code interpreter, or an action that takes some."""
    spec = gpt.draft_spec() if isinstance(gpt, Gpt) else gpt
    operations = (operation for action in spec.actions for operation in action.operations)
    return "code_interpreter" in spec.capabilities or any(operation.takes_files for operation in operations)
