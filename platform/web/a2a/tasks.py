"""Runs as A2A tasks, and A2A messages as the text and files of a run.

A task's id is the run's, its context the conversation; its state is read from the run's log.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from a2a.helpers import new_text_message
from a2a.types import Artifact, Message, Part, Role, Task, TaskState, TaskStatus
from a2a.utils.errors import ContentTypeNotSupportedError
from django.db.models import QuerySet
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from gpts.knowledge.documents import Citation
from gpts.runs.status import pending_approvals
from gpts.runs.steps import ApprovalRequest, Cancelled, Error, FileRef, Finished, Log, UserMessage
from gpts.spec.agents import from_struct
from web.accounts.models import User
from web.runs import files, log
from web.runs.citations import source_url
from web.runs.events import file_url, made_files, page_of, small_file, text_of_request
from web.runs.models import ConversationFile, Run

NO_URLS: Final = "Files are not fetched from URLs. Send the bytes of “{name}” in a raw part."
ANSWER: Final = "answer"  # the id of the artifact that is the answer
MARKDOWN: Final = "text/markdown"
# What programs get of a citation, besides its URL.
CITED: Final = {
    *("tag", "file_id", "file_name", "quote", "page", "unit", "heading", "answer_start", "answer_end", "untrusted")
}
STATES: Final[dict[str, TaskState]] = {
    Run.Status.QUEUED: TaskState.TASK_STATE_SUBMITTED,
    Run.Status.IN_PROGRESS: TaskState.TASK_STATE_WORKING,
    Run.Status.REQUIRES_ACTION: TaskState.TASK_STATE_INPUT_REQUIRED,
    Run.Status.COMPLETED: TaskState.TASK_STATE_COMPLETED,
    Run.Status.INCOMPLETE: TaskState.TASK_STATE_COMPLETED,
    Run.Status.FAILED: TaskState.TASK_STATE_FAILED,
    Run.Status.CANCELLED: TaskState.TASK_STATE_CANCELED,
}


def task_of(run: Run, with_artifacts: bool = True) -> Task:
    """The task now. Its artifacts may contain whole files."""
    run.refresh_from_db(fields=["status", "ended"])
    steps = log.read(run.id)
    task = Task(id=str(run.id), context_id=context_of(run), status=status_of(run, steps))
    task.history.append(_question(run, steps))
    task.artifacts.extend(artifacts_of(run, steps) if with_artifacts else ())
    return task


def context_of(run: Run) -> str:
    """The context id of the run's task: the caller's own, or the conversation's."""
    return run.message.conversation.external_id or str(run.message.conversation_id)


def _question(run: Run, steps: Log) -> Message:
    """The message that the task answers, with the addresses of its files."""
    sent = steps[0].attachments if isinstance(steps[0], UserMessage) else ()
    return Message(
        role=Role.ROLE_USER,
        message_id=str(run.message_id),
        task_id=str(run.id),
        context_id=context_of(run),
        parts=[*[Part(text=run.message.text)] * bool(run.message.text), *map(_link, sent)],
    )


def status_of(run: Run, steps: Log) -> TaskStatus:
    """The task's state, with a message for people if it needs one."""
    waits = run.status == Run.Status.REQUIRES_ACTION
    waiting, last, text = pending_approvals(steps) if waits else (), steps[-1], ""
    if waiting:
        text = _requests_text(run, waiting)
    elif isinstance(last, Error):
        text = last.message
    status = TaskStatus(state=state_of(run, steps))
    status.timestamp.FromDatetime(run.ended or run.created)
    if text:
        status.message.CopyFrom(new_text_message(text, context_id=context_of(run), task_id=str(run.id)))
    if waiting:
        status.message.metadata["approvals"] = [{"run": str(run.id), "call_id": each.call_id} for each in waiting]
    return status


