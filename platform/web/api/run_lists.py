"""`GET /api/runs`: one's runs by status, so that a program finds those that wait for approval."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Schema
from ninja.pagination import paginate
from pydantic import Field

from gpts.runs.status import Status, pending_approvals
from web.api.auth import caller
from web.api.errors import OWN_LISTED
from web.api.paging import Pages
from web.api.shapes_runs import PendingApproval
from web.runs import log
from web.runs.models import Conversation, Run

router = Router(tags=["Runs and conversations"])
_DRAFTS = (Conversation.Origin.PREVIEW, Conversation.Origin.BUILDER)


class RunCard(Schema):
    """A run in a list. One that only waits for a child run is in progress; the child run is in the list too."""

    id: UUID
    root: UUID | None = Field(validation_alias="root_id", description="The first run of its tree; null: itself.")
    gpt: str = Field(validation_alias="gpt.slug")
    conversation: UUID = Field(validation_alias="message.conversation_id")
    status: Status
    created: datetime
    ended: datetime | None
    approvals: list[PendingApproval] = Field(
        description="What it waits for. Answer with `POST /api/runs/{id}/approve` and the `call_id` and `digest`."
    )


def _with_approvals(runs: Sequence[Run]) -> list[Run]:
    waiting = [run.id for run in runs if run.status == Run.Status.REQUIRES_ACTION]
    steps = log.steps_about_approvals(waiting) if waiting else {}
    for run in runs:
        asked = pending_approvals(tuple(steps.get(run.id, ())))
        run.approvals = [{**each.model_dump(), "run": run.id} for each in asked]  # type: ignore[attr-defined]
    return list(runs)


@router.get("/runs", response={200: list[RunCard], **OWN_LISTED})
@paginate(Pages, each=_with_approvals)
def list_runs(request: HttpRequest, status: Query[Status | None] = None) -> QuerySet[Run]:
    """Your runs, newest first, with those of programs and child runs; `status=requires_action`: those that wait."""
    user: Any = caller(request)
    runs = Run.objects.filter(owner=user, message__conversation__deleted=None)
    for way in ("", "root__"):
        chat = f"{way}message__conversation"
        runs = runs.filter(~Q(**{f"{chat}__origin__in": _DRAFTS}) | Q(**{f"{chat}__gpt__owner": user}))
    return (runs.filter(status=status) if status else runs).select_related("message", "version__gpt")
