"""Trees on which several workers, a person and a clock are at work at once: `tree_races.py N`, on any database.

Each of N trees is a Desk that asks a Payer, whose payment a person must allow, and a Clerk. Three threads advance
whatever is woken while others allow, cancel or end what is late, at random moments. Prints a JSON list of what is
wrong with any tree afterwards, which must be empty.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "platform")]

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from gpts.runs.status import pending_approvals
from gpts.runs.steps import Cancelled, Error, Finished, ToolResult
from gpts.spec.tools import ToolSpec
from tests.workers import advancing
from tests.workers.trees import ask, asks, call, make_gpt, says, scripted_services
from web.accounts.models import User
from web.runs import approving, delegations, log, services, stream, wake
from web.runs.errors import Refused, RunOver
from web.runs.models import Run
from workers.runs import loop
from workers.tools import Tool, ToolOutput

SCRIPT = {
    "Desk": asks(call("ask_payer", "Pay it"), call("ask_clerk", "Say it")),
    "Payer": asks('<tool_call>{"name": "pay", "arguments": {}}</tool_call>'),
    "Clerk": says("Said."),
}
PAY = ToolSpec(name="pay", description="", parameters={"type": "object"}, effect="write")
RACE_S = 0.6
problems: list[str] = []
woken: Queue[str] = Queue()
paid: list[str] = []


def pay(arguments, context) -> ToolOutput:
    paid.append(context.session)
    return ToolOutput("Paid.")


def in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must hear of it
            problems.append(repr(error))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def advance_what_is_woken(ends_at: float) -> None:
    while time.monotonic() < ends_at:
        try:
            queue = woken.get(timeout=0.02)
        except Empty:
            continue
        while loop.advance_next(queue, lambda: scripted_services(SCRIPT)):
            pass


def allow(root: Run) -> None:
    for run in Run.objects.filter(root=root):
        for request in pending_approvals(log.read(run.id)):
            try:
                approving.answer_approval(run, request.call_id, True)
            except (Refused, RunOver):
                continue


def late(root: Run) -> None:
    Run.objects.filter(id=root.id).exclude(deadline=None).update(deadline=timezone.now() - log.LEASE)
    delegations.end_late()


def cancel_child(root: Run) -> None:
    if child := Run.objects.filter(root=root).first():
        services.cancel_run(child)


def raced(root: Run, draw: random.Random) -> None:
    """Let everybody at the tree at once, then have one worker finish what is left, and look at it."""
    ends_at = time.monotonic() + RACE_S
    threads = [in_thread(lambda: advance_what_is_woken(ends_at)) for _ in range(3)]
    deeds = [allow, allow, draw.choice([allow, late, cancel_child, services.cancel_run])]
    for deed in deeds:
        time.sleep(draw.random() * RACE_S / 4)
        threads.append(in_thread(lambda deed=deed: deed(root)))
    for thread in threads:
        thread.join()
    finish(root)
    check(root)


def finish(root: Run) -> None:
    for _ in range(6):
        Run.objects.exclude(lease_until=None).update(lease_until=timezone.now() - log.LEASE)
        for run_id, _ in log.take_stalled():
            for queue in ("model", "tools", "model"):
                advancing.advance(run_id, queue, lambda: scripted_services(SCRIPT))
        allow(root)


def check(root: Run) -> None:
    runs = [Run.objects.get(id=root.id), *Run.objects.filter(root=root)]
    problems.extend(f"{run} is not over" for run in runs if not run.is_over)
    if len(runs) > 3:
        problems.append(f"{len(runs)} runs")
    for run in runs:
        steps = log.read(run.id)
        results = [step.call_id for step in steps if isinstance(step, ToolResult)]
        if len(results) != len(set(results)):
            problems.append(f"{run}: a result came twice")
        if sum(isinstance(step, Finished | Cancelled | Error) for step in steps) != 1:
            problems.append(f"{run}: no end, or several")
    if len(paid) != len(set(paid)):
        problems.append("paid twice")


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    wake.send_task = lambda name, run_id, queue: woken.put(queue)
    stream.publish = lambda run_id, *events: None
    stream.partial_text = lambda run_id: ""
    loop.granted = lambda spec, _: {"pay": Tool(PAY, pay)} if spec.name == "Payer" else {}
    alice = User.objects.create_user("alice@example.org", name="Alice")
    desk = make_gpt(alice, "Desk", make_gpt(alice, "Payer"), make_gpt(alice, "Clerk"))
    for n in range(int(sys.argv[1])):
        raced(ask(alice, desk), random.Random(n))
    print(json.dumps(problems))
