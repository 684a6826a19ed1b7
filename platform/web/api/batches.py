"""`/v1/batches`: OpenAI's Batches, files of requests that run while nobody waits."""

import re
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.urls import resolve
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel

from gpts.values import Text
from web.accounts import quotas
from web.accounts.models import User
from web.api.attribute_filters import Metadata
from web.api.auth import caller
from web.api.batch_work import move
from web.api.cursors import Cursor, RowPage, page_of
from web.api.errors import ERRORS, ApiError
from web.api.models_batches import Batch
from web.api.program_files import access_upload, file_name, lasting
from web.runs.models import ConversationFile
from web.sending import send_task

router = Router(tags=["Batches"])
Status = Batch.Status
WINDOW: Final = timedelta(hours=24)
MAX_OPEN: Final = 20
# Of those that are over, the newest.
MAX_KEPT: Final = 2_000
Endpoint = Literal["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions"]


class OutputExpiry(BaseModel):
    """How long the output is kept."""

    anchor: Literal["created_at"]
    seconds: int


class NewBatch(BaseModel):
    """A file of requests, all to the same endpoint."""

    input_file_id: Text
    endpoint: Endpoint
    completion_window: Literal["24h"]
    metadata: Metadata | None = None
    output_expires_after: OutputExpiry | None = None


class BatchError(Schema):
    """Why a batch failed."""

    code: str
    message: str
    line: int | None
    param: str | None


class BatchErrors(Schema):
    """The errors of the file itself; those of its requests are in the file of errors."""

    object: Literal["list"] = "list"
    data: list[BatchError]


class RequestCounts(Schema):
    """How far a batch is."""

    total: int
    completed: int
    failed: int


class BatchObject(Schema):
    """A batch."""

    id: str
    object: Literal["batch"] = "batch"
    endpoint: str
    errors: BatchErrors | None
    input_file_id: str
    completion_window: Literal["24h"] = "24h"
    status: Literal[
        "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
    ]
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    in_progress_at: int | None
    expires_at: int
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    metadata: dict[str, str]


class BatchList(RowPage):
    """A page of your batches."""

    data: list[BatchObject]


_MOMENTS: Final = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def _shown(batch: Batch) -> BatchObject:
    moments: dict[str, Any] = {f"{name}_at": batch.moments.get(name) for name in _MOMENTS}
    n_done, n_failed = batch.n_done, batch.n_failed
    if batch.status in Batch.OPEN:
        n_done, n_failed = (batch.lines.filter(status=each).count() for each in ("done", "failed"))
    return BatchObject(
        id=f"batch_{batch.id.hex}",
        endpoint=batch.endpoint,
        errors=BatchErrors(data=[BatchError(**batch.error)]) if batch.error else None,
        input_file_id=f"file-{batch.input.hex}",
        status=batch.status,  # type: ignore[arg-type]
        output_file_id=file_name(batch.output) if batch.output else None,
        error_file_id=file_name(batch.errors) if batch.errors else None,
        created_at=int(batch.created.timestamp()),
        expires_at=int(batch.expires.timestamp()),
        request_counts=RequestCounts(total=batch.n_lines, completed=n_done, failed=n_failed),
        metadata=batch.metadata,
        **moments,
    )


def access_batch(user: User, name: str) -> Batch:
    """The batch of `user`'s own with this id. Raises ApiError."""
    found = re.fullmatch(r"batch_([0-9a-f]{32})", name)
    own = Batch.objects.filter(owner=user).select_related("output", "errors")
    batch = own.filter(id=UUID(found[1])).first() if found else None
    if batch is None:
        raise ApiError(404, f"Batch “{name[:80]}” not found.", None, "not_found")
    return batch


@router.post("/batches", response={200: BatchObject, **ERRORS})
def create_batch(request: HttpRequest, body: NewBatch) -> BatchObject:
    """Run the requests in a file that you uploaded with the purpose `batch`, while nobody waits, within a day.

    Each line has `custom_id`, `method`, `url` and `body`. Results are in the output file, what went wrong in the file
    of errors. They count as your messages; once those of a day are used up, the batch goes on the next day.
    """
    user = caller(request)
    if resolve(body.endpoint).url_name == "api_nowhere":
        raise ApiError(400, f"“{body.endpoint}” isn’t available here.", "endpoint", "unsupported_value")
    upload = access_upload(user, body.input_file_id, "input_file_id")
    if upload.purpose != "batch":
        raise ApiError(400, "Upload the file with the purpose “batch”.", "input_file_id", "invalid_value")
    expiry = body.output_expires_after
    lasts = lasting(expiry.seconds, "output_expires_after.seconds") if expiry else None
    with transaction.atomic():
        quotas.lock(user.id)
        if Batch.objects.filter(owner=user, status__in=Batch.OPEN).count() >= MAX_OPEN:
            raise ApiError(400, f"You have {MAX_OPEN} batches in progress. Wait until one is over.", None, "too_many")
        _check_room(user, upload.size)
        batch = Batch.objects.create(
            owner=user,
            endpoint=body.endpoint,
            input=upload.id,
            metadata=body.metadata or {},
            outputs_last_s=int(lasts.total_seconds()) if lasts else None,
            expires=timezone.now() + WINDOW,
        )
        transaction.on_commit(lambda: send_task("workers.tasks.work_batches", "", queue="tools"))
    return _shown(batch)


def _check_room(user: User, n_bytes: int) -> None:
    """Raise QuotaExceeded if the lines of one more batch do not fit: each is a copy. Forget the oldest of many."""
    sizes = dict(ConversationFile.objects.filter(owner=user, purpose="batch").values_list("id", "size"))
    in_progress = Batch.objects.filter(owner=user, status__in=Batch.OPEN).values_list("input", flat=True)
    quotas.check_storage(user.id, n_bytes + sum(sizes.get(each, 0) for each in in_progress))
    over = Batch.objects.filter(owner=user).exclude(status__in=Batch.OPEN).order_by("-created")
    Batch.objects.filter(id__in=list(over.values_list("id", flat=True)[MAX_KEPT:])).delete()


@router.get("/batches", response={200: BatchList, **ERRORS})
def list_batches(request: HttpRequest, cursor: Query[Cursor]) -> Any:
    """Your batches, the newest first unless `order` is `asc`."""
    user = caller(request)
    own = Batch.objects.filter(owner=user).select_related("output", "errors")
    return page_of(own, cursor, lambda name: access_batch(user, name), _shown)


@router.get("/batches/{batch_id}", response={200: BatchObject, **ERRORS})
def get_batch(request: HttpRequest, batch_id: str) -> BatchObject:
    """How far a batch is."""
    return _shown(access_batch(caller(request), batch_id))


@router.post("/batches/{batch_id}/cancel", response={200: BatchObject, **ERRORS})
def cancel_batch(request: HttpRequest, batch_id: str) -> BatchObject:
    """Stop a batch. What is under way ends; the results so far are in its files once it is `cancelled`."""
    batch = access_batch(caller(request), batch_id)
    if not move(batch, Status.CANCELLING, Status.VALIDATING, Status.IN_PROGRESS) and batch.status not in Batch.OPEN:
        raise ApiError(400, f"This batch is {batch.status}.", None, "invalid_state")
    return _shown(batch)
