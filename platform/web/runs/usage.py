"""How much a GPT is used by people and by other GPTs: counts only, never who used it or for what.

Previews do not count. The database sums the rows of runs; no log is read.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import (
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    UUIDField,
)
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from web.builder.delegates import shown_name
from web.builder.models import Gpt
from web.runs.models import Conversation, DelegationRow, Run

PRIVATE: Final = gettext_noop("a private GPT")


@dataclass(frozen=True, slots=True)
class Share:
    """A number of runs with their tokens and their total time from question to answer."""

    n_runs: int
    n_tokens: int
    seconds: int

    @property
    def took(self) -> str:
        """The time as text: “40 s”, “12 min”, “3 h”."""
        if self.seconds < 100:
            return f"{self.seconds} s"
        minutes = round(self.seconds / 60)
        return f"{minutes} min" if minutes < 100 else f"{round(minutes / 60):,} h"


@dataclass(frozen=True, slots=True)
class DelegatorUsage:
    """A GPT that delegated. `gpt` is its slug, null for those that the creator may not see, which count as one."""

    name: str
    gpt: str | None
    n_runs: int
    n_tokens: int


@dataclass(frozen=True, slots=True)
class GptUsage:
    """How much a GPT was used in the last `days` days, previews aside; never by whom, nor for what.

    `by_people` counts questions of people, `by_gpts` delegations of other GPTs, which `by_delegator` lists, most
    first.
    """

    days: int
    n_people: int
    by_people: Share
    by_gpts: Share
    by_delegator: tuple[DelegatorUsage, ...]


def usage_of(gpt: Gpt, since_days: int = 30) -> GptUsage:
    """The usage of `gpt` in the last `since_days` days."""
    runs = Run.objects.filter(version__gpt=gpt, created__gte=timezone.now() - timedelta(days=since_days))
    kept = runs.exclude(
        Q(message__conversation__origin__in=(Conversation.Origin.PREVIEW, Conversation.Origin.BUILDER))
        | Q(root__message__conversation__origin=Conversation.Origin.PREVIEW, root__isnull=False)
    )
    by_people, by_gpts = kept.filter(root=None), kept.exclude(root=None)
    return GptUsage(
        days=since_days,
        n_people=by_people.aggregate(n=Count("owner", distinct=True))["n"],
        by_people=_share(by_people),
        by_gpts=_share(by_gpts),
        by_delegator=_delegators(gpt, by_gpts),
    )


def _share(runs: QuerySet[Run]) -> Share:
    took = ExpressionWrapper(F("ended") - F("created"), output_field=DurationField())
    summed = runs.aggregate(n=Count("id"), tokens=Sum("n_tokens", default=0), time=Sum(took))
    return Share(summed["n"], summed["tokens"], round(summed["time"].total_seconds()) if summed["time"] else 0)


def _delegators(gpt: Gpt, runs: QuerySet[Run]) -> tuple[DelegatorUsage, ...]:
    """The GPTs that delegated `runs`. A run with several parents counts for the first."""
    first = (
        DelegationRow.objects.filter(child=OuterRef("pk")).order_by("created", "id").values("parent__version__gpt")
    )
    grouped = runs.order_by().annotate(delegator=Subquery(first[:1], output_field=UUIDField())).values("delegator")
    rows = list(grouped.annotate(n=Count("id"), tokens=Sum("n_tokens", default=0)))
    seen = Gpt.objects.chattable_by(gpt.owner).select_related("published").in_bulk([row["delegator"] for row in rows])
    named = [
        DelegatorUsage(shown_name(gpt.owner, delegator), delegator.slug, row["n"], row["tokens"])
        for row in rows
        if (delegator := seen.get(row["delegator"]))
    ]
    if hidden := [row for row in rows if row["delegator"] not in seen]:
        named.append(
            DelegatorUsage(
                gettext(PRIVATE), None, sum(row["n"] for row in hidden), sum(row["tokens"] for row in hidden)
            )
        )
    return tuple(sorted(named, key=lambda each: -each.n_runs))
