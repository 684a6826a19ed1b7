"""Ends a run: appends its last step, answers waiting parents, and cancels child runs that no one else waits for.

All in one transaction under the lock of the run's tree, so a worker killed at any point leaves either a run that
continues or one whose answer has arrived.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gpts.runs.delegation import result_of
from gpts.runs.steps import Cancelled, Step, ToolResult
from web.runs import files, log, stream
from web.runs.models import DelegationRow, Run
from web.runs.models_chats import QueuedMessage
from web.runs.wake import wake, wake_for_queued


def end(run_id: UUID, last: Step, lease: str | None = None) -> None:
    """End the run with the step `last`; cancel runs that only it waited for. Raises RunOver, LeaseLost."""
    with log.locked_tree(run_id):
        log.append(run_id, last, lease)
        run = Run.objects.get(id=run_id)
        for row in _waiting_for(run):
            deliver_answer(row, run)
        for child in _orphans_of(run):
            end(child, Cancelled())
        if run.root_id is None and QueuedMessage.objects.filter(conversation__messages=run.message_id).exists():
            wake_for_queued(run.message.conversation_id)
    transaction.on_commit(lambda: stream.publish(run_id, {"type": "done", "status": run.status}))


def _waiting_for(run: Run) -> list[DelegationRow]:
    if run.root_id is None:
        return []
    rows = DelegationRow.objects.filter(child=run).exclude(parent__status__in=Run.OVER)
    return list(rows.select_related("parent__version__gpt", "parent__message__conversation"))


def _orphans_of(run: Run) -> list[UUID]:
    """The unfinished children of `run` that no other run waits for."""
    rows = DelegationRow.objects.filter(parent=run).exclude(child__status__in=Run.OVER)
    children = set(rows.values_list("child", flat=True))
    if not children:  # most runs delegate nothing
        return []
    live = DelegationRow.objects.filter(child__in=children).exclude(parent__status__in=Run.OVER)
    return list(children - set(live.values_list("child", flat=True)))


def deliver_answer(row: DelegationRow, child: Run) -> None:
    """Append the result of the ended run `child` to its parent's log, and wake the parent."""
    result = _result(row, child)
    seq = log.append(row.parent_id, result)
    event = {"type": "step", "seq": seq, "kind": result.kind, "name": result.name, "ok": result.ok}
    transaction.on_commit(lambda: stream.publish(row.parent_id, event))
    wake(row.parent_id)


def _result(row: DelegationRow, child: Run) -> ToolResult:
    parent = row.parent
    result = result_of(
        row.call_id, row.tool, child.version.spec().name, log.read(child.id), child.author_label(parent.gpt)
    )
    return result.model_copy(
        update={
            "run_id": str(child.id),
            "files": files.pass_on(result.files, parent.message.conversation, parent) if result.files else (),
            "seconds": round((timezone.now() - child.created).total_seconds(), 2),
        }
    )
