"""Trees of runs in `/api`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from gpts.knowledge.documents import Citation
from gpts.runs.delegated_calls import DelegatedCall
from gpts.runs.steps import ApprovalRequest, Status
from web.api.completions import TokenUsage
from web.runs.trees import Node, Tokens


class TextLabel(Schema):
    """The origin of an answer: whether other people may have written parts of it, and who, in words."""

    untrusted: bool
    written_by: list[str]


class Asking(Schema):
    """A request without a run on this site: to a GPT that could not be asked, or to an agent at `host`."""

    call_id: str
    name: str
    task: str
    host: str | None = Field(description="Null for a GPT on this site.")
    error: str | None = Field(description="Why it has no answer; null while waiting and once it has one.")


class RunTree(Schema):
    """A run and, in `children`, its child runs; `call_id` is the parent run's call.

    A run that several asked for stands in full where it was asked first; elsewhere `joined` is true, its `children`
    are left out and its usage, which counts once, is 0. `usage` is the run's own, `total_usage` with all below.
    """

    id: UUID
    call_id: str | None = Field(description="Null at the top.")
    gpt: str
    name: str
    task: str
    status: Status
    depth: int = Field(description="How many GPTs are between the person and this one.")
    joined: bool
    created: datetime
    ended: datetime | None
    seconds: float = Field(description="So far, while it isn't over.")
    usage: TokenUsage
    total_usage: TokenUsage
    label: TextLabel | None = Field(description="Null until it has an answer.")
    answer: str | None
    citations: list[Citation]
    error: str | None
    approvals: list[ApprovalRequest] = Field(description="Pending requests of this run only.")
    others: list[Asking]
    children: list["RunTree"]


def as_shape(node: Node) -> dict[str, Any]:
    """`node` and all below it, as `RunTree`."""
    run, gpt, label = node.run, node.gpt, node.label
    return {
        "id": run.id,
        "call_id": node.call_id or None,
        "gpt": gpt.slug,
        "name": gpt.name,
        "task": node.task,
        "status": node.status,
        "depth": run.depth,
        "joined": node.joined,
        "created": run.created,
        "ended": run.ended,
        "seconds": round(node.seconds, 3),
        "usage": _usage(node.tokens),
        "total_usage": _usage(node.total),
        "label": {"untrusted": label.is_untrusted, "written_by": label.written_by} if label else None,
        "answer": node.answer or None,
        "citations": node.citations,
        "error": node.error or None,
        "approvals": node.pending,
        "others": [_asking(call) for call in node.others],
        "children": [as_shape(child) for child in node.children],
    }


def _usage(tokens: Tokens) -> TokenUsage:
    return TokenUsage(prompt_tokens=tokens.prompt, completion_tokens=tokens.completion, total_tokens=tokens.both)


def _asking(call: DelegatedCall) -> dict[str, Any]:
    told = {"call_id": call.call_id, "name": call.name, "task": call.task}
    return {**told, "host": call.host or None, "error": call.why_not or None}
