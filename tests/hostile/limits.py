"""A limit on processor time that also ends a pattern: `re` looks for signals while it matches."""

import signal
import time
from collections.abc import Callable
from typing import Any

# What 100 kB of text that a stranger wrote may take, and how much text a first look takes.
LIMIT_S = 1.0
CHARS = 100_000
FEW_CHARS = 3_000


class _TooLong(BaseException):
    """No Exception: nothing that handles faults may take it for one."""


def _end(*_: object) -> None:
    raise _TooLong


def seconds(work: Callable[[Any], object], text: str | bytes) -> float:
    """The processor time of `work(text)`, which is ended and counted as LIMIT_S where it takes longer."""
    before = signal.signal(signal.SIGVTALRM, _end)
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    try:
        work(text)
    except _TooLong:
        return LIMIT_S
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return min(time.process_time() - begun, LIMIT_S)


def is_quick(work: Callable[[Any], object], text_of: Callable[[int], str | bytes], n_chars: int = CHARS) -> bool:
    """Whether `work` reads `n_chars` of a shape within LIMIT_S.

    Where a part of the text takes the square of its share of the time, the whole does, even if time grows so.
    """
    if n_chars > FEW_CHARS and seconds(work, text_of(FEW_CHARS)) < LIMIT_S * (FEW_CHARS / n_chars) ** 2:
        return True
    # Twice, because something else may have slowed down the machine.
    text = text_of(n_chars)
    return seconds(work, text) < LIMIT_S or seconds(work, text) < LIMIT_S
