"""A run and all its delegations as one tree. Read only, with few queries however big the tree is.

A run with several parents appears in full under the first, and as a reference (`joined`) elsewhere; its usage counts
once. The tree of a run in the middle of another is the part below it, taken alone.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from gpts.knowledge.documents import Citation
from gpts.runs.delegated_calls import DelegatedCall, delegated_calls
from gpts.runs.status import pending_approvals
from gpts.runs.steps import (
    ApprovalRequest,
    Cancelled,
    Delegator,
    Error,
    Finished,
    Log,
    ModelReply,
    PartNotes,
    ToolResult,
    UserMessage,
    load_step,
)
from gpts.safety.labels import Label
from gpts.spec.file_tools import FILE_TOOLS
from web.builder.models import Gpt
from web.runs import log
from web.runs.models import DelegationRow, Run, StepRow

# Steps that a tree does not show and that are often long.
HIDDEN: Final = ("retrieval", "tool_choice", "tool_started")


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many tokens a model read and wrote; `reasoning` is a part of those written."""

    prompt: int = 0
    completion: int = 0
    reasoning: int = 0

    @property
    def both(self) -> int:
        """Their sum."""
        return self.prompt + self.completion

    def __add__(self, other: "Tokens") -> "Tokens":
        sums = (self.prompt + other.prompt, self.completion + other.completion, self.reasoning + other.reasoning)
        return Tokens(*sums)


@dataclass(frozen=True, slots=True)
class Node:
    """A run in its tree and its delegations: `children` are runs, `others` have none (refused, on another site).

    `call_id` is the parent's call, empty at the top. `status` is `requires_action` also while the run only waits for
    children that wait for a person. `tokens` are its own, `total` includes the children's; both are 0 for a `joined`
    one. `by_engine`: its own by model. `label` is None until it has answered. `seconds` keep counting until the run
    is over.
    """

    run: Run
    gpt: Gpt
    call_id: str
    task: str
    status: str
    joined: bool
    seconds: float
    tokens: Tokens
    by_engine: Mapping[str, Tokens]
    total: Tokens
    label: Label | None
    citations: tuple[Citation, ...]
    answer: str
    error: str
    pending: tuple[ApprovalRequest, ...]
    others: tuple[DelegatedCall, ...]
    children: tuple["Node", ...]

    @property
    def name(self) -> str:
        """The name of its GPT in the version that runs, which its creator may have changed since."""
        return self.run.version.spec().name

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.run.is_over

    @property
    def started(self) -> datetime:
        """When the run was created."""
        return self.run.created

    def all(self) -> Iterable["Node"]:
        """Yield this node and all below, including references, in reading order."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True, slots=True)
class _Subtree:
    """The delegations below a run by parent run, and the ids of those that started their child run."""

    top: UUID
    by_parent: Mapping[UUID, list[DelegationRow]]
    first: frozenset[int]

    @property
    def run_ids(self) -> set[UUID]:
        """All runs of the tree."""
        return {self.top, *(row.child_id for rows in self.by_parent.values() for row in rows if row.id in self.first)}

    def runs(self) -> QuerySet[Run]:
        """The rows of all runs, with their GPTs."""
        return Run.objects.filter(id__in=self.run_ids).select_related("message__conversation", "version__gpt")


def _subtree(run: Run) -> _Subtree:
    """The delegations below `run`: one query."""
    root_id = run.root_id or run.id
    by_parent: dict[UUID, list[DelegationRow]] = defaultdict(list)
    for row in DelegationRow.objects.filter(Q(parent=root_id) | Q(parent__root=root_id)).order_by("id"):
        by_parent[row.parent_id].append(row)
    # The oldest row that leads to a run is its first delegation; each run is entered once.
    first, found = set[int](), {run.id}
    queue = [(row.id, row) for row in by_parent[run.id]]
    while queue:
        row_id, row = heapq.heappop(queue)
        if row.child_id not in found:
            first.add(row_id)
            found.add(row.child_id)
            for each in by_parent[row.child_id]:
                heapq.heappush(queue, (each.id, each))
    within = {parent: rows for parent, rows in by_parent.items() if parent in found}
    return _Subtree(run.id, within, frozenset(first))


def tree_of(run: Run) -> Node:
    """The tree of `run` and everything below it. Three queries."""
    return _reader(run).node(run.id)


def _reader(run: Run) -> "_Reader":
    below = _subtree(run)
    runs = {each.id: each for each in below.runs()}
    return _Reader(below, runs, _logs(runs))


def _logs(runs: Iterable[UUID]) -> dict[UUID, Log]:
    """The logs of `runs`, without the steps that a tree does not show: one query."""
    rows = StepRow.objects.filter(run__in=list(runs)).exclude(kind__in=HIDDEN).order_by("run", "seq")
    logs: dict[UUID, list[Any]] = defaultdict(list)
    for run_id, data in rows.values_list("run", "data"):
        logs[run_id].append(load_step(data))
    return {run_id: tuple(logs[run_id]) for run_id in runs}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds nodes from rows and logs."""

    below: _Subtree
    runs: Mapping[UUID, Run]
    logs: Mapping[UUID, Log]

    def node(self, run_id: UUID, origin: DelegationRow | None = None) -> Node:
        """The node of a run, which `origin` delegated if it is not the top."""
        run, steps = self.runs[run_id], self.logs[run_id]
        joined = origin is not None and origin.id not in self.below.first
        delegations = () if joined else self.below.by_parent.get(run_id, ())
        children = tuple(self.node(row.child_id, row) for row in delegations)
        own = Tokens() if joined else tokens_in(steps)
        answered = next((step for step in reversed(steps) if isinstance(step, Finished)), None)
        return Node(
            run=run,
            gpt=run.gpt,
            call_id=origin.call_id if origin else "",
            task=next((step.text for step in steps if isinstance(step, UserMessage)), ""),
            status=Run.Status.REQUIRES_ACTION if self.waits(run_id) else run.status,
            joined=joined,
            seconds=((run.ended or timezone.now()) - run.created).total_seconds(),
            tokens=own,
            by_engine={} if joined else tokens_by_engine(steps),
            total=sum((child.total for child in children), own),
            label=answered.label if answered else None,
            citations=answered.citations if answered else (),
            answer=next((step.text for step in reversed(steps) if isinstance(step, Finished | Cancelled)), ""),
            error=next((step.message for step in steps if isinstance(step, Error)), ""),
            pending=() if run.is_over else pending_approvals(steps),
            others=() if joined else _without_run(run, steps),
            children=children,
        )

    def waits(self, run_id: UUID, above: frozenset[UUID] = frozenset()) -> bool:
        """Whether the run waits for a person, itself or through every child that it waits for."""
        run = self.runs[run_id]
        if run.status != Run.Status.IN_PROGRESS or run_id in above:
            return run.status == Run.Status.REQUIRES_ACTION
        children = {row.call_id: row.child_id for row in self.below.by_parent.get(run_id, ())}
        awaited = _unanswered(self.logs[run_id])
        above |= {run_id}
        return bool(awaited) and all(call in children and self.waits(children[call], above) for call in awaited)


