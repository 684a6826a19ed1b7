"""What is worked out of a text, kept while an answer is judged, which asks for it again with every sentence.

A cache of the process would keep what strangers' files give, 50 MB each, and would lose it while others are judged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

T = TypeVar("T")

_SHORT_CHARS: Final = 300
_MOST_SHORT: Final = 512

_kept: Final[ContextVar[dict[Any, Any] | None]] = ContextVar("kept", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Keep what `remembered` functions return in the block."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def remembered(function: Callable[[str], T]) -> Callable[[str], T]:
    """`function`, which looks at a text once per block of `remembering`; elsewhere only short texts are kept."""
    of_short = lru_cache(maxsize=_MOST_SHORT)(function)

    @wraps(function)
    def found(text: str) -> T:
        kept = _kept.get()
        if kept is None:
            return of_short(text) if len(text) <= _SHORT_CHARS else function(text)
        key = function, text
        if key not in kept:
            kept[key] = function(text)
        value: T = kept[key]
        return value

    return found
