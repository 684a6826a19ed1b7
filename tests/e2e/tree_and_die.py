"""Grows trees and kills their workers: `tree_and_die.py ASKER_EMAIL DESK_SLUG N`.

For each n in 0..N, a forked worker advances a new tree and SIGKILLs itself right after its n-th append (0: never),
and a second one then finishes what is left. Prints a JSON list of what became of each. The engine is scripted by the
GPT's name, Desk asks One and Two, Two asks Three; the loop, the log and the processes are real.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "platform")]

import django

django.setup()

from django.db import connections
from django.utils import timezone

from gpts.runs.steps import Delegation
from tests.e2e.dying import die_after
from tests.workers.trees import ask, asks, call, says, scripted_services
from web.accounts.models import User
from web.builder.models import Gpt
from web.runs import log
from web.runs.models import Run
from workers.runs import loop

SCRIPT = {
    "Desk": asks(call("ask_one", "1?"), call("ask_two", "2?")),
    "One": says("One says so."),
    "Two": asks(call("ask_three", "3?")),
    "Three": says("Three says so."),
}


def work(n: int) -> bool:
    """Have a forked worker advance what is unfinished; whether it was killed."""
    connections.close_all()
    worker = os.fork()
    if worker:
        return os.WIFSIGNALED(os.waitpid(worker, 0)[1])
    if n:
        die_after(n)
    its_services = scripted_services(SCRIPT)
    run_out()
    while log.take_stalled():
        while loop.advance_next("model", lambda: its_services):
            pass
        run_out()
    os._exit(0)


def run_out() -> None:
    """As if the leases of the dead and the wake-ups under way had run out."""
    Run.objects.exclude(lease_until=None).update(lease_until=timezone.now() - log.LEASE)


def shape(run: Run) -> list[Any]:
    """The tree as its logs tell it: the kinds of each run's steps, and the same of those it asked."""
    steps = log.read(run.id)
    asked = [shape(Run.objects.get(id=step.run_id)) for step in steps if isinstance(step, Delegation)]
    return [run.version.gpt.name, sorted(step.kind for step in steps), asked]


def played(user: User, desk: Gpt, n: int) -> dict[str, Any]:
    run = ask(user, desk)
    killed = work(n)
    work(0)
    children = Run.objects.filter(root=run).count()
    return {"killed": killed, "shape": shape(run), "children": children, "text": log.read(run.id)[-1].text}


if __name__ == "__main__":
    its_user, its_desk = User.objects.get(email=sys.argv[1]), Gpt.objects.get(slug=sys.argv[2])
    print(json.dumps([played(its_user, its_desk, n) for n in range(int(sys.argv[3]) + 1)]))
