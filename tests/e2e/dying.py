"""How a worker process of these tests ends itself: killed right after it wrote a step to a log."""

import os
import signal
from collections.abc import Callable
from typing import Any

from web.runs import log


def die_after(n: int) -> None:
    """Make the n-th step that this process writes its last deed."""
    count = 0

    def dying(write: Callable[..., Any]) -> Callable[..., Any]:
        def written(*args: Any) -> Any:
            nonlocal count
            result = write(*args)
            count += 1
            if count == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return written

    log.append, log.begin = dying(log.append), dying(log.begin)
