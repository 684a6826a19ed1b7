"""The queue of runs: rows that wait for a worker, taken in turns by person. Visitors of one widget share a place.

Celery messages only wake a worker, which takes the run that is next. Two workers that choose the same run at once
race for its lease; the loser chooses again, by what is true then.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import Avg, Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from gpts.runs.fairness import Share, n_ahead, next_person, places
from web.languages import grouped
from web.runs import log
from web.runs.models import QueueTurn, Run
from web.runs.wake import wake

# How much a worker process does at once, by kind of work. Workers of the queue "tools" also look at sources, run
# batches and deliver, those of "index" import chats.
SLOTS: Final = {"model": 32, "tools": 16, "sources": 6, "batches": 2, "deliver": 2, "index": 3, "imports": 2}
# What a person may have in work in any case.
LEAST: Final = 2
NEVER: Final = datetime.min.replace(tzinfo=UTC)
# The weight of the newest duration in a person's average.
NEWEST: Final = 0.3
# For how long all readers are told the same places.
SEEN_S: Final = 1.0
# The threads of one process do not race: each loser would have asked and written for nothing.
_taking: Final = threading.Lock()
# How many people had work in each queue when this process took some last; guarded by `_taking`.
_n_people: Final[dict[str, int]] = {}
_looking: Final = threading.Lock()
_is_low: Final[ContextVar[bool]] = ContextVar("is_low", default=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that this worker has taken from `queue`, by its lease; `person` is its owner."""

    run_id: UUID
    lease: str
    queue: str
    person: int


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place in its queue: how many are taken before it, and the wait in seconds if it can be estimated."""

    ahead: int
    wait_s: int | None

    @property
    def text(self) -> str:
        """The place in words."""
        place = gettext("Queued · you’re next")
        if self.ahead:
            place = gettext("Queued · {n} ahead of you").format(n=grouped(self.ahead))
        return place if self.wait_s is None else f"{place} · {_duration(self.wait_s)}"


def _unfinished(queue: str) -> "QuerySet[Run]":
    return Run.objects.filter(queue=queue).exclude(status__in=Run.OVER)


def take(queue: str) -> Claimed | None:
    """Claim the run of `queue` that is next; None if none waits."""
    with _taking:
        shares = _shares(queue)
        _wake_held_back(queue, shares)
        while (person := _next_person(queue, shares)) is not None:
            free = _unfinished(queue).filter(log.is_free(), owner=person).order_by("is_low", "queued", "id")
            run_id = free.values_list("id", flat=True).first()
            if run_id is not None and (lease := log.claim(run_id)):
                serve(person, queue)
                return Claimed(run_id, lease, queue, person)
            shares = _shares(queue)
        return None


def _wake_held_back(queue: str, shares: Sequence[Share]) -> None:
    """Once others have left, a person may have more in work, for which messages came while they might not."""
    n_before, _n_people[queue] = _n_people.get(queue, 0), len(places(shares))
    if queue == "model" and _n_people[queue] < n_before and any(share.n_waiting for share in shares):
        waiting = _unfinished(queue).filter(log.is_free()).order_by("queued", "id")
        for run_id in waiting.values_list("id", flat=True)[: SLOTS[queue]]:
            wake(run_id, queue)


def people_wait(queue: str) -> bool:
    """Whether any run of `queue` waits that somebody waits for."""
    return _unfinished(queue).filter(log.is_free(), is_low=False).exists()


def is_idle(queue: str) -> bool:
    """Whether no run of `queue` waits or is under way."""
    return not _unfinished(queue).exists()


@contextmanager
def at_low_priority() -> Iterator[None]:
    """Let runs that start in the block wait until nobody else's does."""
    token = _is_low.set(True)
    try:
        yield
    finally:
        _is_low.reset(token)


def is_low() -> bool:
    """Whether a run that starts now is in such a block."""
    return _is_low.get()


def serve(person: int, queue: str) -> None:
    """Record that it was the person's turn."""
    turn = QueueTurn(user_id=person, queue=queue, served=timezone.now())
    unique, changed = ["queue", "user"], ["served"]
    QueueTurn.objects.bulk_create([turn], update_conflicts=True, unique_fields=unique, update_fields=changed)


