"""The figures of the console's pages. Each is bounded: by an index, a limit, or a period."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import redis
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models import Avg, Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from gpts.spec.base_models import BUNDLED
from gpts.spec.capabilities import CAPABILITIES
from web.accounts import live_settings, mailing
from web.accounts.models import User
from web.accounts.models_audit import Act, AuditRow
from web.builder import listing
from web.builder.models_access import SAMPLES_EMAIL
from web.builder.models_files import KnowledgeFile
from web.moderation import cases
from web.operate import machine
from web.operate.models_backup import Backup, last_backup
from web.operate.services import current_model
from web.runs import log, stream
from web.runs.models import ConversationFile, QueueTurn, Run

N_TOP: Final = 20
# Counts go no further, and are then shown as “5,000+”.
MOST: Final = 5_000
SLOW_S: Final = 60
LOW_DISK: Final = 0.1
# How reasons end that workers write for creators. Who reads them here is the admin.
ASK: Final = " Ask your admin."


def capped(rows: QuerySet[Any]) -> int:
    """How many rows there are, at most MOST."""
    return rows.order_by()[:MOST].count()


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the checklist of a new site: whether it `is_done`, what was found, and where to change it."""

    title: str
    is_done: bool
    found: str
    link: str
    link_text: str


def checklist(person: User) -> list[Step]:
    """What `person`, an admin, should see to on a new site, each with its state as it is now."""
    return [_own_sign_in_step(person), _model_step(), _mail_step(), _address_step(), _backup_step(), _sign_up_step()]


def _own_sign_in_step(person: User) -> Step:
    passkeys = Authenticator.objects.filter(user_id=person.pk, type=Authenticator.Type.WEBAUTHN)
    other = passkeys.exists() or SocialAccount.objects.filter(user_id=person.pk).exists()
    is_done = person.has_usable_password() or other
    found = "You can sign in again." if is_done else "Your link worked once: without a password you can't come back."
    return Step("Set your password", is_done, found, reverse("account_set_password"), "Set a password")


def _model_step() -> Step:
    record = current_model()
    found = "No worker has loaded a model yet."
    if record:
        is_starter = record.name == BUNDLED
        found = f"{record.title} answers" + (". It is only a starter." if is_starter else ".")
    is_done = record is not None and record.name != BUNDLED
    return Step("Choose a model", is_done, found, reverse("operate_models"), "Models")


def _mail_step() -> Step:
    host = settings.EMAIL_HOST
    found = f"Mail is sent through {host}." if host else "No mail is sent."
    return Step("Set up mail", bool(host), found, reverse("admin:services"), "Services")


def _address_step() -> Step:
    url = settings.SITE_URL
    is_done = url.startswith("https://")
    found = f"People use {url}." + ("" if is_done else " Give it the address that they use, with https.")
    return Step("Give the site its address", is_done, found, reverse("admin:site"), "Site details")


def _backup_step() -> Step:
    last = last_backup()
    is_done = last is not None and last.created > timezone.now() - timedelta(days=7)
    found = f"The last backup was made on {last.created:%Y-%m-%d}." if last else "No backup was made yet."
    return Step("Make backups", is_done, found, reverse("admin:backups"), "Backups")


def _sign_up_step() -> Step:
    is_open, domains = live_settings.get("SIGNUP_OPEN"), live_settings.get("SIGNUP_DOMAINS")
    found = "Sign-up is closed." if not is_open else "Anyone who reaches the site can make an account."
    if is_open and domains:
        found = f"People with an address of {', '.join(domains)} can make an account."
    is_done = not is_open or bool(domains) or live_settings.is_overridden("SIGNUP_OPEN")
    return Step("Decide who may sign up", is_done, found, reverse("admin:settings"), "Settings")


