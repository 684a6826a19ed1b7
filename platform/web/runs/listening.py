"""New events of runs, heard and read for all readers of an event loop together.

What is published on CHANNEL, the keys of streams, says only "look". Whoever misses it (the connection broke) finds
the events when it looks anyway, as every reader does now and then. Those who look at the same time share one XREAD:
of sixteen answers that are written at once, reading each by itself was a quarter of the web process's work.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple, cast
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings

CHANNEL: Final = "runs"
RECONNECT_S: Final = 0.5
READ_TIMEOUT_S: Final = 5.0
# The most entries of one stream that are read at once.
AT_ONCE: Final = 1_000
# How long the connections stay open without readers.
LINGER_S: Final = 2.0

# The id of a stream's entry: milliseconds and a number.
Position = tuple[int, int]
Entry = tuple[Position, dict[bytes, bytes]]
# None: Redis could not be read.
Entries = Sequence[Entry] | None


class _Wanted(NamedTuple):
    key: str
    after: Position
    found: asyncio.Future[Entries]


class Listener:
    """The readers of one event loop, and its two connections while there are any."""

    def __init__(self) -> None:
        self._reading = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=READ_TIMEOUT_S)
        # No time limit: nothing may come for hours.
        self._hearing = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
        self._channels: Any = self._hearing.pubsub()
        self._readers: dict[str, set[asyncio.Event]] = {}
        self._wanted: list[_Wanted] = []
        self._is_wanted = asyncio.Event()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read_forever())]

    def add(self, key: str, news: asyncio.Event) -> None:
        """Set `news` whenever the stream `key` has something new, and whenever listening has begun again."""
        self._readers.setdefault(key, set()).add(news)

    def drop(self, key: str, news: asyncio.Event) -> None:
        """Forget `news`; without readers, close the connections soon."""
        self._readers[key].discard(news)
        if not self._readers[key]:
            del self._readers[key]
        if not self._readers:
            asyncio.get_running_loop().call_later(LINGER_S, self._close_if_idle)

    async def read(self, key: str, after: Position) -> Entries:
        """At most AT_ONCE entries of the stream after this one; None, after a moment, if Redis cannot be read."""
        wanted = _Wanted(key, after, asyncio.get_running_loop().create_future())
        self._wanted.append(wanted)
        self._is_wanted.set()
        return await wanted.found

    def _close_if_idle(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._readers and _listeners.get(loop) is self:
            del _listeners[loop]
            for task in self._tasks:
                task.cancel()

    async def _read_forever(self) -> None:
        try:
            while not _is_cancelled() and await self._is_wanted.wait():
                self._is_wanted.clear()
                wanted, self._wanted = self._wanted, []
                streams = await self._read(wanted)
                for key, after, found in wanted:
                    if not found.done():  # its reader may have left
                        entries = None if streams is None else streams.get(key, ())
                        found.set_result(entries and [entry for entry in entries if entry[0] > after])
        finally:
            await self._reading.aclose()

    async def _read(self, wanted: Sequence[_Wanted]) -> dict[str, list[Entry]] | None:
        first: dict[str, Position] = {}
        for key, after, _ in wanted:
            first[key] = min(after, first.get(key, after))
        try:
            positions: dict[Any, Any] = {key: entry_at(after) for key, after in first.items()}
            answer = cast(Any, await self._reading.xread(positions, count=AT_ONCE))
        except (redis.RedisError, OSError):
            await asyncio.sleep(RECONNECT_S)
            return None
        return {
            key.decode(): [(position_of(entry_id.decode()), fields) for entry_id, fields in entries]
            for key, entries in answer or ()
        }

    async def _listen(self) -> None:
        is_subscribed = False
        try:
            while not _is_cancelled():
                try:
                    if not is_subscribed:
                        await self._channels.subscribe(CHANNEL)
                        is_subscribed = True
                    self._tell(await self._channels.get_message(timeout=None))
                except (redis.RedisError, OSError):
                    await asyncio.sleep(RECONNECT_S)
        finally:
            with suppress(redis.RedisError, OSError):
                await self._channels.aclose()
            await self._hearing.aclose()

    def _tell(self, message: dict[str, Any] | None) -> None:
        if message and message["type"] == "message":
            keys: Sequence[str] = message["data"].decode().split()
        else:  # subscribed, perhaps again after a lost connection
            keys = list(self._readers)
        for key in keys:
            for news in self._readers.get(key, ()):
                news.set()


def _is_cancelled() -> bool:
    """Whether the task is to end: redis 8.1.0 swallows a cancellation that arrives while it connects."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def position_of(entry_id: str) -> Position:
    """The position of this entry, which a client may have made up; that before all of them if it is none."""
    known = re.fullmatch(r"([0-9]{1,19})(?:-([0-9]{1,19}))?", entry_id)  # Redis knows numbers of 64 bits
    return (int(known[1]), int(known[2] or 0)) if known else (0, 0)


def entry_at(position: Position) -> str:
    """The id of the entry at this position."""
    return "{}-{}".format(*position)


_listeners: WeakKeyDictionary[asyncio.AbstractEventLoop, Listener] = WeakKeyDictionary()


@asynccontextmanager
async def listening(key: str) -> AsyncIterator[tuple[Listener, asyncio.Event]]:
    """The listener, which reads, and an event that is set when there is something new in the stream `key`."""
    loop = asyncio.get_running_loop()
    listener = _listeners.get(loop) or _listeners.setdefault(loop, Listener())
    news = asyncio.Event()
    listener.add(key, news)
    try:
        yield listener, news
    finally:
        listener.drop(key, news)
