"""How labels flow through a run: the label of each step, and of all that the model's next words rest on.

Nothing here looks at what a text says. A step is labelled by who wrote it and from what; the label of a context is
the join over the whole conversation, so it never gets better, and no later step can wash an earlier one clean.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from gpts.knowledge.documents import Passage
from gpts.runs.steps import Finished, Log, ModelReply, Retrieval, Step, ToolResult, UserMessage
from gpts.safety.labels import Integrity, Label, join, untrusted

# The private source that a GPT's own files are.
KNOWLEDGE: Final = "knowledge"
CALLERS_FUNCTIONS: Final = "the calling program's functions"


def label_of(step: Step) -> Label:
    """The label of what the model reads of `step`; the platform's own where it reads nothing of it."""
    match step:
        case UserMessage():
            return _message_label(step)
        case Retrieval():
            # Passages below the threshold are not given to the model.
            return passages_label(step.passages) if step.covered else Label()
        case ToolResult():
            return join([step.label, passages_label(step.passages, private=())]) if step.passages else step.label
        case ModelReply() | Finished():
            return step.label
    return Label()


def context_label(history: Sequence[Log], log: Log) -> Label:
    """The label of everything that the next model call reads, earlier turns (`history`) included."""
    return join(label_of(step) for turn in (*history, log) for step in turn)


def passages_label(passages: Sequence[Passage], private: Sequence[str] = (KNOWLEDGE,)) -> Label:
    """The label of passages from files and pages, which strangers may have written."""
    if not passages:
        return Label()
    return untrusted(*dict.fromkeys(map(_place, passages)), private=private)


def _place(passage: Passage) -> str:
    if not passage.url:
        return f"the file {passage.file_name}"
    parts = urlsplit(passage.url)
    return f"the page {parts.netloc}{parts.path}".rstrip("/")


def arguments_label(call_id: str, log: Log) -> Label:
    """The label of the arguments of a call: that of the reply that made it. Untrusted if no reply made it."""
    made = (step.label for step in log if isinstance(step, ModelReply) and _makes(step, call_id))
    return next(made, untrusted("an unknown author"))


def _makes(reply: ModelReply, call_id: str) -> bool:
    return any(call.call_id == call_id for call in reply.tool_calls)


def _message_label(step: UserMessage) -> Label:
    """A person's or program's own words, or a task with the label of what the GPT had read that gave it.

    What the program's functions gave comes from outside.
    """
    said = join([Label(integrity=Integrity.USER), step.label])
    if any(message.role == "tool" for message in (*step.earlier, *step.later)):
        return join([said, untrusted(CALLERS_FUNCTIONS)])
    return said
