"""Whatever happens to a tree of runs in whatever order, it ends in a legal state with nothing lost or doubled.

The tree: Desk asks Payer, whose payment must be allowed, and Clerk, who just answers. Each test plays one order of
the events, then lets the workers finish what is left and looks at every log.
"""

from itertools import permutations
from uuid import UUID

import pytest
from django.db.models import Q
from django.utils import timezone

from gpts.runs.status import pending_approvals
from gpts.runs.steps import Cancelled, Delegation, Error, Finished, ModelReply, ToolResult
from gpts.spec.tools import ToolSpec
from tests.workers import advancing
from tests.workers.trees import Worker, ask, asks, call, make_gpt, says, scripted_services
from web.runs import approving, delegations, log, services, stream
from web.runs.errors import Refused, RunOver
from web.runs.models import Run, StepRow
from workers.runs import loop
from workers.tools import Tool, ToolOutput

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = {
    "Desk": asks(call("ask_payer", "Pay it"), call("ask_clerk", "Say it")),
    "Payer": asks('<tool_call>{"name": "pay", "arguments": {}}</tool_call>'),
    "Clerk": says("Said."),
}
PAY = ToolSpec(name="pay", description="", parameters={"type": "object"}, effect="write")
EVENTS = ("advance root", "advance payer", "advance clerk", "allow", "kill payer", "late")


class Tree:
    """The tree of one test, with the events that can happen to it; those that make no sense by then do nothing."""

    def __init__(self, root: Run, worker: Worker) -> None:
        self.root, self.worker, self.n_paid = root, worker, 0

    def child(self, name: str) -> Run | None:
        return Run.objects.filter(root=self.root, version__gpt__name=name).first()

    def do(self, event: str) -> None:
        what, _, whom = event.partition(" ")
        run = self.root if whom in ("root", "") else self.child(whom.capitalize())
        if run is not None:
            getattr(self, f"_{what}")(run)

    def _advance(self, run: Run) -> None:
        for queue in ("model", "tools", "model"):
            advancing.advance(run.id, queue, lambda: self.worker.scripted_services)

    def _allow(self, run: Run, allowed: bool = True) -> None:
        payer = self.child("Payer")
        requests = pending_approvals(log.read(payer.id)) if payer else ()
        for request in requests:
            try:
                approving.answer_approval(payer, request.call_id, allowed)
            except (Refused, RunOver):
                return

    def _decline(self, run: Run) -> None:
        self._allow(run, allowed=False)

    def _cancel(self, run: Run) -> None:
        services.cancel_run(run)

    def _kill(self, run: Run) -> None:
        """A worker takes the run and is never heard of again."""
        if log.claim(run.id):
            Run.objects.filter(id=run.id).update(lease_until=timezone.now() - log.LEASE)

    def _late(self, run: Run) -> None:
        Run.objects.filter(id=self.root.id).exclude(deadline=None).update(deadline=timezone.now() - log.LEASE)
        delegations.end_late()

    def finish(self) -> None:
        """Workers take up what is stalled, and the person allows what is still asked."""
        for _ in range(6):
            Run.objects.exclude(lease_until=None).update(lease_until=timezone.now() - log.LEASE)
            self.worker.sent += [("workers.tasks.advance", str(id), queue) for id, queue in log.take_stalled()]
            self.worker.drain()
            self._allow(self.root)


@pytest.fixture
def grow(alice, bob, sent_tasks, monkeypatch, settings):
    """Makes one tree after the other; a database of its own for each would take most of the time."""
    monkeypatch.setattr(stream, "publish", lambda run_id, *events: None)
    monkeypatch.setattr(stream, "partial_text", lambda run_id: "")
    desk = make_gpt(alice, "Desk", make_gpt(alice, "Payer"), make_gpt(alice, "Clerk"))
    grown: list[Tree] = []

    def pay(arguments, context):
        grown[-1].n_paid += 1
        return ToolOutput("Paid.")

    def new() -> Tree:
        sent_tasks.clear()
        grown.append(Tree(ask(bob, desk), Worker(sent_tasks, scripted_services(SCRIPT))))
        return grown[-1]

    tools = {"pay": Tool(PAY, pay)}
    monkeypatch.setattr(loop, "granted", lambda spec, _: tools if spec.name == "Payer" else {})
    return new


@pytest.fixture
def tree(grow) -> Tree:
    return grow()


def check(tree: Tree) -> None:
    """Every run is over, every call has one result, every child ran once, and what was paid was allowed."""
    runs = {run.id: run for run in Run.objects.filter(Q(id=tree.root.id) | Q(root=tree.root.id))}
    assert all(run.is_over for run in runs.values()), {run.id: run.status for run in runs.values()}
    assert len(runs) <= 3
    for run in runs.values():
        steps = log.read(run.id)
        assert [row.seq for row in StepRow.objects.filter(run=run)] == list(range(len(steps)))
        assert sum(isinstance(step, Finished | Cancelled | Error) for step in steps) == 1
        results = [step.call_id for step in steps if isinstance(step, ToolResult)]
        assert len(results) == len(set(results))
        if isinstance(steps[-1], Finished):
            called = {each.call_id for step in steps if isinstance(step, ModelReply) for each in step.tool_calls}
            assert called == set(results)
        for step in steps:
            if isinstance(step, Delegation):
                assert UUID(step.run_id) in runs
    assert tree.n_paid <= 1


def played(tree: Tree, events: tuple[str, ...]) -> None:
    tree.do("advance root")
    for event in events:
        tree.do(event)
    tree.finish()
    check(tree)


@pytest.mark.parametrize("first", EVENTS)
def test_any_order_of_work_answers_deaths_and_lateness_ends_well(grow, first):
    for rest in permutations([event for event in EVENTS if event != first], 2):
        played(grow(), (first, *rest))


@pytest.mark.parametrize("answer", ["allow", "decline"])
@pytest.mark.parametrize("target", ["root", "payer", "clerk"])
def test_a_cancellation_at_any_point_ends_well(grow, answer, target):
    for place in range(5):
        events = ["advance payer", answer, "advance payer", "advance clerk"]
        events.insert(place, f"cancel {target}")
        tree = grow()
        played(tree, tuple(events))
        if target == "root":
            assert isinstance(log.read(tree.root.id)[-1], Cancelled)
        else:
            assert isinstance(log.read(tree.root.id)[-1], Finished)


def test_what_was_allowed_is_paid_once_and_its_answer_arrives(tree):
    played(tree, ("advance payer", "kill payer", "allow", "kill root", "advance clerk"))
    assert tree.n_paid == 1
    assert log.read(tree.root.id)[-1].text == "I hear: Said. / I hear: Paid."


def test_a_declined_payment_is_an_answer_too(tree):
    played(tree, ("advance payer", "decline", "advance clerk"))
    assert tree.n_paid == 0
    assert "declined" in log.read(tree.root.id)[-1].text


def test_waiting_for_a_person_costs_the_tree_no_time(tree):
    played(tree, ("advance payer", "advance clerk"))
    tree.do("late")
    assert isinstance(log.read(tree.root.id)[-1], Finished)
