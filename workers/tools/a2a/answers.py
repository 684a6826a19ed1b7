"""Turns an agent's result into the output of a tool."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from a2a.server.tasks.task_manager import append_artifact_to_task
from a2a.types import Message, Part, Role, Task, TaskArtifactUpdateEvent, TaskState
from google.protobuf.json_format import MessageToDict

from gpts.spec.actions import host_of
from gpts.spec.agents import from_struct
from gpts.spec.gpt import RemoteAgent
from workers.tools import ToolContext, ToolOutput, check_length
from workers.tools.actions import answers
from workers.tools.actions.files import ending, file_name, keep_each
from workers.tools.credentials import Credential, scrub

# How a task ended without a result, as the rest of a sentence about the agent.
ENDED: Final = {
    TaskState.TASK_STATE_FAILED: "failed at the task.",
    TaskState.TASK_STATE_REJECTED: "rejected the task.",
    TaskState.TASK_STATE_CANCELED: "cancelled the task.",
    TaskState.TASK_STATE_INPUT_REQUIRED: "needs more information. Call it again with the information in the task.",
    TaskState.TASK_STATE_AUTH_REQUIRED: "requires a sign-in. The GPT's creator has to set it up.",
}


def output(agent: RemoteAgent, found: Task | Message, credential: Credential, context: ToolContext) -> ToolOutput:
    """The agent's result as a tool's output, without the credential's secret.

    That of a task without a result is a failure with the agent's message. Raises ToolError if it is too long.
    """
    if isinstance(found, Task) and found.status.state in ENDED:
        return _failed(agent, credential, ENDED[found.status.state], list(found.status.message.parts))
    host = host_of(agent.url)
    parts = list(found.parts) if isinstance(found, Message) else _parts_of(found)
    files = keep_each(_files(parts), context, credential)
    values = [_value(part) for part in parts if part.WhichOneof("content") in ("text", "data", "url")]
    text = answers.with_files(scrub("\n\n".join(map(answers.readable, values)), credential), files)
    check_length(text, f"The response of {agent.name}")
    if not text:
        return answers.from_outside(host, f"{agent.name} returned no content.", "No content.")
    shown = "\n\n".join(each if isinstance(each, str) else answers.shown(each) for each in values)
    return answers.from_outside(host, text, scrub(shown, credential) or text, files)


def refusal(agent: RemoteAgent, credential: Credential, message: str) -> ToolOutput:
    """The output of a call that the agent refused with `message`."""
    return _failed(agent, credential, "refused the task.", [Part(text=message)])


def _failed(agent: RemoteAgent, credential: Credential, sentence: str, parts: Sequence[Part]) -> ToolOutput:
    message = " ".join(part.text for part in parts if part.text)
    message = scrub(message, credential).strip()[: answers.MAX_REASON_CHARS]
    text = f"{agent.name} {sentence}" + (f" Response: {message}" if message else "")
    return answers.from_outside(host_of(agent.url), text, answers.shown(text), ok=False)


def add_piece(task: Task, update: TaskArtifactUpdateEvent) -> None:
    """Add an update of an artifact to `task`. Text that continues text is joined to it."""
    begun = next((each for each in task.artifacts if each.artifact_id == update.artifact.artifact_id), None)
    parts = list(update.artifact.parts)
    if update.append and begun and begun.parts and parts and begun.parts[-1].text and parts[0].text:
        begun.parts[-1].text += parts[0].text
        begun.parts.extend(parts[1:])
    else:
        append_artifact_to_task(task, update)


def _parts_of(task: Task) -> list[Part]:
    """The artifacts of a finished task, else its last message."""
    made = [part for artifact in task.artifacts for part in artifact.parts]
    if made or task.status.message.parts:
        return made or list(task.status.message.parts)
    said = [message for message in task.history if message.role == Role.ROLE_AGENT]
    return list(said[-1].parts) if said else []


def _value(part: Part) -> Any:
    """The text, the data, or the name and URL in a part. URLs are not fetched."""
    match part.WhichOneof("content"):
        case "data":
            return from_struct(MessageToDict(part.data))
        case "url":
            return f"{part.filename}: {part.url}" if part.filename else part.url
    return part.text


def _files(parts: Iterable[Part]) -> Iterator[tuple[str, str, bytes]]:
    held = (part for part in parts if part.WhichOneof("content") == "raw")
    for number, part in enumerate(held, start=1):
        mime = part.media_type[:100] or "application/octet-stream"
        name = file_name(part.filename) if part.filename else f"file-{number}.{ending(mime)}"
        yield name, mime, part.raw
