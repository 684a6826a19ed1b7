"""What one person may use: GPTs, files, keys; runs, streams and sandboxes at once; what is counted by the day.

A limit is the person's own if an operator set one, else the one set for everyone, else the site's setting. Limits of
groups will come between the first two, in `limits_of`. Operators are counted like everyone else.

Daily numbers are rows that only conditional updates change; what is counted by its own rows is counted under a lock
on the person (`lock`). So two requests at once never pass a limit together. Tokens are known only afterwards: runs
that are in progress when the limit is reached end as they would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import F, Q, Sum
from django.utils import timezone

from web.accounts.models import DailyUse, QuotaLimit, User


@dataclass(frozen=True, slots=True)
class Kind:
    """Something that is limited. `setting` is the site's limit, `what` the noun in sentences, `remedy` what helps."""

    title: str
    setting: str
    what: str
    remedy: str = ""

    @property
    def is_daily(self) -> bool:
        """Whether it starts again at midnight."""
        return not self.remedy


KINDS: Final = {
    "messages": Kind("Messages", "MESSAGES_A_DAY", "messages a day"),
    "tokens": Kind("Tokens", "TOKENS_A_DAY", "tokens a day"),
    "pictures": Kind("Generated images", "PICTURES_A_DAY", "generated images a day"),
    "audio_s": Kind("Audio (seconds)", "AUDIO_S_A_DAY", "seconds of audio a day"),
    "runs": Kind("Answers in progress", "MAX_ACTIVE_RUNS", "answers in progress", "Wait for one to finish"),
    "streams": Kind("Answers open at once", "MAX_STREAMS_PER_PERSON", "answers open at once", "Close some"),
    "sandbox_sessions": Kind(
        *("Code interpreter sessions", "MAX_SANDBOX_SESSIONS_PER_PERSON"),
        *("code interpreter sessions at once", "Wait for one to finish"),
    ),
    "gpts": Kind("GPTs", "MAX_GPTS_PER_PERSON", "GPTs", "Delete one"),
    "storage_mb": Kind("Storage (MB)", "MAX_STORAGE_MB_PER_PERSON", "MB of files", "Delete files or chats"),
    "schedules": Kind("Schedules", "MAX_SCHEDULES_PER_PERSON", "schedules", "Delete one"),
    "keys": Kind("API keys", "MAX_KEYS_PER_PERSON", "API keys", "Revoke one"),
}
Limits = dict[str, int | None]
# What ends by itself, and when it is worth trying again.
PASSING: Final = ("runs", "streams")
PASSING_S: Final = 5
MB: Final = 1_000_000
KEPT: Final = timedelta(days=7)


class QuotaExceeded(ValidationError):
    """The person has used up what they may; the message says what helps.

    `retry_after_s` is when it helps to try again; 0 if only the person can help. `is_passing`: it ends by itself.
    """

    def __init__(self, kind: str, limit: int) -> None:
        facts, renews = KINDS[kind], renews_at()
        remedy = f"It renews at {renews:%H:%M} ({renews:%Z})" if facts.is_daily else facts.remedy
        super().__init__(f"You’ve reached your limit of {limit:,} {facts.what}. {remedy}.", code="quota")
        self.is_passing = kind in PASSING
        self.retry_after_s = PASSING_S if self.is_passing else 0
        if facts.is_daily:
            self.retry_after_s = max(1, round((renews - timezone.now()).total_seconds()))


def renews_at() -> datetime:
    """When daily numbers start again: at midnight in the site's time zone."""
    return timezone.make_aware(datetime.combine(timezone.localdate() + timedelta(days=1), time()))


def limits_of(person: int) -> Limits:
    """Every limit of the person with this id; None for no limit."""
    limits: Limits = {key: getattr(settings, kind.setting) for key, kind in KINDS.items()}
    rows = QuotaLimit.objects.filter(Q(user=None) | Q(user=person)).order_by(F("user").asc(nulls_first=True))
    return limits | {key: most for key, most in rows.values_list("kind", "most") if key in KINDS}


