"""Runs batches: a worker takes one line after the other while no person waits for the model.

How it breaks: whoever works on a line can be killed at any moment. Its claim then expires and another worker sends
the same request with the same `Idempotency-Key`, which gets the run that there is. Results are written once, in the
transaction that ends the line or the batch.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import time
from typing import Any, Final, TypeAlias

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils import timezone

from web.accounts.models import ApiKey, User
from web.api.batch_lines import BadFile, failure, read_lines
from web.api.models_batches import Batch, BatchLine
from web.api.repeats import HEADER
from web.builder.files import store_bytes
from web.runs import fair_queue
from web.runs.connections import in_database
from web.runs.models import ConversationFile

logger = logging.getLogger(__name__)
Status: TypeAlias = Batch.Status
LineStatus: TypeAlias = BatchLine.Status
# Lines of all batches together that are under way.
AT_ONCE: Final = 2
# How often a line is begun that takes its worker along each time.
MAX_ATTEMPTS: Final = 5
CLAIM: Final = timedelta(seconds=60)
RENEW_S: Final = 15.0
_taking: Final = threading.Lock()


def work() -> bool:
    """Read a new batch, end those that are over, and run lines until none may run now. Whether a batch was read."""
    new = _unread()
    with _logged("a batch could not be read"):
        if new:
            _read(new)
    for batch in Batch.objects.filter(status__in=Batch.OPEN):
        end_if_over(batch)
    while line := take():
        with _logged("a line of a batch could not be run"):
            run(line)
        end_if_over(Batch.objects.get(id=line.batch_id))
    return new is not None and new.status != Status.VALIDATING


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log an error of the block, which happens again with the same batch, and go on with the others."""
    try:
        yield
    except Exception:
        logger.exception(what)


def move(batch: Batch, status: Status, *before: Status, **fields: Any) -> bool:
    """Give the batch this status if it has one of those `before`; whether it had."""
    moments = {**batch.moments, str(status.value): int(time())}
    moved = Batch.objects.filter(id=batch.id, status__in=before).update(status=status, moments=moments, **fields)
    batch.refresh_from_db()
    return bool(moved)


def _read(batch: Batch) -> None:
    """Store the lines of a new batch."""
    upload = ConversationFile.objects.visible_to(batch.owner).filter(id=batch.input).first()
    try:
        if upload is None or not upload.path.is_file():
            raise BadFile("file_not_found", "The input file was deleted.")
        with upload.path.open("rb") as file:
            n_lines = read_lines(batch, file)
    except BadFile as error:
        wrong = {"code": error.code, "message": str(error), "line": None, "param": "input_file_id"}
        if move(batch, Status.FAILED, Status.VALIDATING, error=wrong):
            batch.lines.all().delete()
        return
    Batch.objects.filter(id=batch.id).update(n_lines=n_lines)
    if not move(batch, Status.IN_PROGRESS, Status.VALIDATING) and batch.status not in Batch.OPEN:
        batch.lines.all().delete()  # it was cancelled meanwhile


def _unread() -> Batch | None:
    """The new batch that is read next; None if there is none. People take turns."""
    new = Batch.objects.filter(status=Status.VALIDATING)
    batch = new.filter(owner=_next_owner(new.order_by(), "owner", "served")).order_by("created").first()
    if batch:
        new.filter(owner=batch.owner_id).update(served=timezone.now())
    return batch


def _next_owner(rows: "QuerySet[Any]", owner: str, served: str) -> int | None:
    """Whoever of the owners was served longest ago."""
    turns = rows.values(owner).annotate(last=Max(served))
    return turns.order_by("last").values_list(owner, flat=True).first()


def take() -> BatchLine | None:
    """Claim the line that is next; None if none is, or if people wait. People take turns."""
    with _taking:
        now = timezone.now()
        free = Q(claimed_until=None) | Q(claimed_until__lt=now)
        n_claimed = BatchLine.objects.filter(status=LineStatus.WAITING).exclude(free).count()
        if n_claimed >= AT_ONCE or fair_queue.people_wait("model"):
            return None
        waiting = BatchLine.objects.filter(free, status=LineStatus.WAITING, batch__in=_running(now))
        person = _next_owner(waiting.order_by(), "batch__owner", "batch__served")
        line = waiting.filter(batch__owner=person).order_by("batch__created", "number").first()
        if line is None or not waiting.filter(id=line.id).update(
            claimed_until=now + CLAIM, n_attempts=line.n_attempts + 1
        ):
            return None
        Batch.objects.filter(id=line.batch_id).update(served=now)
    return BatchLine.objects.select_related("batch__owner").get(id=line.id)


def _running(now: Any) -> "QuerySet[Batch]":
    is_due = Q(resumes=None) | Q(resumes__lt=now)
    return Batch.objects.filter(is_due, status=Status.IN_PROGRESS, owner__is_active=True, expires__gt=now)


