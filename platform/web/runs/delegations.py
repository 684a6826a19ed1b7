"""Delegation: which GPTs a run can delegate to, the limits of its tree, and the child run that answers.

The child is a run in a conversation of its own, which contains only the task. It starts in the transaction that
records the delegation in the parent's log, under the tree's lock; its end (`ending.py`) appends the answer there.
Meanwhile the parent occupies no worker.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from gpts.runs.background import Background
from gpts.runs.delegation import (
    ALREADY_WORKING,
    NOT_REACHABLE,
    Bounds,
    Spent,
    out_of,
    request_digest,
    why_not,
    would_wait_for_itself,
)
from gpts.runs.steps import Delegation, Delegator, Error, FileRef, ToolResult, UserMessage
from gpts.safety.labels import Label
from web.accounts.models import User
from web.builder.models import Gpt
from web.builder.models_access import GptQuerySet
from web.runs import ending, files, inputs_of, log, stream
from web.runs.models import Conversation, DelegationRow, Message, Run, StepRow

StepT = TypeVar("StepT", Delegation, ToolResult)


@dataclass(frozen=True, slots=True)
class DelegationRequest:
    """What a run delegates to `gpt` with the call `call_id` of `tool`.

    `delegated_by` is the chain down to the GPT of that run, `label` that of everything it has read; `own_words`: the
    person wrote the task verbatim. `files` go to the child run.
    """

    call_id: str
    tool: str
    gpt: Gpt
    task: str
    delegated_by: tuple[Delegator, ...]
    label: Label
    own_words: bool = False
    files: tuple[FileRef, ...] = ()


def bounds() -> Bounds:
    """The limits of one tree on this site."""
    return Bounds(
        depth=settings.DELEGATION_DEPTH,
        runs=settings.DELEGATION_RUNS,
        runs_per_gpt=settings.DELEGATION_RUNS_PER_GPT,
        tokens=settings.DELEGATION_TOKENS,
        seconds=settings.DELEGATION_SECONDS,
    )


def reachable(person: User, chain: Iterable[Delegator]) -> GptQuerySet:
    """The published GPTs that the person and the creator of every GPT in the chain may chat with now.

    So a stranger's GPT cannot reach the person's private GPTs, nor the person a creator's private GPT through their
    public one.
    """
    found = Gpt.objects.filter(published__isnull=False).chattable_by(person)
    creators = (
        User.objects.filter(gpts__slug__in=[delegator.slug for delegator in chain]).exclude(id=person.id).distinct()
    )
    for creator in creators:
        found = found.chattable_by(creator)
    return found


def delegate(run: Run, request: DelegationRequest, lease: str) -> Delegation | ToolResult:
    """Delegate the call to `request.gpt`; the step appended to the log of `run`.

    A request that this tree has made before is answered by the same run. A result instead of a delegation says why
    there is no child run. Raises LeaseLost, RunOver.
    """
    with log.locked_tree(run.id) as root_id:
        digest = request_digest(str(request.gpt.id), request.task, [file.id for file in request.files])
        child = Run.objects.filter(root=root_id, request=digest).select_related("version__gpt").first()
        if reason := _refusal(run, root_id, request, child):
            return _appended(run, lease, refused(request.call_id, request.tool, reason))
        joined = child is not None
        child = child or _begin(run, root_id, request, digest)
        row = DelegationRow.objects.create(parent=run, call_id=request.call_id, tool=request.tool, child=child)
        step = Delegation(
            call_id=request.call_id,
            run_id=str(child.id),
            slug=request.gpt.slug,
            name=child.version.spec().name,
            task=request.task,
            joined=joined,
        )
        _appended(run, lease, step)
        if child.is_over:
            ending.deliver_answer(row, child)
    return step


def refused(call_id: str, tool: str, reason: str, label: Label | None = None) -> ToolResult:
    """The result of a call that was not delegated, with the reason; `label` is that of the reason."""
    return ToolResult(call_id=call_id, name=tool, text=reason, ok=False, shown=reason, label=label or Label())


def _appended(run: Run, lease: str, step: StepT) -> StepT:
    seq = log.append(run.id, step, lease)
    event = {"type": "step", "seq": seq, "kind": step.kind, "call_id": step.call_id}
    transaction.on_commit(lambda: stream.publish(run.id, event))
    return step


def _refusal(run: Run, root_id: UUID, request: DelegationRequest, child: Run | None) -> str:
    """Why the request must not be delegated; empty if it may."""
    # The name of another person's GPT would enter the log as this site's own text.
    own = request.gpt.owner_id in (run.owner_id, run.version.gpt.owner_id)
    name = request.gpt.live.name if own else request.gpt.slug
    if not reachable(run.owner, request.delegated_by).filter(id=request.gpt.id).exists():
        return NOT_REACHABLE.format(name=name)
    root = Run.objects.select_related("version").get(id=root_id)
    same = request_digest(str(request.gpt.id), request.task)
    if same == request_digest(str(root.version.gpt_id), log.first(root_id).text):
        return ALREADY_WORKING.format(name=name)
    if child is not None:
        waits = would_wait_for_itself(str(run.id), str(child.id), _waits(root_id))
        return ALREADY_WORKING.format(name=name) if waits else ""
    counted = Run.objects.filter(root=root_id).aggregate(
        runs=Count("id"), of_gpt=Count("id", filter=Q(version__gpt=request.gpt)), tokens=Sum("n_tokens", default=0)
    )
    counted["tokens"] += root.n_tokens
    return why_not(bounds(), Spent(name=name, depth=run.depth + 1, is_late=_is_late(root), **counted))


def _waits(root_id: UUID) -> dict[str, list[str]]:
    """The unfinished runs of a tree, each with the runs that it waits for."""
    waits: dict[str, list[str]] = {}
    rows = DelegationRow.objects.filter(child__root=root_id).exclude(child__status__in=Run.OVER)
    for parent, child in rows.values_list("parent", "child"):
        waits.setdefault(str(parent), []).append(str(child))
    return waits


def tokens_of(root_id: UUID) -> int:
    """How many tokens the models have read and written in a tree."""
    tree = Run.objects.filter(Q(id=root_id) | Q(root=root_id))
    return int(tree.aggregate(n=Sum("n_tokens"))["n"] or 0)


def _is_late(root: Run) -> bool:
    return root.deadline is not None and root.deadline < timezone.now()


def _begin(run: Run, root_id: UUID, request: DelegationRequest, digest: str) -> Run:
    """The queued run that answers the request."""
    now, gpt = timezone.now(), request.gpt
    version = gpt.published
    assert version is not None  # `reachable` has only published ones
    Run.objects.filter(id=root_id, deadline=None).update(deadline=now + timedelta(seconds=bounds().seconds))
    conversation = Conversation.objects.create(
        gpt=gpt,
        version=version,
        owner=run.owner,
        origin=Conversation.Origin.DELEGATION,
        parent_run=run,
        inputs=inputs_of.defaults(version.spec()),
    )
    child = Run(
        message=Message.objects.create(conversation=conversation, text=request.task),
        version=version,
        owner=run.owner,
        root_id=root_id,
        depth=run.depth + 1,
        request=digest,
        is_low=run.is_low,
        queued=run.queued,  # so that a tree is answered before the person's later messages
    )
    first = UserMessage(
        text=request.task,
        attachments=files.pass_on(request.files, conversation),
        delegated_by=request.delegated_by,
        label=request.label,
        own_words=request.own_words,
        background=inputs_of.with_inputs(Background(today=timezone.localdate()), version.spec(), conversation),
    )
    log.begin(child, first)
    return child


def why_end(run: Run, delegated_by: Iterable[Delegator]) -> str:
    """Why a child run must end, for the parent's log: its GPT is no longer available. Empty if it may go on."""
    if reachable(run.owner, delegated_by).filter(id=run.version.gpt_id).exists():
        return ""
    return "It was deleted, or is no longer shared with everyone involved."


