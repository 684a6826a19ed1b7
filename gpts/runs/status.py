"""What a log says of its run: the status, open requests for approval, and what of it still counts."""

from typing import Literal

from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    Cancelled,
    Error,
    Finished,
    Log,
    ModelChange,
    ModelReply,
    ToolResult,
    UserMessage,
)

Status = Literal["queued", "in_progress", "requires_action", "completed", "failed", "cancelled", "incomplete"]


def status_of(log: Log) -> Status:
    """The status of a run with this log, as in OpenAI's Runs API."""
    match log[-1] if log else None:
        case None | UserMessage():
            return "queued"
        case Cancelled():
            return "cancelled"
        case Error():
            return "failed"
        case Finished(finish=finish):
            return "completed" if finish in ("stop", "tool_calls") else "incomplete"
    return "requires_action" if pending_approvals(log) else "in_progress"


def pending_approvals(log: Log) -> tuple[ApprovalRequest, ...]:
    """The unanswered approval requests of open calls, oldest first. A call may have more than one."""
    pending: dict[str, ApprovalRequest] = {}
    for step in log:
        if isinstance(step, ApprovalRequest):
            pending[step.call_id] = step
        elif isinstance(step, Approval | ToolResult):
            pending.pop(step.call_id, None)
    return tuple(pending.values())


def current_part(log: Log) -> Log:
    """The log without what a model that failed had prepared: another one reads the message and its files anew.

    Nothing is left out once a model has replied: its calls were made.
    """
    changes = [i for i, step in enumerate(log) if isinstance(step, ModelChange)]
    if not changes or any(isinstance(step, ModelReply) for step in log[: changes[-1]]):
        return tuple(step for step in log if not isinstance(step, ModelChange))
    return (log[0], *log[changes[-1] + 1 :])