def _docs(anchor: str) -> str:
    return f"{reverse('docs_page', args=['operating'])}#{anchor}"


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that an operator should look at."""

    text: str
    link: str


def attention() -> list[Attention]:
    """What is wrong or waits for an operator now."""
    work = health()
    found = [Attention(text, reverse("admin:health")) for text in work.troubles]
    if failure := mailing.last_failure():
        found.append(Attention(failure, reverse("admin:services") + "#mail"))
    disk = machine.disk()
    if disk["free"] < LOW_DISK * disk["total"]:
        found.append(Attention(f"Only {disk['free']:.1f} GB of disk are left.", reverse("admin:storage")))
    if (last := Backup.objects.first()) and last.state == Backup.State.FAILED:
        found.append(Attention(f"The last backup failed: {last.error}", reverse("admin:backups")))
    if n := capped(cases.queue()):
        wait = "1 report or appeal waits" if n == 1 else f"{n:,} reports and appeals wait"
        found.append(Attention(f"{wait} for a decision.", reverse("admin:moderation_case_changelist")))
    if n := capped(listing.queue()):
        wait = "1 GPT waits" if n == 1 else f"{n:,} GPTs wait"
        link = reverse("admin:builder_listingreview_changelist")
        found.append(Attention(f"{wait} to be reviewed before listing.", link))
    hour = timezone.now() - timedelta(hours=1)
    if (n := capped(AuditRow.objects.filter(act=Act.SIGN_IN_FAILED, at__gt=hour))) >= 20:
        link = f"{reverse('admin:accounts_auditrow_changelist')}?act={Act.SIGN_IN_FAILED}"
        found.append(Attention(f"{n:,} sign-ins failed in the last hour.", link))
    return found


# Not the visitors of widgets, each of whom has a user of their own.
_PEOPLE: Final = Q(owner__widget_visitor=None)


def today() -> list[tuple[str, str]]:
    """The figures of the day."""
    start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    runs = Run.objects.filter(created__gte=start)
    asked = runs.filter(root=None)
    figures = asked.aggregate(
        n=Count("id"), people=Count("owner", distinct=True, filter=_PEOPLE), s=Avg(F("ended") - F("created"))
    )
    tokens = runs.aggregate(n=Sum("n_tokens", default=0))["n"]
    failed = asked.filter(status=Run.Status.FAILED).count()
    took = f"{figures['s'].total_seconds():.1f} s" if figures["s"] else "–"
    return [
        ("Messages", f"{figures['n']:,}"),
        ("People who asked", f"{figures['people']:,}"),
        ("Mean time to an answer", took),
        ("Failed answers", f"{failed:,}"),
        ("Tokens", f"{tokens:,}"),
        ("New accounts", f"{_n_joined(start):,}"),
    ]


def _n_joined(since: datetime) -> int:
    joined = User.objects.filter(date_joined__gte=since, widget_visitor=None)
    return joined.exclude(email=SAMPLES_EMAIL).count()


def about_site() -> list[tuple[str, str]]:
    """The figures that change slowly."""
    disk = machine.disk()
    return [
        ("New accounts in 7 days", f"{_n_joined(timezone.now() - timedelta(days=7)):,}"),
        ("Free disk", f"{disk['free']:.1f} of {disk['total']:.1f} GB"),
        ("Release", machine.release()),
    ]


@dataclass(frozen=True, slots=True)
class Queue:
    """Runs of one kind of worker. `waits_s`: how long the first one waits; `takes_s`: how long one takes."""

    name: str
    title: str
    is_up: bool
    n_waiting: int
    n_running: int
    waits_s: int
    takes_s: float | None


@dataclass(frozen=True, slots=True)
class Health:
    """The workers and their queues, what is wrong, and the capabilities that don’t work.

    `missing`: their titles, the reason, and the address of the documentation that helps; empty if there is none.
    """

    model: dict[str, Any]
    queues: list[Queue]
    missing: list[tuple[str, str, str]]
    n_to_read: int
    n_unread: int
    troubles: list[str]


def health() -> Health:
    """How the workers are."""
    try:
        model, redis_up = stream.model_worker() or {}, True
        tools_up = stream.tools_are_up()
    except redis.RedisError:
        model, redis_up, tools_up = {}, False, False
    queues = [_queue("model", "Answers", bool(model)), _queue("tools", "Tools", tools_up)]
    files = KnowledgeFile.objects.filter(removed=None)
    to_read = capped(files.exclude(status__in=KnowledgeFile.SETTLED))
    unread = capped(files.filter(status=KnowledgeFile.Status.FAILED))
    troubles = [] if redis_up else ["Redis is not responding: answers appear only once they are complete."]
    troubles += [text for queue in queues if (text := _trouble(queue, redis_up))]
    reasons = stream.missing_capabilities() if tools_up else {}
    missing = [
        (CAPABILITIES[key].title if key in CAPABILITIES else key, why.removesuffix(ASK), _remedy(key))
        for key, why in reasons.items()
    ]
    return Health(model, queues, missing, to_read, unread, troubles)


def _remedy(capability: str) -> str:
    """The address of the page where the capability can be made to work."""
    services = {"image_generation": "#pictures", "web_browsing": "#search"}
    if part := services.get(capability):
        return reverse("admin:services") + part
    return _docs("security") if capability == "code_interpreter" else ""


def _queue(name: str, title: str, is_up: bool) -> Queue:
    rows = Run.objects.filter(queue=name).exclude(status__in=Run.OVER)
    waiting = rows.filter(log.is_free(), is_low=False)
    oldest = waiting.aggregate(at=Min("queued"))["at"]
    waits_s = round((timezone.now() - oldest).total_seconds()) if oldest else 0
    takes = QueueTurn.objects.filter(queue=name, seconds__gt=0).aggregate(mean=Avg("seconds"))["mean"]
    n_waiting = capped(waiting)
    return Queue(name, title, is_up, n_waiting, capped(rows) - n_waiting, waits_s, takes)


def _trouble(queue: Queue, redis_up: bool) -> str:
    """Why people wait longer than they should; empty if they don't."""
    if redis_up and not queue.is_up:
        waiting = f" {queue.n_waiting:,} wait." if queue.n_waiting else ""
        return f"{queue.title}: no worker has announced itself in the last 30 s.{waiting}"
    if queue.waits_s < SLOW_S:
        return ""
    one = f" One takes about {queue.takes_s:.0f} s." if queue.takes_s else ""
    return (
        f"{queue.title}: {queue.n_waiting:,} wait, the first for {queue.waits_s:,} s, while {queue.n_running:,} are"
        f" in progress.{one} More workers, or a faster model, would help."
    )


