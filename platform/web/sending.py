"""Sending Celery tasks by name. Losing one is harmless: the beat sends again what is due."""

import logging

import redis
from kombu.exceptions import OperationalError

from web.celery import app

logger = logging.getLogger(__name__)


def send_task(name: str, row_id: str, queue: str) -> None:
    """Queue the task `name` for the row. If the broker is down, this logs a warning and returns."""
    try:
        # Otherwise Celery subscribes to the result.
        app.send_task(name, [row_id], queue=queue, retry=False, ignore_result=True)
    except (OperationalError, redis.RedisError, OSError) as error:
        logger.warning("%s(%s) was not sent, the beat will: %s", name, row_id, error)
