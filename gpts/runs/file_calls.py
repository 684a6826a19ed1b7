"""Which files a turn's model may search and read by calls, and which of them a call means."""

from collections.abc import Sequence
from typing import Final

from gpts.runs.intent import REQUEST_CHARS, SUMMARY
from gpts.runs.state import TurnState
from gpts.runs.steps import MessageIntent, ToolCall
from gpts.spec.file_tools import FILE_TOOLS, READ_MORE
from gpts.spec.gpt import KnowledgeRef
from gpts.spec.tools import ToolSpec

UNKNOWN_FILES: Final = "There is no file named {unknown}. The files are: {names}."
# Names of files that a prompt or a result lists.
MAX_LISTED: Final = 60


def file_tools(state: TurnState) -> dict[str, ToolSpec]:
    """The tools for the files that are not part of the prompt; empty if the files are searched without a call.

    They are for models that call tools, unless a program demands or forbids calls, wants a value under a schema, or
    has functions of these names.
    """
    is_free = _calls_freely(state) and not FILE_TOOLS.keys() & state.tools.keys()
    return dict(FILE_TOOLS) if is_free and state.long_files() else {}


def reads_on(state: TurnState) -> bool:
    """Whether the model may read the rows of a table by calls, so that its prompt needs only the first ones."""
    tool = state.tools.get(READ_MORE)
    return tool is not None and tool.builtin == READ_MORE and _calls_freely(state)


def _calls_freely(state: TurnState) -> bool:
    first, ability = state.user_message(), state.ability
    is_able = ability.calls_tools and ability.writes_from_sources
    is_free = first.overrides.tool_choice == "auto" and first.overrides.answer_schema is None
    return is_able and is_free and not first.is_side_task


def meant_files(call: ToolCall, state: TurnState) -> tuple[KnowledgeRef, ...]:
    """The files that the call of a file tool names, those that are not part of the prompt if it names none."""
    wanted = set(_named(call))
    return tuple(ref for ref in state.files() if _label(ref.name) in wanted) if wanted else state.long_files()


def unknown_files(call: ToolCall, state: TurnState) -> str:
    """What the model is told of names in its call that no file has; empty if there are none."""
    known = {_label(ref.name) for ref in state.files()}
    unknown = [f"“{name}”" for label, name in _named(call).items() if label not in known]
    return UNKNOWN_FILES.format(unknown=", ".join(unknown), names=listed_names(state.files())) if unknown else ""


def listed_names(files: Sequence[KnowledgeRef]) -> str:
    """The names of the files for a model that has read nothing of them: those that the creator or the person gave."""
    names = [ref.name for ref in files if not ref.from_source][:MAX_LISTED]
    more = len(files) - len(names)
    return " and ".join(filter(None, (", ".join(names), f"{more} {'more' if names else 'files'}" if more else "")))


def reading_wish(call: ToolCall, state: TurnState) -> MessageIntent:
    """What a call that reads files is to find in which of them."""
    task = " ".join(str(call.arguments.get("task", "")).split())[:REQUEST_CHARS]
    query = SUMMARY if task.rstrip(".").casefold() == SUMMARY else task
    ids = tuple(ref.file_id for ref in meant_files(call, state))
    return MessageIntent(intent="whole_files", query=query, file_ids=ids)


def _named(call: ToolCall) -> dict[str, str]:
    """The names in the call's arguments, each by how it is compared."""
    names = call.arguments.get("files")
    return {_label(str(name)): str(name) for name in names} if isinstance(names, list) else {}


def _label(name: str) -> str:
    """A name as models repeat it: without its extension, in any case."""
    stem, _, _ = name.strip().casefold().rpartition(".")
    return stem or name.strip().casefold()
