"""How much of each queue a worker process does at once, and how its threads take it.

Messages only wake. One that finds every slot busy is dropped, because a slot that becomes free takes what is next by
itself. So messages never pile up, and the threads beyond the slots (deploy/supervisor.conf) always answer RPCs.
"""

import threading
from collections.abc import Callable
from typing import Final

from web.runs.fair_queue import SLOTS

_free: Final = {queue: threading.BoundedSemaphore(n) for queue, n in SLOTS.items()}
# By queue: whether a message came that no slot has looked for yet.
_is_marked: Final = {queue: threading.Event() for queue in SLOTS}


def work_through(queue: str, do_next: Callable[[], bool]) -> None:
    """Repeat `do_next` in a slot of `queue` until it finds nothing to do. Returns at once if no slot is free.

    What was added after that but before the slot was free, whose message was dropped, has left a mark.
    """
    _is_marked[queue].set()
    while _is_marked[queue].is_set() and _free[queue].acquire(blocking=False):
        _is_marked[queue].clear()
        try:
            while do_next():
                pass
        finally:
            _free[queue].release()
