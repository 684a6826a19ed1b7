"""How GPTs stand: people, ratings and trend, counted by a worker every few minutes and after each rating.

The score of a GPT is a Bayesian mean: its ratings, each with its weight (see `use`), and PRIOR_WEIGHT ratings of
PRIOR_STARS. A GPT with few real ratings so stays near the middle. Fifty five-star ratings by accounts that each had
one answer weigh 2 and give 3.9 stars; five by people who use it weigh 5 and give 4.25.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from web.builder.models import Gpt
from web.store.models import Review, Standing
from web.store.use import breadths, uses

PRIOR_STARS: Final = 3.5
PRIOR_WEIGHT: Final = 5.0
# Use counts half for a trend after so many days, and none after TREND_DAYS.
HALF_LIFE_DAYS: Final = 7.0
TREND_DAYS: Final = 28
_FIELDS: Final = ("n_people", "n_ratings", "mean", "score", "trend")
_BATCH: Final = 500


def refresh() -> None:
    """Count everything anew."""
    _weigh(Review.objects.all())
    gpts = Gpt.objects.in_store().order_by()
    people = Count("conversations__owner", filter=Q(conversations__origin="chat"), distinct=True)
    counted = dict(gpts.values_list("id").annotate(n=people))
    trends, ratings = _trends(timezone.now()), _ratings(Review.objects.filter(gpt__in=gpts))
    found = {
        gpt: Standing(gpt_id=gpt, n_people=n, trend=round(trends.get(gpt, 0.0), 3), **_rated(ratings.get(gpt, ())))
        for gpt, n in counted.items()
    }
    known = {row.gpt_id: row for row in Standing.objects.all()}
    _save(row for gpt, row in found.items() if gpt not in known or _differs(row, known[gpt]))


def refresh_ratings(gpt: Gpt) -> None:
    """Count the ratings of one GPT anew."""
    reviews = Review.objects.filter(gpt=gpt)
    _weigh(reviews)
    Standing.objects.update_or_create(gpt=gpt, defaults=_rated(_ratings(reviews).get(gpt.id, ())))


def _weigh(reviews: QuerySet[Review]) -> None:
    """Let each review count by its writer's use; never less than before, as people may delete their chats."""
    owners = reviews.order_by().values("owner")
    broad = breadths(owners)
    used = uses(Gpt.objects.filter(id__in=reviews.order_by().values("gpt")), conversations__owner__in=owners)
    heavier = []
    for review in reviews.only("gpt", "owner", "weight"):
        use = used.get((review.gpt_id, review.owner_id))
        weight = round(use.depth * broad.get(review.owner_id, 0.0), 4) if use else 0.0
        if weight > review.weight:
            review.weight = weight
            heavier.append(review)
    Review.objects.bulk_update(heavier, ["weight"], batch_size=_BATCH)


def _ratings(reviews: QuerySet[Review]) -> dict[UUID, list[tuple[int, float]]]:
    """Stars and weight of the reviews of each GPT that are in the store."""
    found: dict[UUID, list[tuple[int, float]]] = defaultdict(list)
    for gpt, stars, weight in reviews.filter(hidden=None, owner__is_active=True).values_list(
        "gpt", "stars", "weight"
    ):
        found[gpt].append((stars, weight))
    return found


def _rated(ratings: Iterable[tuple[int, float]]) -> dict[str, float | int]:
    """The fields of a standing that come from stars and weights."""
    given = list(ratings)
    if not given:
        return {"n_ratings": 0, "mean": 0.0, "score": 0.0}
    weight = sum(each for _, each in given)
    score = (PRIOR_STARS * PRIOR_WEIGHT + sum(stars * each for stars, each in given)) / (PRIOR_WEIGHT + weight)
    mean = sum(stars for stars, _ in given) / len(given)
    return {"n_ratings": len(given), "mean": round(mean, 2), "score": round(score, 4)}


def _trends(now: datetime) -> dict[UUID, float]:
    """The use of each GPT in the last weeks: every person once, by how much and how long ago."""
    since = now - timedelta(days=TREND_DAYS)
    found: dict[UUID, float] = defaultdict(float)
    recent = {"conversations__messages__runs__created__gte": since}
    for (gpt, _), use in uses(Gpt.objects.in_store(), **recent).items():
        found[gpt] += use.depth * 0.5 ** ((now - use.last) / timedelta(days=HALF_LIFE_DAYS))
    return found


def _differs(one: Standing, other: Standing) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in _FIELDS)


def _save(rows: Iterable[Standing]) -> None:
    Standing.objects.bulk_create(
        rows, batch_size=_BATCH, update_conflicts=True, unique_fields=["gpt"], update_fields=_FIELDS
    )
