"""How labels flow through a run: the label of each step, and of everything that the next reply depends on.

No text is inspected. A step is labelled by who wrote it and from what; the label of a context is the join over the
whole conversation, so it never improves and no later step can launder an earlier one.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from gpts.knowledge.documents import Passage
from gpts.runs.steps import Finished, Log, ModelReply, PartNotes, Retrieval, Step, ToolResult, UserMessage
from gpts.safety.labels import Integrity, Label, join, untrusted
from gpts.spec.tools import ToolSpec

# The private source for a GPT's own files and those attached to a conversation.
KNOWLEDGE: Final = "knowledge"
CALLERS_FUNCTIONS: Final = "the calling program's functions"
# Nobody knows what these replies were written from, so they may also hold content of any private source.
UNRECOGNISED: Final = untrusted("earlier messages sent by the calling program", private=("earlier messages",))


def label_of(step: Step, attached: Container[str] = ()) -> Label:
    """The label of what the model reads of `step`; the platform's label if it reads nothing of it.

    `attached` are the names of files that a person attached, so that each is called that.
    """
    match step:
        case UserMessage():
            return _message_label(step)
        case Retrieval():
            # Passages below the threshold are not given to the model.
            found = step.passages if step.covered or step.extract else ()
            return _files_label([*(_file(name, attached) for name in step.whole_files), *_places(found, attached)])
        case PartNotes():
            return _files_label([_file(step.file_name, attached)])
        case ToolResult():
            return join([step.label, untrusted(*_places(step.passages, attached))]) if step.passages else step.label
        case ModelReply() | Finished():
            return step.label
    return Label()


def context_label(history: Sequence[Log], log: Log, tools: Mapping[str, ToolSpec]) -> Label:
    """The label of everything that the next model call reads: tools' texts, earlier turns (`history`), this turn."""
    steps = [step for turn in (*history, log) for step in turn]
    attached = {file.name for step in steps if isinstance(step, UserMessage) for file in step.files}
    return join([tools_label(tools), *(label_of(step, attached) for step in steps)])


def tools_label(tools: Mapping[str, ToolSpec]) -> Label:
    """The label of the names, descriptions and schemas of `tools`: some are written by outsiders."""
    authors = dict.fromkeys(tool.written_by for tool in tools.values() if tool.written_by)
    return untrusted(*authors) if authors else Label()


def _files_label(names: Sequence[str]) -> Label:
    """The label of text from these files and pages, which third parties may have written."""
    return untrusted(*dict.fromkeys(names), private=(KNOWLEDGE,)) if names else Label()


def _places(passages: Sequence[Passage], attached: Container[str]) -> list[str]:
    return list(dict.fromkeys(_place(passage, attached) for passage in passages))


def _place(passage: Passage, attached: Container[str]) -> str:
    if not passage.url:
        return _file(passage.file_name, attached)
    parts = urlsplit(passage.url)
    return f"the page {parts.netloc}{parts.path}".rstrip("/")


def _file(name: str, attached: Container[str]) -> str:
    return f"the {'attached ' if name in attached else ''}file {name}"


def arguments_label(call_id: str, log: Log) -> Label:
    """The label of a call's arguments: that of the reply that made the call, untrusted if there is none."""
    replies = (step for step in log if isinstance(step, ModelReply))
    made = (reply.label for reply in replies for call in reply.tool_calls if call.call_id == call_id)
    return next(made, untrusted("an unknown author"))


def _message_label(step: UserMessage) -> Label:
    """The label of a message: a person's or program's own text, or a delegated task with its parent run's label.

    Attached files, by their names at least, and results of the API caller's functions count as outside text, and so
    do replies that the caller sent along, except those that this site recognises as its own.
    """
    names = [file.name for file in step.files]
    said = [Label(integrity=Integrity.USER), step.label, _files_label([_file(name, names) for name in names])]
    sent = {message.role for message in (*step.earlier, *step.later)}
    if "tool" in sent:
        said.append(untrusted(CALLERS_FUNCTIONS))
    if "assistant" in sent:
        said.append(step.replies_label or UNRECOGNISED)
    return join(said)
