"""Which requests compute, and when: a few at once, each person in turn.

Python computes in one thread at a time. Many requests at once do not end earlier, but make each other late: a thread
that holds the database's write lock waits for the interpreter behind all the others, and every writer waits for it.
So AT_ONCE requests compute, PER_PERSON of one person, while the others wait. The next is that of the person who was
served longest ago, and people who have MANY waiting compute while nobody else does: one person's hundred requests
delay another's first by the rest of one.

A request waits once its body is here, and is over with its response, whose body may be streamed for minutes. Code
that waits for somebody else meanwhile says so with `step_aside`.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Any, Final, TypeVar

T = TypeVar("T")

AT_ONCE: Final = 4
PER_PERSON: Final = 2
# Requests of one person that wait: with more than a browser sends at once, they get what others leave, ...
MANY: Final = 6
# ... unless the first has waited for so long.
PATIENCE_S: Final = 5.0


class Place:
    """The right to compute, until `end`."""

    def __init__(self, admission: "Admission", who: str) -> None:
        self._admission, self._who, self._loop = admission, who, asyncio.get_running_loop()
        self._is_held = True

    def end(self) -> None:
        """Let the next request compute; no effect the second time. To be called in the event loop."""
        if self._is_held:
            self._is_held = False
            self._admission.leave(self._who)

    def end_from_thread(self) -> None:
        """The same, from any thread."""
        self._loop.call_soon_threadsafe(self.end)


_Call = tuple[float, asyncio.Future[None]]
_place: ContextVar[Place | None] = ContextVar("place", default=None)


class Admission:
    """Admits `at_once` requests, and queues the others of each person."""

    def __init__(self, at_once: int) -> None:
        self._n_free = at_once
        self._inside: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[_Call]] = OrderedDict()

    @asynccontextmanager
    async def admitted(self, who: str) -> AsyncIterator[None]:
        """Wait for the place of a request of `who`, and hold it for the block."""
        await self.wait(who)
        place = Place(self, who)
        token = _place.set(place)
        try:
            yield
        finally:
            _place.reset(token)
            place.end()

    async def wait(self, who: str) -> None:
        """Wait for a place, to be freed with `leave`."""
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append((monotonic(), called))
        self._call()
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called at the moment at which the client left
                self.leave(who)
            raise

    def leave(self, who: str) -> None:
        """Free the place of a request of `who`."""
        self._n_free += 1
        self._inside -= Counter([who])  # forgets who has none
        self._call()

    def _call(self) -> None:
        """Call whoever has their turn, while there are places."""
        while self._n_free and (who := next(filter(self._has_turn, self._waiting), None)):
            queue = self._waiting.pop(who)
            _, called = queue.popleft()
            if queue:
                self._waiting[who] = queue  # the last in turn now
            if not called.done():
                self._n_free -= 1
                self._inside[who] += 1
                called.set_result(None)

    def _has_turn(self, who: str) -> bool:
        if self._inside[who] >= PER_PERSON:
            return False
        queue = self._waiting[who]
        return not self._inside or len(queue) <= MANY or monotonic() - queue[0][0] > PATIENCE_S


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
