"""Which requests compute, and when: a few at once, each person in turn.

Python computes in one thread at a time. Many requests at once do not end earlier, but make each other late: a thread
that holds the database's write lock waits for the interpreter behind all the others, and every writer waits for it.
So AT_ONCE requests compute, one that reads and one that writes of each person, while the others wait. The next is
that of the person who was served longest ago. Whoever has MANY waiting computes while nobody else does, for a
twentieth of the time: one person's hundred requests take little from the others, and what was answered is still read.

A request waits once its body is here, and is over with its response, whose body may be streamed for minutes. Code
that waits for somebody else meanwhile says so with `step_aside`.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")

AT_ONCE: Final = 4
# Requests in a line that wait: with more than a browser sends at once, they get what others leave ...
MANY: Final = 6
# ... and rest so many times as long as each took, so that they take a twentieth of the time at most, ...
RESTS: Final = 19
# ... while others have come within so many seconds; ...
ABOUT_S: Final = 2.0
# ... besides one in so many seconds.
PATIENCE_S: Final = 5.0


class Line(NamedTuple):
    """The requests of one person that read, or those that write: one of them computes at once."""

    who: str
    writes: bool


class Place:
    """The right to compute, until `end`."""

    def __init__(self, admission: "Admission", line: Line) -> None:
        self._admission, self._line, self._loop = admission, line, asyncio.get_running_loop()
        self._begun = monotonic()
        self._is_held = True

    def end(self) -> None:
        """Let the next request compute; no effect the second time. To be called in the event loop."""
        if self._is_held:
            self._is_held = False
            self._admission.leave(self._line, monotonic() - self._begun)

    def end_from_thread(self) -> None:
        """The same, from any thread."""
        self._loop.call_soon_threadsafe(self.end)


_place: ContextVar[Place | None] = ContextVar("place", default=None)


class Admission:
    """Admits `at_once` requests, `of_line` of each line, and queues the others."""

    def __init__(self, at_once: int, of_line: int = 1) -> None:
        self._n_free, self._of_line = at_once, of_line
        self._inside: Counter[Line] = Counter()
        self._waiting: OrderedDict[Line, _Waiting] = OrderedDict()
        # When the last two people came.
        self._came: OrderedDict[str, float] = OrderedDict()

    @asynccontextmanager
    async def admitted(self, line: Line) -> AsyncIterator[None]:
        """Wait for the place of a request in this line, and hold it for the block."""
        await self.wait(line)
        place = Place(self, line)
        token = _place.set(place)
        try:
            yield
        finally:
            _place.reset(token)
            place.end()

    async def wait(self, line: Line) -> None:
        """Wait for a place, to be freed with `leave`."""
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(line, _Waiting()).calls.append(called)
        self._note(line.who)
        self._call()
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called at the moment at which the client left
                self.leave(line)
            raise

    def _note(self, who: str) -> None:
        self._came[who] = monotonic()
        self._came.move_to_end(who)
        if len(self._came) > 2:
            self._came.popitem(last=False)

    def leave(self, line: Line, took_s: float = 0.0) -> None:
        """Free the place of a request in this line, which computed for `took_s`."""
        self._n_free += 1
        self._inside -= Counter([line])  # forgets who has none
        if waiting := self._waiting.get(line):
            waiting.rests_until = monotonic() + RESTS * took_s
            asyncio.get_running_loop().call_later(RESTS * took_s, self._call)
        self._call()

    def _call(self) -> None:
        """Call whoever has their turn, while there are places."""
        while self._n_free and (line := next(filter(self._has_turn, self._waiting), None)):
            waiting = self._waiting.pop(line)
            called = waiting.calls.popleft()
            if waiting.calls:
                waiting.served = monotonic()
                self._waiting[line] = waiting  # the last in turn now
            if not called.done():
                self._n_free -= 1
                self._inside[line] += 1
                called.set_result(None)

    def _has_turn(self, line: Line) -> bool:
        if self._inside[line] >= self._of_line:
            return False
        waiting, now = self._waiting[line], monotonic()
        if len(waiting.calls) <= MANY or now - waiting.served > PATIENCE_S:
            return True
        return not self._inside and (now >= waiting.rests_until or not self._others_about(line.who, now))

    def _others_about(self, who: str, now: float) -> bool:
        return any(other != who and now - came < ABOUT_S for other, came in self._came.items())


@dataclass(slots=True)
class _Waiting:
    """Requests of a line that wait. `served`: when one of the line was called last, or the first began to wait."""

    calls: deque[asyncio.Future[None]] = field(default_factory=deque)
    served: float = field(default_factory=monotonic)
    rests_until: float = 0.0


def step_aside() -> None:
    """Let other requests compute, because this one waits for somebody. Callable from any thread, also twice."""
    if place := _place.get():
        place.end_from_thread()


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`. If the client leaves, it still has its place until its thread is free."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
