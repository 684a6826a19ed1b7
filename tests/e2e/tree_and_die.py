"""A worker process that advances every unfinished run and SIGKILLs itself right after its n-th append; 0: never.

`tree_and_die.py N`. The engine is scripted by the GPT's name; the loop, the log and the process are real. It answers
the way a tree of runs needs it: Desk asks One and Two, Two asks Three.
"""

import os
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "platform")]

import django

django.setup()

from django.utils import timezone

from tests.workers.trees import asks, call, hands, says
from web.runs import log
from web.runs.models import Run
from workers import loop

SCRIPT = {
    "Desk": asks(call("ask_one", "1?"), call("ask_two", "2?")),
    "One": says("One says so."),
    "Two": asks(call("ask_three", "3?")),
    "Three": says("Three says so."),
}


def die_after(n: int) -> None:
    """Make the n-th `log.append` of this process its last deed."""
    real, count = log.append, 0

    def append(*args):
        nonlocal count
        seq = real(*args)
        count += 1
        if count == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return seq

    log.append = append


if __name__ == "__main__":
    if n := int(sys.argv[1]):
        die_after(n)
    its_hands = hands(SCRIPT)
    # As if the leases of the dead and the wake-ups under way had run out.
    Run.objects.exclude(lease_until=None).update(lease_until=timezone.now() - log.LEASE)
    while stalled := log.take_stalled():
        for run_id in stalled:
            loop.advance_all(run_id, "model", lambda: its_hands)
        Run.objects.exclude(lease_until=None).update(lease_until=timezone.now() - log.LEASE)
