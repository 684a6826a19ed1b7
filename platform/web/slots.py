"""What people hold at the same time in this process: open streams and uploads in progress."""

from threading import Lock
from time import monotonic
from weakref import WeakSet


class Slot:
    """One thing that the person with this id holds, until it is freed or forgotten."""

    def __init__(self, person: int, holders: "WeakSet[Slot]") -> None:
        self.person, self._holders = person, holders
        holders.add(self)

    def free(self) -> None:
        """End holding it; no effect the second time."""
        self._holders.discard(self)


class Slots:
    """A bound by person. What nobody refers to any more counts as freed: a response that was never sent, say."""

    def __init__(self) -> None:
        self._held: dict[int, WeakSet[Slot]] = {}
        self._later: list[tuple[float, Slot]] = []
        self._lock = Lock()

    def take(self, person: int, most: int) -> Slot | None:
        """A slot for the person with this id; None if they hold `most` already."""
        with self._lock:
            self._free_what_is_over()
            self._held = {each: held for each, held in self._held.items() if held}
            held = self._held.setdefault(person, WeakSet())
            return Slot(person, held) if len(held) < most else None

    def free_later(self, slot: Slot, after_s: float) -> None:
        """End holding `slot` in so many seconds: what it stands for may go on as long."""
        with self._lock:
            self._later.append((monotonic() + after_s, slot))

    def _free_what_is_over(self) -> None:
        now = monotonic()
        for until, slot in self._later:
            if until <= now:
                slot.free()
        self._later = [(until, slot) for until, slot in self._later if until > now]

    def n_held(self, person: int) -> int:
        """How many the person holds."""
        return len(self._held.get(person, ()))
