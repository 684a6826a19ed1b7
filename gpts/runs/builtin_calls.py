"""Which built-in tool a logged call belongs to, decided by what the run was granted, never by the name alone."""

from gpts.runs.steps import Log, UserMessage
from gpts.spec.builtin_tools import BUILTIN_TOOLS, BuiltinTool


def builtin_called(log: Log, name: str) -> BuiltinTool | None:
    """The built-in tool that the run with this `log` calls `name`; None if that is any other tool.

    Actions, MCP servers and agents of a GPT never get the name of a built-in tool; an API caller's function may.
    """
    first = log[0] if log else None
    given = first.overrides.functions if isinstance(first, UserMessage) else ()
    return None if any(function.name == name for function in given) else BUILTIN_TOOLS.get(name)
