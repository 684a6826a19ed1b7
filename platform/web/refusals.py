"""How late a refusal comes: at once for people, later and later for a program that takes no refusal for an answer.

A program that sends again whenever it is refused costs the site as much as one that is answered. So refusals of one
person beyond FREE wait, each longer than the one before, up to MAX_S. They are forgotten at FORGOTTEN_A_S.
"""

from collections import OrderedDict
from time import monotonic
from typing import Final

FREE: Final = 5
STEP_S: Final = 0.2
MAX_S: Final = 10.0
FORGOTTEN_A_S: Final = 2.0
# People whose refusals are remembered.
KNOWN: Final = 10_000


class Refusals:
    """The refusals of each person in the last seconds."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, who: str) -> float:
        """Count one more refusal of `who`; the seconds after which it should be sent."""
        now = monotonic()
        n, last = self._seen.pop(who, (0.0, now))
        n = min(max(0.0, n - (now - last) * FORGOTTEN_A_S) + 1, FREE + MAX_S / STEP_S)
        self._seen[who] = n, now
        if len(self._seen) > KNOWN:
            self._seen.popitem(last=False)
        return max(0.0, n - FREE) * STEP_S