def state_of(run: Run, steps: Log) -> TaskState:
    """The task's state: a run that waits does so for approvals and answers, or only for sign-ins."""
    waiting = pending_approvals(steps)
    if run.status == Run.Status.REQUIRES_ACTION and waiting and all(request.sign_in for request in waiting):
        return TaskState.TASK_STATE_AUTH_REQUIRED
    return STATES[run.status]


def in_state(runs: QuerySet[Run], wanted: TaskState) -> QuerySet[Run]:
    """Those of the runs whose task is in this state; what one waits for is only in its log."""
    if wanted not in (TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED):
        return runs.filter(status__in=[status for status, state in STATES.items() if state == wanted])
    waiting = runs.filter(status=Run.Status.REQUIRES_ACTION)
    return runs.filter(id__in=[run.id for run in waiting if state_of(run, log.read(run.id)) == wanted])


def _requests_text(run: Run, waiting: Iterable[ApprovalRequest]) -> str:
    """The calls to approve, and the URL for that. Not in the task itself, where a model could answer them too."""
    name = run.version.spec().name
    texts = (text_of_request(request, name, names_fields=True) for request in waiting)
    return "\n\n".join([*texts, f"The user answers at {page_of(run.id)}."])


def artifacts_of(run: Run, steps: Log) -> list[Artifact]:
    """The answer, if there is one yet, and the files that tools made."""
    last = steps[-1]
    made = made_files(steps)
    artifacts = [Artifact(artifact_id=file.id or file.name, name=file.name, parts=[_file(file)]) for file in made]
    if isinstance(last, Finished):
        artifacts.insert(0, answer_of(run, last))
    elif isinstance(last, Cancelled) and last.text:
        artifacts.insert(0, answer_of(run, Finished(text=last.text, finish="cancelled")))
    return artifacts


def answer_of(run: Run, finished: Finished) -> Artifact:
    """The answer, with its citations in the artifact's metadata."""
    metadata = {
        "coverage": finished.coverage,
        "finish": finished.finish,
        "label": finished.label.origin.model_dump(mode="json"),
        "support": [each.model_dump(mode="json", exclude_defaults=True) for each in finished.support],
        "n_withheld": finished.n_withheld,
        "citations": [_citation(run, number, each) for number, each in enumerate(finished.citations)],
        "closest": [_citation(run, number, each) for number, each in enumerate(finished.closest)],
    }
    parts = [Part(text=finished.text, media_type=MARKDOWN)]
    return Artifact(artifact_id=ANSWER, name="Answer", parts=parts, metadata=ParseDict(metadata, Struct()))


def _citation(run: Run, number: int, citation: Citation) -> dict[str, Any]:
    return {**citation.model_dump(mode="json", include=CITED), "url": source_url(run.id, number, citation)}


def _file(file: FileRef) -> Part:
    """The file's bytes, or its URL if it is large."""
    data = small_file(file)
    return _link(file) if data is None else Part(raw=data, filename=file.name, media_type=file.mime)


def _link(file: FileRef) -> Part:
    return Part(url=file_url(file.id), filename=file.name, media_type=file.mime)


def text_of(message: Message) -> str:
    """The texts of the message in order, its data as JSON. Raises ContentTypeNotSupportedError."""
    return "\n\n".join(filter(None, map(_part_text, message.parts)))


def _part_text(part: Part) -> str:
    match part.WhichOneof("content"):
        case "text":
            return str(part.text)
        case "data":
            return json.dumps(from_struct(MessageToDict(part.data)), ensure_ascii=False)
        case "url":
            raise ContentTypeNotSupportedError(NO_URLS.format(name=(part.filename or part.url)[:80]))
    return ""


def attached(user: User, parts: Sequence[Part]) -> list[ConversationFile]:
    """The files of the message, stored for `user`. Raises Refused for one that is empty or too large."""
    raw = [part for part in parts if part.WhichOneof("content") == "raw"]
    return [files.attach(user, part.filename or f"file-{n}", [part.raw]) for n, part in enumerate(raw, start=1)]
