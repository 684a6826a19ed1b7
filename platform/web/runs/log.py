"""The append-only log of a run: the only writer of steps.

How it breaks: a worker that dies keeps its lease until `LEASE` is over, then `claim` gives the run to another; a
worker that was only slow gets `LeaseLost` at its next append and must discard its work. Callers never retry an
append: they read again and decide again.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from gpts.runs.status import status_of
from gpts.runs.steps import Approval, ApprovalRequest, Log, ModelReply, PartNotes, Step, UserMessage, load_step
from web.accounts import outbox, quotas
from web.runs.errors import LeaseLost, RunOver
from web.runs.models import Run, StepRow
from web.runs.wake import wake

# A worker silent for this long loses its run to another. `workers/leases.py` renews every second.
LEASE = timedelta(seconds=10)
# Age of a wake-up at which Celery beat sends another.
WAKE = timedelta(seconds=15)


def read(run_id: UUID) -> Log:
    """The steps of the run in order; empty if there is no such run."""
    return tuple(map(load_step, StepRow.objects.filter(run=run_id).values_list("data", flat=True)))


def steps_about_approvals(run_ids: Iterable[UUID]) -> dict[UUID, list[Step]]:
    """The requests for approval, their answers and the results of calls, by run, in order."""
    rows = StepRow.objects.filter(run__in=run_ids, kind__in=["approval_request", "approval", "tool_result"])
    found: dict[UUID, list[Step]] = {}
    for run_id, data in rows.order_by("seq").values_list("run", "data"):
        found.setdefault(run_id, []).append(load_step(data))
    return found


def first(run_id: UUID) -> UserMessage:
    """The first step of the run."""
    step = load_step(StepRow.objects.values_list("data", flat=True).get(run=run_id, seq=0))
    assert isinstance(step, UserMessage)
    return step


@contextmanager
def locked_tree(run_id: UUID) -> Iterator[UUID]:
    """One transaction that excludes all others on this run's tree; yields the id of the tree's root run.

    Take it before any other lock: delegating, ending a run and answering a request change more than one run. The lock
    leaves the key alone (FOR NO KEY UPDATE): foreign keys are checked at COMMIT, and there a step of a child would
    wait for the root while the tree's transaction waits for the child (deadlock seen on PostgreSQL, 2026-11-25).
    """
    with transaction.atomic():
        root_id = Run.objects.values_list("root", flat=True).filter(id=run_id).first() or run_id
        list(Run.objects.select_for_update(no_key=True).filter(id=root_id).values_list("id"))
        yield root_id


def is_free() -> Q:
    """The condition that no live worker holds a run."""
    return Q(lease="") | Q(lease_until__lt=timezone.now())


def claim(run_id: UUID) -> str | None:
    """A lease token if the run is unfinished and no live worker holds it, else None."""
    token = secrets.token_hex(16)
    free = Run.objects.filter(is_free(), id=run_id).exclude(status__in=Run.OVER)
    taken = free.update(lease=token, lease_until=timezone.now() + LEASE, n_attempts=F("n_attempts") + 1)
    return token if taken else None


def renew(leases: Sequence[str]) -> set[str]:
    """Those of `leases` that are still valid, renewed for another LEASE. The other runs are over or taken.

    Runs locked by another transaction are left for the next time: locking several runs in an order other than
    `locked_tree`'s ends in a deadlock (seen on PostgreSQL, 2026-11-25).
    """
    live = Run.objects.filter(lease__in=leases).exclude(status__in=Run.OVER)
    with transaction.atomic():
        free = list(live.select_for_update(skip_locked=True, no_key=True).values_list("id", flat=True))
        Run.objects.filter(id__in=free).update(lease_until=timezone.now() + LEASE)
    return set(live.values_list("lease", flat=True))


def begin(run: Run, first: UserMessage) -> None:
    """Store the new `run` with its first step, and wake a worker for it."""
    run.n_steps, run.queue, run.lease_until = 1, "model", timezone.now() + WAKE
    run.save(force_insert=True)
    StepRow.objects.create(run=run, seq=0, kind=first.kind, data=first.model_dump(mode="json"))
    wake(run.id)


def append(run_id: UUID, step: Step, lease: str | None = None) -> int:
    """The `seq` of `step`, now the last of the log. Raises RunOver, or LeaseLost if `lease` is not the valid one.

    The site appends without a lease (an approval, a cancellation); a worker always with one.
    """
    with transaction.atomic():
        n_tokens = step.prompt_tokens + step.completion_tokens if isinstance(step, ModelReply | PartNotes) else 0
        row = Run.objects.filter(id=run_id)
        live = (row if lease is None else row.filter(lease=lease)).exclude(status__in=Run.OVER)
        # The UPDATE takes the row lock, which makes counting and inserting atomic.
        if not live.update(n_steps=F("n_steps") + 1, n_tokens=F("n_tokens") + n_tokens):
            raise _why_not(run_id)
        if lease is None:  # the run may have waited for this step
            row.filter(lease="").update(queue="model", lease_until=timezone.now() + WAKE)
        n_steps, status, owner = row.values_list("n_steps", "status", "owner").get()
        if n_tokens:
            quotas.add(owner, "tokens", n_tokens)
        call_id = getattr(step, "call_id", "")
        StepRow.objects.create(
            run_id=run_id, seq=n_steps - 1, kind=step.kind, call_id=call_id, data=step.model_dump(mode="json")
        )
        _refresh(run_id, step, status)
    return n_steps - 1


def _refresh(run_id: UUID, step: Step, before: str) -> None:
    """Update the status after `step`, which depends on earlier steps only for approvals."""
    has_approvals = before == Run.Status.REQUIRES_ACTION or isinstance(step, ApprovalRequest | Approval)
    status = status_of(read(run_id) if has_approvals else (step,))
    if status in Run.OVER:
        Run.objects.filter(id=run_id).update(status=status, lease="", queue="", ended=timezone.now())
    elif status != before:
        Run.objects.filter(id=run_id).update(status=status)
        if status == "requires_action":
            _tell_creator(run_id)


def _tell_creator(run_id: UUID) -> None:
    """Tell the GPT's webhooks of a run of its creator's own; those of other people are none of theirs."""
    own = Run.objects.filter(id=run_id, owner=F("version__gpt__owner"))
    for gpt_id in own.values_list("version__gpt", flat=True):
        outbox.tell_webhooks("run.requires_action", gpt_id, run=str(run_id))


def release(run_id: UUID, lease: str, seen: int) -> bool:
    """Let the run wait if it still has `seen` steps. False: something was appended meanwhile, so read again.

    The next append wakes it. Resets the attempts, which count crashes. A release without the check would lose the
    wake-up of an approval that arrives between the last read and the release.
    """
    held = Run.objects.filter(id=run_id, lease=lease, n_steps=seen)
    return bool(held.update(lease="", lease_until=None, queue="", n_attempts=0))


def hand_over(run_id: UUID, lease: str, queue: str = "model", last: bool = False) -> None:
    """Release the run to the workers of `queue`, one of whom the caller wakes; as the `last` of its person's."""
    place = {"queued": timezone.now()} if last else {}
    held = Run.objects.filter(id=run_id, lease=lease)
    held.update(lease="", lease_until=timezone.now() + WAKE, queue=queue, n_attempts=0, **place)


def take_stalled(limit: int = 32) -> list[tuple[UUID, str]]:
    """Runs that no worker has taken yet, with their queues, now marked as woken: a worker died or a message was lost.

    Messages name no run, so more than a worker has threads are never needed at once.
    """
    now = timezone.now()
    due = Run.objects.exclude(queue="").filter(lease_until__lt=now)
    stalled = list(due.order_by("queued").values_list("id", "queue")[:limit])
    return [(id, queue) for id, queue in stalled if due.filter(id=id).update(lease="", lease_until=now + WAKE)]


def _why_not(run_id: UUID) -> RunOver | LeaseLost:
    over = Run.objects.filter(id=run_id, status__in=Run.OVER).exists() or not Run.objects.filter(id=run_id).exists()
    return RunOver(str(run_id)) if over else LeaseLost(str(run_id))
