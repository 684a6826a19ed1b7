"""Requests that wait for a person: approvals and forms, answered, expired, or ended by a sign-in elsewhere."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from gpts.runs.form_answers import checked
from gpts.runs.forms import Form
from gpts.runs.status import pending_approvals
from gpts.runs.steps import Approval, ApprovalRequest
from web.accounts import audit
from web.accounts.models import User
from web.runs import delegations, log, permissions, stream
from web.runs.errors import Refused
from web.runs.models import Run, StepRow
from web.runs.wake import wake

FormAction = Literal["accept", "decline", "cancel"]
Given = Callable[[Form], Mapping[str, Any]]


def answer_approval(run: Run, call_id: str, allowed: bool, remember: bool = False, digest: str = "") -> None:
    """Record the person's answer to the pending request `call_id`; with `remember` also for later calls like it.

    `digest`, if given, must be that of the request that the person saw. Raises Refused when there is no such request
    or it cannot be remembered, RunOver.
    """
    with log.locked_tree(run.id):
        request = _pending(run, call_id, digest)
        audit.record(audit.Act.APPROVAL, run.owner, run, tool=request.name, host=request.host, allowed=allowed)
        if request.form and allowed:
            raise Refused(gettext("This is a question. Fill in its form."))
        if remember and allowed:
            _remember(run, request)
        _answer(run.id, request, Approval(call_id=call_id, allowed=allowed, digest=request.digest))


def answer_form(run: Run, call_id: str, action: FormAction, given: Given, digest: str = "") -> None:
    """Record the person's answers to the pending form `call_id`, or that they give none.

    `given` returns the answers to the form, by field. Raises like `answer_approval`, and InvalidAnswers.
    """
    with log.locked_tree(run.id):
        request = _pending(run, call_id, digest)
        if request.form is None:
            raise Refused(gettext("This request has no form. Allow or decline it."))
        accepted = action == "accept"
        audit.record(audit.Act.APPROVAL, run.owner, run, tool=request.name, host=request.host, allowed=accepted)
        answers = checked(request.form, given(request.form)) if accepted else {}
        facts = {"digest": request.digest, "answers": answers, "dismissed": action == "cancel"}
        _answer(run.id, request, Approval(call_id=call_id, allowed=accepted, **facts))


def _pending(run: Run, call_id: str, digest: str) -> ApprovalRequest:
    request = {each.call_id: each for each in pending_approvals(log.read(run.id))}.get(call_id)
    if request is None or digest not in ("", request.digest):
        raise Refused(gettext("This request was already answered or has expired."))
    return request


def _remember(run: Run, request: ApprovalRequest) -> None:
    if not request.may_remember:
        raise Refused(gettext("This call can’t always be allowed. Allow it once or decline it."))
    permissions.allow_always(run.owner, run.gpt, request)


def _answer(run_id: UUID, request: ApprovalRequest, answer: Approval) -> None:
    delegations.give_time_back(run_id, request.call_id)
    log.append(run_id, answer)
    event = {"type": "step", "kind": answer.kind, "name": request.name, "allowed": answer.allowed}
    parents = delegations.waiting_parents(run_id)
    transaction.on_commit(lambda: stream.publish(run_id, event))
    transaction.on_commit(lambda: stream.notify_parents(parents, run_id, answer.kind))
    wake(run_id)


def signed_in(user: User, host: str) -> int:
    """Wake the runs of `user` that wait for a sign-in at `host`; how many."""
    n_woken = 0
    for run in Run.objects.filter(owner=user, status=Run.Status.REQUIRES_ACTION):
        for request in pending_approvals(log.read(run.id)):
            if request.sign_in == host:
                answer_approval(run, request.call_id, True)
                n_woken += 1
    return n_woken


def expire_approvals() -> int:
    """Decline requests that have been open for APPROVAL_DAYS; how many."""
    asked_before = timezone.now() - timedelta(days=settings.APPROVAL_DAYS)
    waiting = StepRow.objects.filter(
        kind="approval_request", created__lt=asked_before, run__status=Run.Status.REQUIRES_ACTION
    )
    n_expired = 0
    for run_id in set(waiting.values_list("run_id", flat=True)):
        n_expired += expire_requests(run_id)
    return n_expired


def expire_requests(run_id: UUID, call_id: str = "") -> int:
    """Decline the run's open requests, or the one about this call, as nobody answered in time; how many."""
    with log.locked_tree(run_id):
        due = [each for each in pending_approvals(log.read(run_id)) if call_id in ("", each.call_id)]
        for request in due:
            _answer(run_id, request, Approval(call_id=request.call_id, allowed=False, expired=True))
    return len(due)
