"""The events of a run as updates of its A2A task. They end with the run, or when it waits for a person."""

from collections.abc import AsyncIterator
from typing import Any

from a2a.helpers import new_text_message
from a2a.types import Artifact, Part, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent

from web.a2a.tasks import ANSWER, MARKDOWN, artifacts_of, context_of, status_of
from web.runs import log, stream
from web.runs.connections import in_database
from web.runs.models import Run
from web.runs.stream import Event

Update = TaskArtifactUpdateEvent | TaskStatusUpdateEvent


async def updates(run: Run) -> AsyncIterator[Update]:
    """Yield the task's updates: progress, pieces of the answer, finally its artifacts and last status."""
    converter = _Converter(run)
    async for event in events(run):
        if (update := converter.update(event)) is not None:
            yield update
    for update in await in_database(_ending, run):
        yield update


async def events(run: Run) -> AsyncIterator[Event]:
    """Yield the run's events until it is over or waits for a person."""
    async for _, event in stream.follow(run.id):
        yield event
        if (not event or event.get("kind") == "approval_request") and await in_database(_waits, run):
            return


def _waits(run: Run) -> bool:
    return Run.objects.filter(id=run.id, status=Run.Status.REQUIRES_ACTION).exists()


def _ending(run: Run) -> list[Update]:
    """The whole artifacts, and the run's status now."""
    run.refresh_from_db(fields=["status", "ended"])
    steps = log.read(run.id)
    converter = _Converter(run)
    return [*map(converter.whole, artifacts_of(run, steps)), converter.status(status_of(run, steps))]


class _Converter:
    """Converts events to updates. A new reply replaces what was sent of the one before."""

    def __init__(self, run: Run) -> None:
        self._ids: dict[str, Any] = {"task_id": str(run.id), "context_id": context_of(run)}
        self._has_begun = False
        self._is_working = False

    def update(self, event: Event) -> Update | None:
        """The update for `event`, None if there is none."""
        match event.get("type"):
            case "attempt":
                self._has_begun = False
            case "token":
                return self._piece(event["text"])
            case "progress" | "queue":
                return self._working(event["text"])
            case "step" if not self._is_working:
                self._is_working = True
                return self._working("")
        return None

    def whole(self, artifact: Artifact) -> TaskArtifactUpdateEvent:
        """A whole artifact, which replaces what was sent of it."""
        return TaskArtifactUpdateEvent(**self._ids, artifact=artifact, last_chunk=True)

    def status(self, status: TaskStatus) -> TaskStatusUpdateEvent:
        """The task's new status."""
        return TaskStatusUpdateEvent(**self._ids, status=status)

    def _piece(self, text: str) -> TaskArtifactUpdateEvent:
        artifact = Artifact(artifact_id=ANSWER, name="Answer", parts=[Part(text=text, media_type=MARKDOWN)])
        append, self._has_begun = self._has_begun, True
        return TaskArtifactUpdateEvent(**self._ids, artifact=artifact, append=append)

    def _working(self, text: str) -> TaskStatusUpdateEvent:
        status = TaskStatus(state=TaskState.TASK_STATE_WORKING)
        if text:
            status.message.CopyFrom(new_text_message(text, **self._ids))
        return self.status(status)
