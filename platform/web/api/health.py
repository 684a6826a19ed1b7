"""Probes for supervisors, load balancers and `deploy/up`."""

import asyncio
from typing import Final

import redis
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from web.runs.connections import in_database
from web.runs.stream import model_worker

# A probe that hangs is worse than one that fails.
TIMEOUT_S: Final = 2.0


@require_safe
async def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the site is up and its database responds."""
    try:
        await asyncio.wait_for(in_database(_query_database), TIMEOUT_S)
    except (DatabaseError, TimeoutError):
        return _unavailable("down", "The database is not responding.")
    return JsonResponse({"status": "ok"})


def _query_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@require_safe
async def readyz(request: HttpRequest) -> JsonResponse:
    """200 while a model worker has its model loaded."""
    try:
        worker = await asyncio.wait_for(sync_to_async(model_worker, thread_sensitive=False)(), TIMEOUT_S)
    except (redis.RedisError, OSError, TimeoutError):
        return _unavailable("waiting", "Redis is not responding.")
    if worker is None:
        return _unavailable("waiting", "No model worker has loaded its model.")
    return JsonResponse({"status": "ready", **worker})


def _unavailable(status: str, reason: str) -> JsonResponse:
    response = JsonResponse({"status": status, "reason": reason}, status=503)
    # Django would log every response to a probe as an error.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