_USED: Final[dict[str, Any]] = {"n": Count("id"), "tokens": Sum("n_tokens", default=0)}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, in the site's time zone, and a group whose people alone count."""

    first: date
    last: date
    group: Group | None = None

    def runs(self) -> Any:
        """The runs that began in it; untyped, as what is grouped has no model."""
        begin, end = (
            timezone.make_aware(datetime.combine(day, time())) for day in (self.first, self.last + timedelta(days=1))
        )
        found = Run.objects.filter(created__gte=begin, created__lt=end).order_by()
        return found.filter(owner__groups=self.group) if self.group else found


def used_by_people(period: Period) -> Any:
    """Who used how much, with the most first."""
    people = period.runs().filter(_PEOPLE).values("owner", "owner__email", "owner__name")
    return people.annotate(**_USED).order_by("-tokens", "owner")


def usage(period: Period) -> dict[str, Any]:
    """Runs and tokens of the period by day, person, group and GPT, previews and delegations included."""
    runs, figures = period.runs(), _USED
    by_day = {row["day"]: row for row in runs.annotate(day=TruncDate("created")).values("day").annotate(**figures)}
    every = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
    people = used_by_people(period)[:N_TOP]
    groups = runs.exclude(owner__groups=None).values("owner__groups", "owner__groups__name")
    gpts = runs.values("version__gpt__name", "version__gpt").annotate(**figures).order_by("-tokens")[:N_TOP]
    return {
        "by_day": [(day, *((by_day[day]["n"], by_day[day]["tokens"]) if day in by_day else (0, 0))) for day in every],
        "people": list(people),
        "groups": list(groups.annotate(**figures).order_by("-tokens")[:N_TOP]),
        "visitors": runs.exclude(_PEOPLE).aggregate(**figures),
        "gpts": list(gpts),
    }


def storage() -> dict[str, Any]:
    """What takes space: the disk, and the people and GPTs with the most. Files that are there twice count twice."""
    files = KnowledgeFile.objects.filter(removed=None, gpt__deleted=None).order_by()
    in_chats = ConversationFile.objects.kept().order_by()
    totals = {"n": Count("id"), "size": Sum("size")}
    by_gpt = files.values("gpt", "gpt__name", "gpt__owner__email")
    return {
        "disk": machine.disk(),
        "gpts": list(by_gpt.annotate(**totals).order_by("-size")[:N_TOP]),
        "people": list(in_chats.values("owner", "owner__email").annotate(**totals).order_by("-size")[:N_TOP]),
        "knowledge": files.aggregate(**totals),
        "chats": in_chats.aggregate(**totals),
    }
