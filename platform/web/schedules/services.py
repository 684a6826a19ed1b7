"""Every write to schedules by their owner, for pages and API, and the calls of their webhooks."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from gpts.safety.invisible_characters import visible
from web.accounts import quotas
from web.accounts.models import User, digest
from web.accounts.outbox import new_key
from web.accounts.services import is_confirmed
from web.accounts.webhooks import check_url
from web.builder.models import Gpt
from web.runs import inputs_of
from web.runs.errors import Refused
from web.schedules import starting, when
from web.schedules.models import Schedule, ScheduledRun
from web.secrets import seal

MAX_RECEIVED_BYTES: Final = 32_000
# Calls of a webhook that wait for the run before them.
MAX_WAITING: Final = 5
# How long a schedule's list says what became of its runs.
KEPT: Final = timedelta(days=90)
NO_MAIL: Final = gettext_noop("This site can’t send email. Ask your admin to set up email.")
UNCONFIRMED: Final = gettext_noop("Confirm your email address first.")


class ChangedElsewhere(Refused):
    """This schedule was changed in another tab or program. Reload the page, then change it again."""

    status = 409


class StillRunning(Refused):
    """The last run is still working or waiting for your approval."""

    status = 409


class TooManyWaiting(Refused):
    """Too many calls wait for the run before them. Try again later."""

    status = 429


class TooMuchReceived(Refused):
    """The body is too large: a webhook takes up to 32,000 bytes."""

    status = 413


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is shown once: the URL that starts the schedule, and the key that signs what it sends. Empty: not new."""

    trigger_url: str = ""
    signing_key: str = ""


def access_schedule(user: Any, schedule_id: UUID) -> Schedule:
    """A schedule of `user`'s own. Raises Http404."""
    visible = Schedule.objects.visible_to(user).select_related("gpt__published", "conversation", "owner")
    schedule = visible.filter(id=schedule_id).first()
    if schedule is None:
        raise Http404(gettext("Schedule not found."))
    return schedule


def why_no_mail(user: User) -> str:
    """Why results can't be sent to `user` by email; empty if they can."""
    if not settings.EMAIL_HOST:
        return gettext(NO_MAIL)
    return "" if is_confirmed(user) else gettext(UNCONFIRMED)


def create(user: User, gpt: Gpt, fields: Mapping[str, Any]) -> tuple[Schedule, Secrets]:
    """A new schedule with these fields of Schedule. `gpt` must come from `access_published`.

    Raises ValidationError, QuotaExceeded, InvalidInputs.
    """
    schedule = Schedule(owner=user, gpt=gpt)
    with transaction.atomic():
        quotas.lock(user.id)
        quotas.check(user.id, "schedules", user.schedules.count())
        given = _set(schedule, fields)
        schedule.save()
    return schedule, given


def change(schedule: Schedule, fields: Mapping[str, Any], revision: int | None = None) -> Secrets:
    """Change these fields; with `revision`, only if it is still the schedule's. Raises ValidationError, Refused."""
    with starting.locked(schedule):
        if revision not in (None, schedule.revision):
            raise ChangedElsewhere
        given = _set(schedule, fields)
        schedule.revision += 1
        schedule.save()
    return given


def pause(schedule: Schedule) -> None:
    """Let it run no more until it is resumed."""
    with starting.locked(schedule):
        schedule.paused = schedule.paused or timezone.now()
        schedule.next_at = None
        schedule.save(update_fields=["paused", "next_at"])
        starting.skip_waiting(schedule)


def resume(schedule: Schedule) -> None:
    """Let it run again, from its next time on."""
    with starting.locked(schedule):
        schedule.paused, schedule.paused_why, schedule.n_failed = None, "", 0
        schedule.next_at = _next(schedule)
        schedule.save(update_fields=["paused", "paused_why", "n_failed", "next_at"])


def delete(schedule: Schedule) -> None:
    """Delete it with what it still has to send. The chat with its results stays."""
    schedule.delete()


def run_now(schedule: Schedule) -> ScheduledRun:
    """Run it once, also while it is paused. Raises StillRunning."""
    with starting.locked(schedule):
        scheduled = ScheduledRun.objects.create(schedule=schedule, by=ScheduledRun.By.PERSON)
        if not starting.start(schedule, scheduled):
            raise StillRunning
    return scheduled


def forget_old_runs() -> int:
    """Delete what became of runs long ago, but not their chats; how many rows."""
    old = ScheduledRun.objects.filter(created__lt=timezone.now() - KEPT).exclude(settled=None)
    return old.delete()[0]


