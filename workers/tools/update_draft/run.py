"""The tool `update_draft`: fills in the form of the GPT that a conversation builds."""

from typing import Any

from workers.tools import ToolContext, ToolOutput
from workers.tools.settings import ToolSettings


def unavailable(settings: ToolSettings) -> str:
    """Nothing is needed to change a draft."""
    return ""


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """Change the draft. Raises ToolError if nothing of it can be changed, or if this chat builds no GPT."""
    return ToolOutput(context.update_draft(arguments), shown="", untrusted=False)
