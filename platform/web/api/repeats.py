"""Repeated requests: a client that sends a request again gets the run that it started, not a second one.

Official clients send a request again on their own, and programs do once a person has approved a call. A repetition
is known by its `Idempotency-Key`; or else by its body, while its first answer is a run that waits for a person, or
where the client says that it is a retry.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Self

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from web.accounts.models import User
from web.api.auth import caller
from web.api.errors import ApiError
from web.runs.access import access_run
from web.runs.connections import in_database
from web.runs.models import IdempotentRequest, Run
from web.runs.services import cancel_run

HEADER: Final = "Idempotency-Key"
# How often the clients of OpenAI and Anthropic have sent the request before, in each of their requests.
RETRY_HEADER: Final = "X-Stainless-Retry-Count"
# How long a run whose caller has left waits for the retry: these clients come back within 0.5 and then 1 second.
RETRY_S: Final = 1.25
RETRY_WINDOW: Final = timedelta(minutes=5)
KEY_CHARS: Final = 255
# How long an answer that its caller was told to come back for is kept for the same body, once it is finished.
BODY_WINDOW: Final = timedelta(hours=1)
REUSED: Final = f"This {HEADER} was already sent with another request. Send a new one with each request."


@dataclass(frozen=True, slots=True)
class RepeatableRequest:
    """A request by what its repetitions share: digests of its key, empty without one, and of its body.

    `retry` is how often its client has sent it before; None if the client doesn't say. Each attempt adds a row.
    """

    owner: User
    key: str
    body: str
    retry: int | None = None
    received: datetime = field(default_factory=timezone.now)

    @classmethod
    def of(cls, request: HttpRequest, *content: str) -> Self:
        """The request that asks for `content`. Raises ApiError if its key is too long."""
        key = request.headers.get(HEADER, "")
        if len(key) > KEY_CHARS:
            raise ApiError(400, f"{HEADER} is too long: {len(key)} of {KEY_CHARS} characters.", HEADER)
        count = request.headers.get(RETRY_HEADER, "")
        retry = int(count) if count.isascii() and count.isdigit() and len(count) < 4 and not key else None
        return cls(caller(request), _digest(key) if key else "", _digest(*content), retry)

    def part(self, number: int) -> Self:
        """The part of this number, of a request that several runs answer."""
        key, body = (_digest(text, str(number)) if text else "" for text in (self.key, self.body))
        return replace(self, key=key, body=body)

    def run(self, start: Callable[[], Run]) -> Run:
        """The run of this request: that of an earlier one like it, or the one that `start` creates.

        Raises ApiError for a key that came with another body, and what `start` raises.
        """
        if earlier := self._earlier():
            return earlier
        if self.retry is not None:
            with transaction.atomic():
                run = self._retried() or start()
                self._note_attempt(run)
                return run
        if not self.key:
            return start()
        try:
            with transaction.atomic():
                run = start()
                self._note(run)
                return run
        except IntegrityError:  # the same request at the same time was faster
            if earlier := self._earlier():
                return earlier
            raise

    def came_to_wait(self, run: Run) -> None:
        """Let repetitions find the run, since its caller is told to come back."""
        if not self.key:
            self._note(run)

    def was_answered(self, run: Run) -> None:
        """The caller gets the answer: without a key, the same body is a new question from now on."""
        IdempotentRequest.objects.filter(run=run, key="", body=self.body).delete()

    async def was_left(self, run: Run) -> None:
        """Stop the run, whose caller has disconnected, unless a repetition can fetch the answer."""
        if self.retry is not None:
            await asyncio.sleep(RETRY_S)
        await in_database(self._stop, run)

    def _stop(self, run: Run) -> None:
        attempts = IdempotentRequest.objects.filter(run=run, key="", body=self._attempts)
        # Its own row is one of those since it came.
        is_awaited = self.retry is not None and attempts.filter(created__gt=self.received).count() > 1
        if not (self.key or is_awaited):
            cancel_run(run)

    @property
    def _attempts(self) -> str:
        """What stands in the rows of attempts instead of the body, which is that of runs to come back for."""
        return _digest("attempts", self.body)

    def _note_attempt(self, run: Run) -> None:
        IdempotentRequest.objects.create(owner=self.owner, key="", body=self._attempts, run=run)

    def _retried(self) -> Run | None:
        """The run of the attempt before, unless it failed, was stopped, or ended long ago."""
        if not self.retry:
            return None
        is_fresh = Q(run__ended=None) | Q(run__ended__gt=timezone.now() - RETRY_WINDOW)
        found = IdempotentRequest.objects.filter(is_fresh, owner=self.owner, key="", body=self._attempts)
        found = found.filter(run__message__conversation__deleted=None)
        row = found.exclude(run__status__in=(Run.Status.CANCELLED, Run.Status.FAILED)).order_by("-id").first()
        return access_run(self.owner, row.run_id) if row else None

    def _note(self, run: Run) -> None:
        IdempotentRequest.objects.get_or_create(owner=self.owner, key=self.key, body=self.body, run=run)

    def _earlier(self) -> Run | None:
        found = IdempotentRequest.objects.filter(owner=self.owner, key=self.key)
        if not self.key:
            found = found.filter(body=self.body)
            is_fresh = Q(run__ended=None) | Q(run__ended__gt=timezone.now() - BODY_WINDOW)
            found = found.filter(is_fresh, run__message__conversation__deleted=None)
            found = found.exclude(run__status=Run.Status.CANCELLED)
        row = found.order_by("-id").first()
        if row and row.body != self.body:
            raise ApiError(422, REUSED, HEADER, "idempotency_key_reused")
        return access_run(self.owner, row.run_id) if row else None


def _digest(*texts: str) -> str:
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()