def new_secret(schedule: Schedule) -> Secrets:
    """A new URL for its webhook, or a new key for what it sends to a URL; the old one ends at once."""
    with starting.locked(schedule):
        schedule.hash = schedule.callback_secret = ""
        given = _new_secrets(schedule)
        schedule.save(update_fields=["hash", "callback_secret"])
    return given


def trigger(schedule_id: UUID, secret: str, body: bytes, key: str = "") -> None:
    """Take a call of a schedule's webhook; the same `key` counts once. Raises Http404, Refused.

    The caller learns nothing of the schedule, nor whether it is paused.
    """
    schedule = Schedule.objects.filter(id=schedule_id, owner__is_active=True).first()
    known = schedule.hash if schedule else ""
    if not hmac.compare_digest(known.encode(), digest(secret).encode()) or schedule is None:
        raise Http404(gettext("Webhook not found."))
    received = _readable(body)
    with starting.locked(schedule):
        if schedule.paused:
            return
        if schedule.runs.filter(started=None, settled=None).count() >= MAX_WAITING:
            raise TooManyWaiting
        try:
            with transaction.atomic():
                scheduled = ScheduledRun.objects.create(
                    schedule=schedule,
                    by=ScheduledRun.By.WEBHOOK,
                    received=received,
                    key=hashlib.sha256(key.encode()).hexdigest() if key else "",
                )
        except IntegrityError:  # it came before
            return
        starting.start(schedule, scheduled)


def _readable(body: bytes) -> str:
    """The body as text, without what nobody can see."""
    if len(body) > MAX_RECEIVED_BYTES:
        raise TooMuchReceived
    return visible(body.decode("utf-8", errors="replace")).strip()


def _set(schedule: Schedule, fields: Mapping[str, Any]) -> Secrets:
    """Set the fields, and what follows from them. Raises ValidationError, InvalidInputs."""
    for name, value in fields.items():
        setattr(schedule, name, value)
    if ("inputs" in fields or schedule._state.adding) and (spec := starting.spec_for(schedule)):
        schedule.inputs = inputs_of.checked(spec, schedule.inputs)
    schedule.name = " ".join(visible(schedule.name).split())
    schedule.text = visible(schedule.text).strip()
    is_timed = schedule.trigger == Schedule.Trigger.TIME
    schedule.cron = " ".join(schedule.cron.upper().split()) if is_timed else ""
    schedule.time_zone = schedule.time_zone or settings.TIME_ZONE
    errors = dict(_errors(schedule))
    if errors:
        raise ValidationError(errors)
    schedule.next_at = None if schedule.paused else _next(schedule)
    return _new_secrets(schedule)


def _errors(schedule: Schedule) -> Any:
    """The invalid fields, each with what to do."""
    most = settings.MAX_MESSAGE_CHARS
    if not schedule.name:
        yield "name", gettext("Enter a name.")
    if not schedule.text:
        yield "text", gettext("Enter a message.")
    elif len(schedule.text) > most:
        yield "text", gettext("Too long: a message can have up to {limit} characters.").format(limit=most)
    if schedule.mails and (why_not := why_no_mail(schedule.owner)):
        yield "mails", why_not
    try:
        when.check(schedule.cron or "0 0 * * *", schedule.time_zone, timezone.now())
        if schedule.trigger == Schedule.Trigger.TIME and not schedule.cron:
            yield "cron", gettext("Choose when it runs.")
    except ValidationError as error:
        yield from error.message_dict.items()
    try:
        if schedule.callback_url:
            check_url(schedule.callback_url, "callback_url")
    except ValidationError as error:
        yield from error.message_dict.items()


def _next(schedule: Schedule) -> Any:
    if schedule.trigger == Schedule.Trigger.WEBHOOK:
        return None
    return when.next_after(schedule.cron, schedule.time_zone, timezone.now())


def _new_secrets(schedule: Schedule) -> Secrets:
    """Make the secrets that the schedule needs and lacks, and forget those that it no longer needs."""
    url = key = ""
    if schedule.trigger != Schedule.Trigger.WEBHOOK:
        schedule.hash = ""
    elif not schedule.hash:
        secret = secrets.token_urlsafe(32)
        schedule.hash = digest(secret)
        url = settings.SITE_URL + reverse("api:trigger_schedule", args=[schedule.id, secret])
    if not schedule.callback_url:
        schedule.callback_secret = ""
    elif not schedule.callback_secret:
        key = new_key()
        schedule.callback_secret = seal(key, starting.bound_to(schedule))
    return Secrets(url, key)
