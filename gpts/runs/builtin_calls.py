"""Which of the platform's own tools a logged call is of: by what the run was given, never by its name alone."""

from gpts.runs.steps import Log, UserMessage
from gpts.spec.builtin_tools import BUILTIN_TOOLS, BuiltinTool


def builtin_called(log: Log, name: str) -> BuiltinTool | None:
    """The platform's own tool that the run with this `log` calls `name`; None where that is anything else.

    A GPT's actions, servers and agents never get the name of a platform's tool; an API caller's function may have it.
    """
    first = log[0] if log else None
    given = first.overrides.functions if isinstance(first, UserMessage) else ()
    return None if any(function.name == name for function in given) else BUILTIN_TOOLS.get(name)
