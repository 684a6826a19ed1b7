"""How much of each queue a worker process does at once, and how its threads take it.

Messages only wake. One that finds every slot busy is dropped, because a slot that becomes free takes what is next by
itself. So messages never pile up, and the threads beyond the slots (deploy/supervisor.conf) always answer RPCs.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from gpts.runs.fairness import Share, next_person
from web.runs.fair_queue import NEVER, SLOTS, serve, served

Row = TypeVar("Row")

_free: Final = {queue: threading.BoundedSemaphore(n) for queue, n in SLOTS.items()}
# By queue: whether a message came that no slot has looked for yet.
_is_marked: Final = {queue: threading.Event() for queue in SLOTS}
_taking: Final = threading.Lock()
# By queue: how many rows of each person this process works on, also those whose claims were taken from it.
_in_hand: Final[dict[str, Counter[int]]] = {queue: Counter() for queue in SLOTS}


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


def work_on_next(
    queue: str,
    waiting: Iterable[int],
    at_work: Iterable[int],
    claim: Callable[[int], Row | None],
    work: Callable[[Row], None],
) -> bool:
    """Do `work` for the row that `claim` returns for the person who is next. False if nobody is.

    `waiting` and `at_work` are the owners of rows. Each person has one in work at a time, however many wait.
    """
    with _taking:
        person, row = _taken(queue, Counter(waiting), Counter(at_work), claim)
        if person is None or row is None:
            return False
        _in_hand[queue][person] += 1
    try:
        work(row)
    finally:
        with _taking:
            _in_hand[queue][person] -= 1
    return True


def _taken(
    queue: str, waiting: Counter[int], at_work: Counter[int], claim: Callable[[int], Row | None]
) -> tuple[int | None, Row | None]:
    """The person who is next and their row, claimed; None twice if nobody is."""
    last, own = served(queue, waiting), _in_hand[queue]
    shares = [Share(who, n, max(at_work[who], own[who]), last.get(who, NEVER)) for who, n in waiting.items()]
    while (person := next_person(shares, 1)) is not None:
        if (row := claim(person)) is not None:
            serve(person, queue)
            return person, row
        shares = [share for share in shares if share.person != person]  # another worker was faster
    return None, None
