"""The tool `remember`: keeps a sentence about the person for their later chats with the GPT."""

from typing import Any

from workers.tools import ToolContext, ToolOutput, escaped
from workers.tools.settings import ToolSettings


def unavailable(settings: ToolSettings) -> str:
    """Nothing is needed to remember."""
    return ""


def run(arguments: dict[str, Any], ctx: ToolContext, settings: ToolSettings) -> ToolOutput:
    """Keep the sentence. Raises ToolError if there is no room, or nothing can be remembered in this chat."""
    text = ctx.remember(str(arguments["text"]))
    return ToolOutput(f"Remembered: {text}", shown=f"I’ll remember: {escaped(text)}", untrusted=False)
