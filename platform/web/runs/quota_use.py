"""What a person uses of each quota, for their page, their programs and operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from web.accounts import quotas
from web.accounts.models import User
from web.accounts.quotas import KINDS, Kind
from web.accounts.services import n_secrets
from web.runs.connections import STREAMS
from web.runs.models import Run
from web.runs.stream import n_sandboxes

# From here on the page warns that little is left.
NEARLY: Final = 0.8


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a quota is used; no `limit`: as much as they want. `renews` is set for daily ones."""

    kind: str
    used: int
    limit: int | None
    renews: datetime | None

    @property
    def facts(self) -> Kind:
        """What is limited."""
        return KINDS[self.kind]

    @property
    def state(self) -> str:
        """For its bar: "full", "nearly" or empty."""
        if self.limit is None or self.used < NEARLY * self.limit:
            return ""
        return "full" if self.used >= self.limit else "nearly"


def use_of(person: User) -> list[Use]:
    """The person's use of everything that is limited."""
    limits, renews = quotas.limits_of(person.id), quotas.renews_at()
    used = {
        "runs": Run.objects.filter(owner=person, root=None).exclude(status__in=Run.OVER).count(),
        "streams": STREAMS.n_held(person.id),
        "sandbox_sessions": n_sandboxes(person.id),
        "gpts": person.gpts.filter(deleted=None).count(),
        "storage_mb": round(quotas.stored_mb(person.id)),
        "schedules": person.schedules.count(),
        "keys": n_secrets(person),
        **quotas.used_today(person.id),
    }
    return [Use(key, used.get(key, 0), limits[key], renews if kind.is_daily else None) for key, kind in KINDS.items()]