def used_up(root_id: UUID) -> str:
    """The limit that a tree has reached, as a sentence; empty while its child runs may call the model."""
    root = Run.objects.get(id=root_id)
    sentence = out_of(bounds(), tokens_of(root_id), _is_late(root))
    return sentence[:1].upper() + sentence[1:]


def waiting_parents(run_id: UUID) -> list[tuple[UUID, str]]:
    """Every run that waits for this one, directly or not, with the id of the call it waits on."""
    found: dict[tuple[UUID, str], None] = {}
    below = [run_id]
    while below:
        rows = DelegationRow.objects.filter(child__in=below).values_list("parent", "call_id")
        new = [row for row in rows if row not in found]
        found |= dict.fromkeys(new)
        below = [parent for parent, _ in new]
    return list(found)


def give_time_back(run_id: UUID, call_id: str) -> None:
    """Extend the tree's deadline by the time that a person took to answer the request about `call_id`."""
    request = StepRow.objects.filter(run=run_id, kind="approval_request", call_id=call_id).last()
    if request is None:
        return
    root_id = Run.objects.values_list("root", flat=True).get(id=run_id) or run_id
    waited = timezone.now() - request.created
    Run.objects.filter(id=root_id).exclude(deadline=None).update(deadline=F("deadline") + waited)


def end_late() -> int:
    """End the child runs of trees past their deadline, with the reason in each parent's log; how many trees.

    A tree that waits for a person is never late.
    """
    late = Run.objects.filter(root=None, deadline__lt=timezone.now()).exclude(status__in=Run.OVER)
    return sum(_end_late(root_id) for root_id in late.values_list("id", flat=True))


def _end_late(root_id: UUID) -> bool:
    with log.locked_tree(root_id):
        at_work = Run.objects.filter(root=root_id).exclude(status__in=Run.OVER)
        if at_work.filter(status=Run.Status.REQUIRES_ACTION).exists() or not (reason := used_up(root_id)):
            return False
        children = list(at_work.filter(parent_delegations__parent=root_id).values_list("id", flat=True).distinct())
        for child in children:
            ending.end(child, Error(message=reason))
        return bool(children)
