"""How a worker process of these tests ends itself: killed right after an append to a log."""

import os
import signal

from web.runs import log


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
