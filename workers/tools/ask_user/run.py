"""The tool `ask_user`: the answers that a person gave in a form, while no worker waited."""

from typing import Any

from gpts.runs.form_answers import for_model
from workers.tools import ToolContext, ToolOutput
from workers.tools.settings import ToolSettings


def unavailable(settings: ToolSettings) -> str:
    """Nothing: forms can be shown by every site."""
    return ""


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """The answers, which are the person's own words."""
    return ToolOutput(for_model(context.answers), untrusted=False)
