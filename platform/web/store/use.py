"""How much people really used GPTs: their finished answers in chats, which are what ratings and trends rest on.

An account that was made to push a GPT sends it one message on one day and uses nothing else. So what a person's word
counts grows with their answers from this GPT, the days on which they used it, and the other GPTs that they use:
fifty such accounts count as much as two people who use it at their work.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet
from django.db.models.functions import TruncDate

from web.builder.models import Gpt

# From so many answers, days and GPTs on, a person counts in full.
MANY_ANSWERS: Final = 4
MANY_DAYS: Final = 2
MANY_GPTS: Final = 3
_RUNS: Final = "conversations__messages__runs"
# Answers to people, in chats that are kept; not to programs, in previews or for other GPTs.
_FINISHED: Final = Q(**{"conversations__origin": "chat", f"{_RUNS}__status": "completed", f"{_RUNS}__root": None})


@dataclass(frozen=True, slots=True)
class Use:
    """How much one person used a GPT: finished answers, and the days they came on. `last`: when the last one did."""

    n_answers: int
    n_days: int
    last: Any

    @property
    def depth(self) -> float:
        """How much it is, 0..1."""
        return min(1.0, self.n_answers / MANY_ANSWERS) * min(1.0, self.n_days / MANY_DAYS)


def uses(gpts: "QuerySet[Gpt]", **people: Any) -> dict[tuple[UUID, int], Use]:
    """The use of `gpts`, by GPT and person; `people` filters those, as conversations__owner=… does. One query."""
    rows = (
        gpts.filter(_FINISHED, **people)
        .order_by()
        .values_list("id", "conversations__owner")
        .annotate(n=Count(f"{_RUNS}__id"), days=Count(TruncDate(f"{_RUNS}__created"), distinct=True))
        .annotate(last=Max(f"{_RUNS}__created"))
    )
    return {(gpt, person): Use(n, days, last) for gpt, person, n, days, last in rows}


def has_used(gpt: Gpt, user: Any) -> bool:
    """Whether `user` has had a finished answer from `gpt` in a chat."""
    return Gpt.objects.filter(_FINISHED, id=gpt.id, conversations__owner=user).exists()


def breadths(people: "QuerySet[Any]") -> dict[int, float]:
    """How many GPTs of others each of `people` (ids) used, 0..1. One query."""
    others = Gpt.objects.filter(_FINISHED, conversations__owner__in=people).exclude(owner=F("conversations__owner"))
    rows = others.order_by().values_list("conversations__owner").annotate(n=Count("id", distinct=True))
    return {person: min(1.0, n / MANY_GPTS) for person, n in rows}
