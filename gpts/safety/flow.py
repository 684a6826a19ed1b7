"""How labels flow through a run: the label of each step, and of everything that the next reply depends on.

No text is inspected. A step is labelled by who wrote it and from what; the label of a context is the join over the
whole conversation, so it never improves and no later step can launder an earlier one.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from gpts.knowledge.documents import Passage
from gpts.runs.steps import Finished, Log, ModelReply, PartNotes, Retrieval, Step, ToolResult, UserMessage
from gpts.safety.labels import Integrity, Label, join, untrusted

# The private source for a GPT's own files.
KNOWLEDGE: Final = "knowledge"
CALLERS_FUNCTIONS: Final = "the calling program's functions"


def label_of(step: Step) -> Label:
    """The label of what the model reads of `step`; the platform's label if it reads nothing of it."""
    match step:
        case UserMessage():
            return _message_label(step)
        case Retrieval():
            # Passages below the threshold are not given to the model.
            if step.whole_files:
                return untrusted(*(f"the file {name}" for name in step.whole_files), private=(KNOWLEDGE,))
            return passages_label(step.passages) if step.covered or step.extract else Label()
        case PartNotes():
            return untrusted(f"the file {step.file_name}", private=(KNOWLEDGE,))
        case ToolResult():
            return join([step.label, passages_label(step.passages, private=())]) if step.passages else step.label
        case ModelReply() | Finished():
            return step.label
    return Label()


def context_label(history: Sequence[Log], log: Log) -> Label:
    """The label of everything that the next model call reads, including earlier turns (`history`)."""
    return join(label_of(step) for turn in (*history, log) for step in turn)


def passages_label(passages: Sequence[Passage], private: Sequence[str] = (KNOWLEDGE,)) -> Label:
    """The label of passages from files and pages, which third parties may have written."""
    if not passages:
        return Label()
    return untrusted(*dict.fromkeys(map(_place, passages)), private=private)


def _place(passage: Passage) -> str:
    if not passage.url:
        return f"the file {passage.file_name}"
    parts = urlsplit(passage.url)
    return f"the page {parts.netloc}{parts.path}".rstrip("/")


def arguments_label(call_id: str, log: Log) -> Label:
    """The label of a call's arguments: that of the reply that made the call, untrusted if there is none."""
    replies = (step for step in log if isinstance(step, ModelReply))
    made = (reply.label for reply in replies for call in reply.tool_calls if call.call_id == call_id)
    return next(made, untrusted("an unknown author"))


def _message_label(step: UserMessage) -> Label:
    """The label of a message: a person's or program's own text, or a delegated task with its parent run's label.

    Results of the API caller's functions count as outside text.
    """
    said = join([Label(integrity=Integrity.USER), step.label])
    if any(message.role == "tool" for message in (*step.earlier, *step.later)):
        return join([said, untrusted(CALLERS_FUNCTIONS)])
    return said