def tokens_in(steps: Log) -> Tokens:
    """The tokens of the replies in a log."""
    return sum(tokens_by_engine(steps).values(), Tokens())


def tokens_by_engine(steps: Log) -> dict[str, Tokens]:
    """The tokens of the replies in a log, by the name of the model that wrote them; empty: the default one."""
    found: dict[str, Tokens] = defaultdict(Tokens)
    for step in steps:
        if isinstance(step, ModelReply | PartNotes):
            found[step.engine] += Tokens(step.prompt_tokens, step.completion_tokens, step.reasoning_tokens)
    return found


def _unanswered(steps: Log) -> list[str]:
    """The ids of calls without a result, but those that search or read files, whose results a tree leaves out."""
    answered = {step.call_id for step in steps if isinstance(step, ToolResult)}
    calls = (call for step in steps if isinstance(step, ModelReply) for call in step.tool_calls)
    return [call.call_id for call in calls if call.call_id not in answered and call.name not in FILE_TOOLS]


def _without_run(run: Run, steps: Log) -> tuple[DelegatedCall, ...]:
    """The run's delegations that have no run on this site."""
    if not any(isinstance(step, ModelReply) and step.tool_calls for step in steps):
        return ()
    return tuple(ask for ask in delegated_calls(run.version.spec(), steps) if not ask.run_id)


def waiting(run: Run) -> tuple[tuple[Run, ApprovalRequest], ...]:
    """The pending requests of `run` and all below it, each with its run, by the age of the run."""
    if run.is_over or not _someone_waits(run):
        return ()
    waiting = _subtree(run).runs().filter(status=Run.Status.REQUIRES_ACTION)
    return tuple((each, request) for each in waiting for request in pending_approvals(log.read(each.id)))


def status_of_tree(run: Run) -> str:
    """The run's status; `requires_action` also while it only waits for a person, through its child runs."""
    if run.status != Run.Status.IN_PROGRESS or not _someone_waits(run):
        return run.status
    return Run.Status.REQUIRES_ACTION if _reader(run).waits(run.id) else run.status


def _someone_waits(run: Run) -> bool:
    """Whether any run of the whole tree waits for a person: one query, usually the only one needed."""
    tree = Run.objects.filter(Q(id=run.id) | Q(root=run.root_id or run.id))
    return tree.filter(status=Run.Status.REQUIRES_ACTION).exists()


def delegated_by(run: Run) -> tuple[Delegator, ...]:
    """The GPTs that delegated down to the run, outermost first; empty when a person started it."""
    return log.first(run.id).delegated_by if run.root_id else ()


def gpts_of(run: Run) -> set[UUID]:
    """The ids of the GPTs with a run in the tree of `run`."""
    return set(_subtree(run).runs().values_list("version__gpt_id", flat=True))
