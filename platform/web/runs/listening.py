"""New events of runs, heard over one Redis connection for all readers of an event loop.

What is published on a run's channel says only "look". Whoever misses it (the connection broke) finds the events when
it looks anyway, as every reader does now and then.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

import redis.asyncio
from django.conf import settings

RECONNECT_S: Final = 0.5
# Connections for reading streams, which takes a fraction of a millisecond.
READ_CONNECTIONS: Final = 16
READ_TIMEOUT_S: Final = 5.0


class Listener:
    """The readers of one event loop. Connected while there are any; `client` reads what they hear of."""

    def __init__(self) -> None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.REDIS_URL, max_connections=READ_CONNECTIONS, timeout=None, socket_timeout=READ_TIMEOUT_S
        )
        self.client = redis.asyncio.Redis.from_pool(pool)
        # No time limit: nothing may come for hours.
        self._hearing = redis.asyncio.Redis.from_url(settings.REDIS_URL, socket_timeout=None)
        self._channels: Any = self._hearing.pubsub()
        self.readers: dict[str, set[asyncio.Event]] = {}
        self._commands = asyncio.Lock()
        self._is_subscribed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._listen())
        self._subscribing: set[asyncio.Task[None]] = set()

    def add(self, channel: str, news: asyncio.Event) -> None:
        """Set `news` whenever something is published on `channel`, and once when listening to it has begun."""
        readers = self.readers.setdefault(channel, set())
        readers.add(news)
        if len(readers) == 1:
            task = asyncio.get_running_loop().create_task(self._subscribe(channel))
            self._subscribing.add(task)
            task.add_done_callback(self._subscribing.discard)

    def drop(self, channel: str, news: asyncio.Event) -> None:
        """Forget `news`; without readers, close the connections soon."""
        self.readers[channel].discard(news)
        if not self.readers[channel]:
            del self.readers[channel]
        if not self.readers:
            _listeners.pop(asyncio.get_running_loop(), None)
            self._task.cancel()

    async def unsubscribe(self, channel: str) -> None:
        """Listen to `channel` no longer, unless somebody reads it."""
        async with self._commands:
            if self.readers and channel not in self.readers:
                with suppress(redis.RedisError, OSError):
                    await self._channels.unsubscribe(channel)

    async def _subscribe(self, channel: str) -> None:
        while channel in self.readers:
            try:
                async with self._commands:
                    await self._channels.subscribe(channel)
                self._is_subscribed.set()
                return
            except (redis.RedisError, OSError):
                await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        try:
            await self._is_subscribed.wait()
            while True:
                await self._hear()
        finally:
            await self._channels.aclose()
            await self._hearing.aclose()
            await self.client.aclose()

    async def _hear(self) -> None:
        try:
            # After a lost connection, all channels are subscribed to again, of which each reader hears as well.
            message = await self._channels.get_message(timeout=None)
        except (redis.RedisError, OSError):
            await asyncio.sleep(RECONNECT_S)
            return
        channel = message["channel"].decode() if message else ""
        for news in self.readers.get(channel, ()):
            news.set()


_listeners: WeakKeyDictionary[asyncio.AbstractEventLoop, Listener] = WeakKeyDictionary()


@asynccontextmanager
async def listening(channel: str) -> AsyncIterator[tuple[redis.asyncio.Redis, asyncio.Event]]:
    """A client that reads, and an event that is set when there is something new on `channel`."""
    loop = asyncio.get_running_loop()
    listener = _listeners.get(loop) or _listeners.setdefault(loop, Listener())
    news = asyncio.Event()
    try:
        listener.add(channel, news)
        yield listener.client, news
    finally:
        listener.drop(channel, news)
        await listener.unsubscribe(channel)
