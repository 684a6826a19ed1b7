"""What one person may use: GPTs, files, keys; runs, streams and sandboxes at once; what is counted by the day.

A limit is the person's own if an operator set one, else the most generous of their groups', else the one set for
everyone, else the site's setting. Operators are counted like everyone else.

Daily numbers are rows that only conditional updates change; what is counted by its own rows is counted under a lock
on the person (`lock`). So two requests at once never pass a limit together. Tokens are known only afterwards: runs
that are in progress when the limit is reached end as they would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from math import inf
from typing import Final

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import F, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from web.accounts import audit
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
    "messages": Kind(gettext_noop("Messages"), "MESSAGES_A_DAY", gettext_noop("messages a day")),
    "tokens": Kind(gettext_noop("Tokens"), "TOKENS_A_DAY", gettext_noop("tokens a day")),
    "pictures": Kind(gettext_noop("Generated images"), "PICTURES_A_DAY", gettext_noop("generated images a day")),
    "audio_s": Kind(gettext_noop("Audio (seconds)"), "AUDIO_S_A_DAY", gettext_noop("seconds of audio a day")),
    "visitors": Kind(
        gettext_noop("Messages of visitors"), "VISITOR_MESSAGES_A_DAY", gettext_noop("messages of visitors a day")
    ),
    "runs": Kind(
        gettext_noop("Answers in progress"),
        "MAX_ACTIVE_RUNS",
        gettext_noop("answers in progress"),
        gettext_noop("Wait for one to finish"),
    ),
    "streams": Kind(
        gettext_noop("Answers open at once"),
        "MAX_STREAMS_PER_PERSON",
        gettext_noop("answers open at once"),
        gettext_noop("Close some"),
    ),
    "sandbox_sessions": Kind(
        *(gettext_noop("Code interpreter sessions"), "MAX_SANDBOX_SESSIONS_PER_PERSON"),
        *(gettext_noop("code interpreter sessions at once"), gettext_noop("Wait for one to finish")),
    ),
    "gpts": Kind(gettext_noop("GPTs"), "MAX_GPTS_PER_PERSON", gettext_noop("GPTs"), gettext_noop("Delete one")),
    "storage_mb": Kind(
        gettext_noop("Storage (MB)"),
        "MAX_STORAGE_MB_PER_PERSON",
        gettext_noop("MB of files and copied chats"),
        gettext_noop("Delete files or chats"),
    ),
    "schedules": Kind(
        gettext_noop("Schedules"), "MAX_SCHEDULES_PER_PERSON", gettext_noop("schedules"), gettext_noop("Delete one")
    ),
    "keys": Kind(
        gettext_noop("API keys"), "MAX_KEYS_PER_PERSON", gettext_noop("API keys"), gettext_noop("Revoke one")
    ),
}
Limits = dict[str, int | None]
# What forms say of a limit of 0.
ZERO: Final = "0: none."
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
        when = f"{renews:%H:%M} ({renews:%Z})"
        remedy = gettext("It renews at {when}").format(when=when) if facts.is_daily else gettext(facts.remedy)
        text = gettext("You’ve reached your limit of {limit:,} {what}. {remedy}.")
        super().__init__(text.format(limit=limit, what=gettext(facts.what), remedy=remedy), code="quota")
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
    whose = Q(user=None, group=None) | Q(user=person) | Q(group__in=Group.objects.filter(user=person).values("id"))
    rows = sorted(QuotaLimit.objects.filter(whose).values_list("user", "group", "kind", "most"), key=_precedence)
    return limits | {kind: most for _, _, kind, most in rows if kind in KINDS}


def _precedence(row: tuple[int | None, int | None, str, int | None]) -> tuple[bool, bool, float]:
    """The place of a limit among those that apply, of which the last one holds."""
    user, group, _, most = row
    return user is not None, group is not None, inf if most is None else most


def lock(person: int) -> None:
    """Hold off other transactions that count for this person until this one ends. Take it before other locks."""
    list(User.objects.select_for_update(no_key=True).filter(id=person).values_list("id"))


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
    return dict(DailyUse.objects.filter(user=person, day=timezone.localdate()).values_list("kind", "n"))


def forget_old() -> int:
    """Delete the daily numbers that nothing shows any more; how many."""
    return DailyUse.objects.filter(day__lt=timezone.localdate() - KEPT).delete()[0]


def stored_mb(person: int) -> float:
    """The size of the person's knowledge files, uploads, files in chats, and imported and copied chats, in MB.

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
        of_person.filter(conversations__deleted=None).aggregate(n=Sum("conversations__n_bytes", default=0))["n"],
    ]
    return sum(sums) / MB


def check_storage(person: int, n_bytes: int) -> None:
    """Raise QuotaExceeded if `n_bytes` more do not fit. The caller stores them under `lock`."""
    check(person, "storage_mb", stored_mb(person), n_bytes / MB)


def set_limit(kind: str, most: int | None, person: User | None, by: User | None = None) -> None:
    """Set this limit for the person, or for everyone; None for no limit. The operator `by` does it."""
    before = limits_set(person)
    QuotaLimit.objects.update_or_create(user=person, group=None, kind=kind, defaults={"most": most})
    record_changes(by, person or "everyone", before, {**before, kind: most})


def reset_limit(kind: str, person: User | None, by: User | None = None) -> None:
    """Remove what an operator set, so that the next more general limit holds."""
    before = limits_set(person)
    QuotaLimit.objects.filter(user=person, group=None, kind=kind).delete()
    record_changes(by, person or "everyone", before, {each: before[each] for each in before if each != kind})


def limits_set(whose: User | Group | None) -> Limits:
    """What operators set for the person or group; None: for everyone."""
    rows = whose.quota_limits.all() if whose else QuotaLimit.objects.filter(user=None, group=None)
    return dict(rows.values_list("kind", "most"))


def record_changes(by: User | None, whose: User | Group | str, before: Limits, after: Limits) -> None:
    """Note in the audit log what differs of limits that were set."""

    def shown(limits: Limits, kind: str) -> int | str:
        most = limits.get(kind, "default")
        return "unlimited" if most is None else most

    for kind in {**before, **after}:
        if shown(before, kind) != shown(after, kind):
            facts = {"kind": kind, "before": shown(before, kind), "after": shown(after, kind)}
            audit.record(audit.Act.QUOTA_CHANGED, by, whose, **facts)


def _count(person: int, kind: str, n: int, most: int | None = None) -> bool:
    """Whether `n` more of a daily kind were counted: not if that passed `most`."""
    row = DailyUse(user_id=person, day=timezone.localdate(), kind=kind)
    rows = DailyUse.objects.filter(user=person, day=row.day, kind=kind)
    rows = rows if most is None else rows.filter(n__lte=most - n)
    if rows.update(n=F("n") + n):
        return True
    DailyUse.objects.bulk_create([row], ignore_conflicts=True)  # the first of the day
    return bool(rows.update(n=F("n") + n))