def run(line: BatchLine) -> None:
    """Send the request on the line, and keep its response; over quota, later again."""
    if line.n_attempts > MAX_ATTEMPTS:
        _end(line, LineStatus.FAILED, failure(line, "server_error", "This request could not be run."))
        return
    response = async_to_sync(_responded)(line)
    after_s = response.headers.get("Retry-After")
    if response.status_code in (429, 503) and after_s:
        Batch.objects.filter(id=line.batch_id).update(resumes=timezone.now() + timedelta(seconds=int(after_s)))
        BatchLine.objects.filter(id=line.id).update(claimed_until=None, n_attempts=0)
        return
    name = f"batch_req_{line.id.hex}"
    answer = {"status_code": response.status_code, "request_id": name, "body": json.loads(response.content)}
    is_done = response.status_code == 200
    result = {"id": name, "custom_id": line.custom_id, "response": answer, "error": None}
    _end(line, LineStatus.DONE if is_done else LineStatus.FAILED, result)


def _end(line: BatchLine, status: LineStatus, result: dict[str, Any]) -> None:
    waiting = BatchLine.objects.filter(id=line.id, status=LineStatus.WAITING)
    waiting.update(status=status, result=result, body=None, claimed_until=None)


async def _responded(line: BatchLine) -> HttpResponse:
    """The response to the line's request, with its claim renewed meanwhile."""
    renewing = asyncio.create_task(_renew(line))
    try:
        with fair_queue.at_low_priority():
            return await respond(line.batch.owner, line.batch.endpoint, line.body, str(line.id))
    finally:
        renewing.cancel()


async def _renew(line: BatchLine) -> None:
    own = BatchLine.objects.filter(id=line.id, status=LineStatus.WAITING)
    while True:
        await asyncio.sleep(RENEW_S)
        await in_database(lambda: own.update(claimed_until=timezone.now() + CLAIM))


async def respond(owner: User, url: str, body: Any, key: str) -> HttpResponse:
    """The response of the API at `url` to `owner`, as if a key of theirs had come with the request."""
    request = HttpRequest()
    request.method, request.path, request.path_info = "POST", url, url
    request._body = json.dumps(body).encode()
    request.META |= {"CONTENT_TYPE": "application/json", f"HTTP_{HEADER.upper().replace('-', '_')}": key}
    request.__dict__["api_key"] = ApiKey(user=owner)
    view: Any = resolve(url).func
    if asyncio.iscoroutinefunction(view):
        response: HttpResponse = await view(request)
        return response
    return await in_database(lambda: view(request))


def end_if_over(batch: Batch) -> None:
    """End the batch if no line is left to run, or if it was cancelled or has expired and none is under way."""
    now = timezone.now()
    lines = batch.lines.filter(status=LineStatus.WAITING)
    is_late = batch.expires < now
    is_open = batch.status == Status.VALIDATING or (batch.status == Status.IN_PROGRESS and lines.exists())
    is_under_way = lines.filter(claimed_until__gte=now).exists()  # and ends as it would
    if batch.status in Batch.OPEN and not is_under_way and (is_late or not is_open):
        with _logged("a batch could not be ended"):
            _finish(batch, is_late)


def _finish(batch: Batch, is_late: bool) -> None:
    """Write the files of the batch and give it its last status, all at once."""
    last = Status.EXPIRED if is_late else Status.COMPLETED
    last = Status.CANCELLED if batch.status == Status.CANCELLING else last
    left = batch.lines.filter(status=LineStatus.WAITING)
    with transaction.atomic():
        if not move(batch, Status.FINALIZING, Status(batch.status)):
            return
        for line in list(left.defer("body")):
            _end(
                line, LineStatus.FAILED, failure(line, f"batch_{last}", f"The batch was {last} before this request.")
            )
        counts = {"n_done": LineStatus.DONE, "n_failed": LineStatus.FAILED}
        for field, status in counts.items():
            setattr(batch, field, batch.lines.filter(status=status).count())
        batch.output = _written(batch, "output", LineStatus.DONE)
        batch.errors = _written(batch, "errors", LineStatus.FAILED)
        batch.save(update_fields=[*counts, "output", "errors"])
        batch.lines.all().delete()
        move(batch, last, Status.FINALIZING)


def _written(batch: Batch, what: str, status: LineStatus) -> ConversationFile | None:
    """The file with the results of the lines of this status; None if there are none.

    It is written whatever the person's quota: they could not get the results again.
    """
    results = batch.lines.filter(status=status).values_list("result", flat=True)
    if not results.exists():
        return None
    lines = (json.dumps(result, ensure_ascii=False).encode() + b"\n" for result in results.iterator())
    sha256, size = store_bytes(lines, max_bytes=1 << 40)
    lasts = batch.outputs_last_s
    return ConversationFile.objects.create(
        owner=batch.owner,
        name=f"batch_{batch.id.hex}_{what}.jsonl",
        sha256=sha256,
        size=size,
        mime="application/octet-stream",
        status=ConversationFile.Status.CANCELLED,
        purpose="batch_output",
        expires=timezone.now() + timedelta(seconds=lasts) if lasts else None,
    )
