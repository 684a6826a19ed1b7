"""Calling a task on a worker and waiting for its payload, if a page needs it.

The payload comes back through Celery's result backend, in a Redis key that expires. The message has a deadline, after
which Celery drops it unstarted. A task that fails is reported immediately. Nothing here is durable: without the
payload callers show what they have, and the message of NoResult.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import redis
from celery import Task
from celery.exceptions import TimeoutError as NotReady
from celery.result import AsyncResult
from celery.states import REVOKED, SUCCESS
from django.conf import settings
from django.db import close_old_connections
from django.utils.translation import gettext, gettext_noop
from kombu.exceptions import OperationalError

from web.admission import step_aside
from web.celery import app
from web.slots import Slots

logger = logging.getLogger(__name__)

# The largest payload, as JSON: the words of a page with their positions take about 100 kB, a long passage 10 kB.
MAX_PAYLOAD_BYTES: Final = 4_000_000
# The waiting threads of a process share one subscription, and only one notices when it breaks: so all poll as well.
POLL_S: Final = 1.0
TOO_LATE: Final = gettext_noop("This took too long. Try again in a moment.")
AWAY: Final = gettext_noop("This isn’t available right now. Try again in a moment.")
TOO_MANY: Final = gettext_noop("You have too many requests in progress. Wait until one is finished.")
FAILED: Final = gettext_noop("Something went wrong. Try again, or contact an admin.")
# Celery creates its backend on first use; without a lock, several threads at once would each create one.
_backend_lock: Final = threading.Lock()
OUTSIDE: Final = Slots()


class NoResult(Exception):
    """No worker returned a payload; the message is for the person."""


class Late(NoResult):
    """No payload came in time. A worker may be at it still, or begin just before the message's deadline."""


class RpcTask(Task):
    """A task whose caller waits for its payload. It fails if that is larger than MAX_PAYLOAD_BYTES."""

    abstract = True
    ignore_result = False
    # Celery logs results, and these hold what people wrote or said.
    resultrepr_maxsize = 0

    def __call__(self, *args: Any) -> dict[str, Any]:
        """Run the task. Raises ValueError if its payload is too large."""
        payload: dict[str, Any] = self.run(*args)
        if (n_bytes := len(json.dumps(payload))) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a payload of {n_bytes:,} bytes is too large to send")
        return payload


def call_for(
    person: int, task: str, *args: str, queue: str, timeout_s: float, most: int | None = None
) -> dict[str, Any]:
    """Like `call`, for what anyone may ask for. Raises NoResult.

    The person with this id may have `most` of them at once, so that one person's do not take every thread of workers:
    MAX_FORM_CALLS_PER_PERSON, unless the task takes seconds at most.
    """
    slot = OUTSIDE.take(person, settings.MAX_FORM_CALLS_PER_PERSON if most is None else most)
    if slot is None:
        raise NoResult(gettext(TOO_MANY))
    try:
        payload = call(task, *args, queue=queue, timeout_s=timeout_s)
    except Late:
        # No task takes longer than its caller waits (tests/workers/test_threads.py): its thread is free by then.
        OUTSIDE.free_later(slot, timeout_s)
        raise
    except BaseException:
        slot.free()
        raise
    slot.free()
    return payload


def call(task: str, *args: str, queue: str, timeout_s: float = 10) -> dict[str, Any]:
    """The payload of the RpcTask `task`, run by a worker of `queue`. Raises NoResult if it fails or is late.

    Blocks the calling thread, but holds no database connection: never call it inside a transaction. A worker may call
    workers of another queue (a batch does), which Celery would refuse if it could not be sure of that.
    """
    return start(task, *args, queue=queue, timeout_s=timeout_s)()


def start(task: str, *args: str, queue: str, timeout_s: float = 10) -> Callable[[], dict[str, Any]]:
    """Like `call`, for something to be done meanwhile: the function that is returned waits, and raises NoResult."""
    ends = time.monotonic() + timeout_s
    step_aside()
    with _backend_lock:
        _ = app.backend
    result = None
    with suppress(NoResult), _reporting(task):
        result = app.send_task(task, args, queue=queue, retry=False, expires=timeout_s)

    def payload() -> dict[str, Any]:
        if result is None:
            raise NoResult(gettext(AWAY))
        close_old_connections()
        try:
            with _reporting(task):
                return _wait(result, ends)
        finally:
            with suppress(redis.RedisError, OSError, RuntimeError):
                result.forget()

    return payload


@contextmanager
def _reporting(task: str) -> Iterator[None]:
    """Raises NoResult for what Celery raises: RuntimeError when it gives up its connection."""
    try:
        yield
    except (OperationalError, redis.RedisError, OSError, RuntimeError) as error:
        logger.warning("%s could not be called: %s", task, error)
        raise NoResult(gettext(AWAY)) from error


def _wait(result: "AsyncResult[Any]", ends: float) -> dict[str, Any]:
    while (left_s := ends - time.monotonic()) > 0:
        with suppress(NotReady):
            payload = result.get(timeout=min(left_s, POLL_S), propagate=False, disable_sync_subtasks=False)
            if result.state == SUCCESS:
                return payload
            raise NoResult(gettext(TOO_LATE if result.state == REVOKED else FAILED))
    raise Late(gettext(TOO_LATE))
