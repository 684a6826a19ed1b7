"""Sending Celery tasks by name. Losing one is harmless: the beat re-sends what is still due."""

import logging

import redis
from kombu.exceptions import OperationalError

from web.celery import app

logger = logging.getLogger(__name__)


def send_task(name: str, row_id: str, queue: str) -> None:
    """Queue the task `name` for the row. With the broker down this logs and returns."""
    try:
        # Celery would subscribe to the result of a message that does not say that nobody waits for one.
        app.send_task(name, [row_id], queue=queue, retry=False, ignore_result=True)
    except (OperationalError, redis.RedisError, OSError) as error:
        logger.warning("%s(%s) was not sent, the beat will: %s", name, row_id, error)
