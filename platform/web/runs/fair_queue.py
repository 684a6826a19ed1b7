"""The queue of runs: rows that wait for a worker, taken in turns by person.

Celery messages only wake a worker, which takes the run that is next. Two workers that choose the same run at once
race for its lease; the loser chooses again, by what is true then.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db.models import Avg, Count, F, Q, QuerySet
from django.utils import timezone

from gpts.runs.fairness import Share, n_ahead, next_person
from web.runs import log
from web.runs.models import QueueTurn, Run

NEVER: Final = datetime.min.replace(tzinfo=UTC)
# The weight of the newest duration in a person's average.
NEWEST: Final = 0.3


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
        place = f"Queued · {self.ahead:,} ahead of you" if self.ahead else "Queued · you’re next"
        return place if self.wait_s is None else f"{place} · {_duration(self.wait_s)}"


def take(queue: str) -> Claimed | None:
    """Claim the run of `queue` that is next; None if none waits."""
    while (person := next_person(_shares(queue))) is not None:
        own = _unfinished(queue).filter(log.is_free(), owner=person)
        run_id = own.order_by("queued", "id").values_list("id", flat=True).first()
        if run_id is not None and (lease := log.claim(run_id)):
            serve(person, queue)
            return Claimed(run_id, lease, queue, person)
    return None


def is_waiting(queue: str) -> bool:
    """Whether any run of `queue` waits for a worker."""
    return _unfinished(queue).filter(log.is_free()).exists()


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
    run = Run.objects.filter(log.is_free(), id=run_id).exclude(queue="").first()
    if run is None:
        return None
    own = _unfinished(run.queue).filter(log.is_free(), owner=run.owner_id)
    n_before = own.filter(Q(queued__lt=run.queued) | Q(queued=run.queued, id__lt=run.id)).count()
    shares = _shares(run.queue)
    ahead = n_ahead(shares, run.owner_id, n_before)
    return Place(ahead, _wait_s(run.queue, ahead, sum(share.n_running for share in shares)))


def _unfinished(queue: str) -> "QuerySet[Run]":
    return Run.objects.filter(queue=queue).exclude(status__in=Run.OVER)


def _shares(queue: str) -> list[Share]:
    is_free = log.is_free()
    counts = (
        _unfinished(queue)
        .values("owner")
        .annotate(n_waiting=Count("id", filter=is_free), n_running=Count("id", filter=~is_free))
    )
    rows = list(counts.order_by().values_list("owner", "n_waiting", "n_running"))
    last = served(queue, (person for person, *_ in rows))
    return [Share(person, waiting, running, last.get(person, NEVER)) for person, waiting, running in rows]


def _wait_s(queue: str, ahead: int, n_running: int) -> int | None:
    """As many runs are taken at once as are running while others wait."""
    seconds = QueueTurn.objects.filter(queue=queue, seconds__gt=0).aggregate(mean=Avg("seconds"))["mean"]
    return None if seconds is None else round(seconds * (ahead + 1) / max(1, n_running))


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"about {max(1, seconds)} s"
    minutes = round(seconds / 60)
    return f"about {minutes} minute{'' if minutes == 1 else 's'}"
