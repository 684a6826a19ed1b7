"""Works on schedules as the beat's task does, once for each line of its input, and prints the exit status.

A line is where the process ends itself with SIGKILL: "begin" as soon as it has written the first step of a run,
"commit" when all is written and nothing committed, "settle" the same while it sees what became of a run; "-" never.
"""

import os
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[2] / "platform")]

import django

django.setup()

from tests.e2e.dying import die_after
from web.schedules import starting

LIMIT_S = 120


def killed(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def work(where: str) -> None:
    if where == "begin":
        die_after(1)
    if where == "commit":
        start = starting.start
        starting.start = lambda *args: (start(*args), killed())[0]
    if where == "settle":
        starting._tell = killed
    starting.work()


if __name__ == "__main__":
    for line in sys.stdin:
        workers = []
        for where in line.split():
            worker = os.fork()
            if not worker:
                signal.alarm(LIMIT_S)
                work(where)
                os._exit(0)
            workers.append(worker)
        print(*(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers), flush=True)
