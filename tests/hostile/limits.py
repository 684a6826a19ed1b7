"""A limit on processor time that also ends a pattern: `re` looks for signals while it matches."""

import signal
import time
from collections.abc import Callable
from typing import Any

# What 100 kB of text that a stranger wrote may take, and how much text a first look takes.
LIMIT_S = 1.0
CHARS = 100_000
FEW_CHARS = 3_000
# What is linear may need more where other processes empty the caches; what is not needs hundreds of times as much.
SECOND_LOOK = 2.0
# What a million rounds of a loop take on the machine of the limit, and how much slower another may be: two
# processes that share a core make each other half as fast.
ROUNDS_S = 0.012
MOST_SLOWNESS = 4.0


class _TooLong(BaseException):
    """No Exception: nothing that handles faults may take it for one."""


def _end(*_: object) -> None:
    raise _TooLong


def seconds(work: Callable[[Any], object], text: str | bytes, limit_s: float = LIMIT_S) -> float:
    """The processor time of `work(text)`, which is ended and counted as `limit_s` where it takes longer."""
    before = signal.signal(signal.SIGVTALRM, _end)
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        work(text)
    except _TooLong:
        return limit_s
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return min(time.process_time() - begun, limit_s)


def _slowness() -> float:
    """How many times as long as on the machine of the limit work takes here and now, from 1 to MOST_SLOWNESS."""
    begun = time.process_time()
    for _ in range(1_000_000):
        pass
    return min(max((time.process_time() - begun) / ROUNDS_S, 1.0), MOST_SLOWNESS)


def is_quick(work: Callable[[Any], object], text_of: Callable[[int], str | bytes], n_chars: int = CHARS) -> bool:
    """Whether `work` reads `n_chars` of a shape within LIMIT_S.

    Where a part of the text takes the square of its share of the time, the whole does, even if time grows so.
    """
    if n_chars > FEW_CHARS and seconds(work, text_of(FEW_CHARS)) < LIMIT_S * (FEW_CHARS / n_chars) ** 2:
        return True
    text = text_of(n_chars)
    if seconds(work, text) < LIMIT_S:
        return True
    limit_s = LIMIT_S * SECOND_LOOK * _slowness()
    return seconds(work, text, limit_s) < limit_s
