"""Asking a worker something small and waiting for its answer, where a page cannot go on without it.

The task gets the errand's id as its first argument and calls `answer(errand_id, data)`; the answer comes back over a
Redis list that expires. An errand that nobody waits for any more costs nothing: its message carries the deadline, and
Celery drops it unstarted. A task that fails says so at once. Nothing here is durable: callers show what they have
without the answer, with the sentence of NoAnswer.
"""

import json
import logging
import secrets
from functools import cache
from typing import Any, Final, cast

import redis
from celery.signals import task_failure
from django.conf import settings
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from web.celery import app

logger = logging.getLogger(__name__)

# The largest answer, as JSON: a page's words with their places are about 100 kB, a long passage 10 kB.
MAX_ANSWER_BYTES: Final = 4_000_000
# How long an answer lies in Redis if whoever asked has left.
KEEP_S: Final = 30
TOO_LATE: Final = "Nothing came back in time: the workers are busy or away. Try again in a moment."
AWAY: Final = "The workers cannot be reached right now. Try again in a moment."
FAILED: Final = "Something went wrong while this was being prepared. Try again, or tell whoever runs this site."


class NoAnswer(Exception):
    """No worker did the errand; the message is for the person who waits."""


def ask(task: str, *args: str, queue: str, timeout_s: float = 10) -> dict[str, Any]:
    """What a worker of `queue` answers to the task `task`. Raises NoAnswer when it fails, or none does in time.

    Holds the calling thread until then, but no database connection: never call it inside a transaction.
    """
    errand_id = secrets.token_urlsafe(18)
    close_old_connections()
    try:
        app.send_task(task, [errand_id, *args], task_id=errand_id, queue=queue, retry=False, expires=timeout_s)
        popped = cast("list[bytes] | None", _client().blpop([_key(errand_id)], timeout=timeout_s))
    except (OperationalError, redis.RedisError, OSError) as error:
        logger.warning("nobody could be asked for %s: %s", task, error)
        raise NoAnswer(AWAY) from error
    if popped is None:
        raise NoAnswer(TOO_LATE)
    told = json.loads(popped[1])
    if "failed" in told:
        raise NoAnswer(FAILED)
    return told["data"]


def answer(errand_id: str, data: dict[str, Any]) -> None:
    """Send `data` to whoever asked. Raises ValueError when it is larger than MAX_ANSWER_BYTES."""
    told = json.dumps({"data": data})
    if len(told) > MAX_ANSWER_BYTES:
        raise ValueError(f"an answer of {len(told):,} bytes is too large to send")
    _tell(errand_id, told)


@task_failure.connect
def _tell_failure(task_id: str, args: tuple[Any, ...], **_: Any) -> None:
    """Tell whoever waits that the task failed. A task is an errand if its own id is its first argument."""
    if args and args[0] == task_id:
        _tell(task_id, json.dumps({"failed": True}))


def _tell(errand_id: str, told: str) -> None:
    pipe = _client().pipeline()
    pipe.rpush(_key(errand_id), told)
    pipe.expire(_key(errand_id), KEEP_S)
    try:
        pipe.execute()
    except redis.RedisError as error:
        logger.warning("the answer to an errand was lost: %s", error)


def _key(errand_id: str) -> str:
    return f"errand:{errand_id}"


@cache
def _client() -> redis.Redis:
    # Without a limit on reading, which redis 8 sets to 5 s by itself: BLPOP waits for as long as its caller says.
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=None)
