"""How much of each queue a worker process does at once, and how its threads take it.

Messages only wake. One that finds every slot busy is dropped, because a slot that becomes free takes what is next by
itself. So messages never pile up, and the threads beyond the slots (deploy/supervisor.conf) always answer RPCs.
"""

import threading
from collections.abc import Callable
from typing import Final

from web.runs.fair_queue import SLOTS

_free: Final = {queue: threading.BoundedSemaphore(n) for queue, n in SLOTS.items()}


def work_through(queue: str, do_next: Callable[[], bool], is_waiting: Callable[[], bool]) -> None:
    """Repeat `do_next` in a slot of `queue` until it finds nothing to do. Returns at once if no slot is free.

    Whatever was added after that but before the slot was free, whose message was dropped, `is_waiting` finds.
    """
    while _free[queue].acquire(blocking=False):
        try:
            while do_next():
                pass
        finally:
            _free[queue].release()
        if not is_waiting():
            return