def lock(person: int) -> None:
    """Hold off other transactions that count for this person until this one ends. Take it before other locks."""
    User.objects.select_for_update(no_key=True).only("id").get(id=person)


def check(person: int, kind: str, n_used: float, more: float = 1, limits: Limits | None = None) -> None:
    """Raise QuotaExceeded if `more` on top of `n_used` passes the limit. The caller has counted under `lock`.

    `limits` are the person's, if the caller has them already; so below.
    """
    most = (limits or limits_of(person))[kind]
    if most is not None and n_used + more > most:
        raise QuotaExceeded(kind, most)


def take(person: int, kind: str, n: int = 1, limits: Limits | None = None) -> None:
    """Count `n` more of a daily kind. Raises QuotaExceeded, and nothing is counted then."""
    most = (limits or limits_of(person))[kind]
    if not _count(person, kind, n, most):
        assert most is not None
        raise QuotaExceeded(kind, most)


@contextmanager
def taken(person: int, kind: str, n: int = 1) -> Iterator[None]:
    """Count `n` more of a daily kind for the block, and take that back if it fails. Raises QuotaExceeded."""
    if n:
        take(person, kind, n)
    try:
        yield
    except BaseException:
        if n:
            add(person, kind, -n)
        raise


def add(person: int, kind: str, n: int) -> None:
    """Count `n` more of a daily kind, whatever its limit."""
    _count(person, kind, n)


def used_today(person: int) -> dict[str, int]:
    """The daily numbers of the person."""
    rows = DailyUse.objects.filter(user=person, day=timezone.localdate())
    return dict(rows.values_list("kind", "n"))


def forget_old() -> int:
    """Delete the daily numbers that nothing shows any more; how many."""
    return DailyUse.objects.filter(day__lt=timezone.localdate() - KEPT).delete()[0]


def stored_mb(person: int) -> float:
    """The size of the person's knowledge files and of their uploads and files in chats, in MB.

    Of uploads and chats, what is there twice is counted once: it is stored once, and each use of an upload is a copy.
    """
    of_person = User.objects.filter(id=person)
    lasts = Q(conversation_files__expires=None) | Q(conversation_files__expires__gt=timezone.now())
    in_chats = of_person.filter(
        lasts, conversation_files__removed=None, conversation_files__conversation__deleted=None
    )
    contents = in_chats.values("conversation_files__sha256", "conversation_files__size").distinct()
    in_gpts = Q(gpts__deleted=None, gpts__files__removed=None)
    sums = [
        contents.aggregate(n=Sum("conversation_files__size", default=0))["n"],
        of_person.aggregate(n=Sum("gpts__files__size", filter=in_gpts, default=0))["n"],
    ]
    return sum(sums) / MB


def check_storage(person: int, n_bytes: int) -> None:
    """Raise QuotaExceeded if `n_bytes` more do not fit. The caller stores them under `lock`."""
    check(person, "storage_mb", stored_mb(person), n_bytes / MB)


def set_limit(kind: str, most: int | None, person: User | None) -> None:
    """Set this limit for the person, or for everyone; None for no limit."""
    QuotaLimit.objects.update_or_create(user=person, kind=kind, defaults={"most": most})


def reset_limit(kind: str, person: User | None) -> None:
    """Remove what an operator set, so that the next more general limit holds."""
    QuotaLimit.objects.filter(user=person, kind=kind).delete()


def _count(person: int, kind: str, n: int, most: int | None = None) -> bool:
    """Whether `n` more of a daily kind were counted: not if that passed `most`."""
    row = DailyUse(user_id=person, day=timezone.localdate(), kind=kind)
    today = DailyUse.objects.filter(user=person, day=row.day, kind=kind)
    within = today if most is None else today.filter(n__lte=most - n)
    if within.update(n=F("n") + n):
        return True
    DailyUse.objects.bulk_create([row], ignore_conflicts=True)  # the first of the day
    return bool(within.update(n=F("n") + n))