def served(queue: str, people: Iterable[int]) -> dict[int, datetime]:
    """When each of these people last had their turn, for those who had one."""
    return dict(QueueTurn.objects.filter(queue=queue, user__in=people).values_list("user", "served"))


def learn_duration(claimed: Claimed, seconds: float) -> None:
    """Count `seconds` for the estimates of how long people wait."""
    turn = QueueTurn.objects.filter(queue=claimed.queue, user=claimed.person)
    if not turn.filter(seconds=0).update(seconds=seconds):
        turn.update(seconds=F("seconds") * (1 - NEWEST) + seconds * NEWEST)


def place_of(run_id: UUID) -> Place | None:
    """The place of the run in its queue; None if it waits in none."""
    return _Waiting().place_of(run_id)


def recent_place_of(run_id: UUID) -> Place | None:
    """The same as it was up to SEEN_S ago, for the many readers who look again and again."""
    with _looking:
        waiting = _waiting_at(int(time.monotonic() / SEEN_S))
    return waiting.place_of(run_id)


@lru_cache(maxsize=1)
def _waiting_at(_moment: int) -> "_Waiting":
    return _Waiting()


class _Waiting:
    """All runs that wait in any queue, and what their places follow from."""

    def __init__(self) -> None:
        waiting = Run.objects.filter(log.is_free()).exclude(queue="").exclude(status__in=Run.OVER)
        self._runs: dict[UUID, tuple[str, int, int]] = {}
        n_before: Counter[tuple[str, int]] = Counter()
        for queue, owner, run_id in waiting.order_by("queued", "id").values_list("queue", "owner", "id"):
            self._runs[run_id] = queue, owner, n_before[queue, owner]
            n_before[queue, owner] += 1
        queues = {queue for queue, *_ in self._runs.values()}
        self._shares = {queue: _shares(queue) for queue in queues}
        self._mean_s = {queue: _mean_s(queue) for queue in queues}

    def place_of(self, run_id: UUID) -> Place | None:
        """The place of one of them."""
        if run_id not in self._runs:
            return None
        queue, owner, n_before = self._runs[run_id]
        shares, mean_s = self._shares[queue], self._mean_s[queue]
        ahead = n_ahead(shares, owner, n_before)
        # As many runs are taken at once as are running while others wait.
        n_running = max(1, sum(share.n_running for share in shares))
        return Place(ahead, None if mean_s is None else round(mean_s * (ahead + 1) / n_running))


def _next_person(queue: str, shares: Sequence[Share]) -> int | None:
    # Tools wait for programs elsewhere, which may be silent for as long as they like.
    most = settings.MAX_TOOL_CALLS_PER_PERSON if queue == "tools" else _most_of_model(len(places(shares)))
    return next_person(shares, most)


def _most_of_model(n_people: int) -> int | None:
    """How many answers of one person are written at once: an equal part, because each one slows down all others.

    Whoever is alone may use every slot.
    """
    return max(LEAST, SLOTS["model"] // n_people) if n_people > 1 else None


def _shares(queue: str) -> list[Share]:
    """What each person has in the queue. Runs that nobody waits for count as waiting only if no others wait."""
    whose = _unfinished(queue).order_by().values_list("owner", "owner__widget_visitor__widget")
    rows = whose.annotate(
        n_waiting=Count("id", filter=log.is_free() & Q(is_low=False)),
        n_low=Count("id", filter=log.is_free() & Q(is_low=True)),
        n=Count("id"),
    )
    last = served(queue, (person for person, *_ in rows)) if len(rows) > 1 else {}
    people_wait = any(waiting for _, _, waiting, *_ in rows)
    return [
        Share(
            *(person, waiting if people_wait else low, every - waiting - low, last.get(person, NEVER)),
            place=str(widget or ""),
        )
        for person, widget, waiting, low, every in rows
    ]


def _mean_s(queue: str) -> float | None:
    """Seconds that a run took, as a mean over people."""
    found: float | None = QueueTurn.objects.filter(queue=queue, seconds__gt=0).aggregate(mean=Avg("seconds"))["mean"]
    return found


def _duration(seconds: int) -> str:
    if seconds < 60:
        return gettext("about {n} s").format(n=max(1, seconds))
    minutes = round(seconds / 60)
    return ngettext("about {n} minute", "about {n} minutes", minutes).format(n=minutes)
