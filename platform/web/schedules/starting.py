"""Starts the runs of schedules, and sees what became of them.

How it breaks: whoever starts a run can be killed at any moment. A schedule's next time moves on in the transaction
that starts its run or notes why it could not, so none is lost and none is started twice; after a break of the whole
site, a schedule runs once for all the times that it missed. All locks are taken in one order: person, schedule, chat.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from gpts.safety.labels import untrusted
from gpts.spec.gpt import GptSpec
from web.accounts import quotas
from web.accounts.models_outbox import Delivery
from web.accounts.services import is_confirmed
from web.builder.models import Gpt
from web.languages import language_for
from web.runs import inputs_of, services
from web.runs.errors import OverQuota, Refused, StillAnswering
from web.runs.models import Conversation, Run
from web.schedules import when
from web.schedules.models import Schedule, ScheduledRun

logger = logging.getLogger(__name__)
# After so many failures in a row a schedule pauses itself.
MAX_FAILED: Final = 5
SKIPPED: Final = gettext_noop("Skipped: the chat was still answering or waiting for your approval.")
SKIPPED_PAUSED: Final = gettext_noop("Skipped: the schedule was paused.")
GONE: Final = gettext_noop("This GPT was deleted or is no longer shared with you.")
SUSPENDED: Final = gettext_noop("Your account is suspended.")
FAILED: Final = gettext_noop("The answer failed. Open the chat to see why.")
# What a webhook's caller sent is not to reach another service without its owner's approval.
RECEIVED: Final = "webhook"
_AT_ONCE: Final = 50


def bound_to(schedule: Schedule) -> str:
    """The row to which its encrypted key belongs."""
    return f"schedule:{schedule.id}:{schedule.owner_id}"


@contextmanager
def locked(schedule: Schedule) -> Iterator[None]:
    """One transaction that excludes all others on this schedule, read anew. Raises Http404 if it was deleted."""
    with transaction.atomic():
        quotas.lock(schedule.owner_id)
        if Schedule.objects.select_for_update(no_key=True).filter(id=schedule.id).first() is None:
            raise Http404(gettext("Schedule not found."))
        schedule.refresh_from_db()
        yield


def work() -> None:
    """Start the runs that are due or waited, and settle those that ended."""
    for schedule in Schedule.objects.filter(next_at__lte=timezone.now()).order_by("next_at")[:_AT_ONCE]:
        with _logged(schedule):
            start_due(schedule)
    for scheduled in _waiting()[:_AT_ONCE]:
        with _logged(scheduled.schedule), locked(scheduled.schedule):
            if ScheduledRun.objects.filter(id=scheduled.id, started=None, settled=None).exists():
                start(scheduled.schedule, scheduled)
    for scheduled in _changed()[: 4 * _AT_ONCE]:
        with _logged(scheduled.schedule):
            settle(scheduled)


@contextmanager
def _logged(schedule: Schedule) -> Iterator[None]:
    """Log an error of the block, which happens again with the same schedule, and go on with the others."""
    try:
        yield
    except Http404:  # it was deleted meanwhile
        return
    except Exception:
        logger.exception("the schedule %s could not be worked on", schedule.id)


def _waiting() -> "QuerySet[ScheduledRun]":
    """The calls of webhooks whose schedules have no run in progress, the oldest first."""
    before = ScheduledRun.objects.filter(schedule=OuterRef("schedule"), settled=None).exclude(started=None)
    waiting = ScheduledRun.objects.filter(~Exists(before), started=None, settled=None, schedule__paused=None)
    return waiting.order_by("created").select_related("schedule")


def _changed() -> "QuerySet[ScheduledRun]":
    """Those whose run has ended, or waits for its owner, who is to be told and was not."""
    told = Delivery.objects.filter(scheduled=OuterRef("pk"), event=Delivery.Event.APPROVAL)
    tree = Run.objects.filter(Q(id=OuterRef("run")) | Q(root=OuterRef("run")), status=Run.Status.REQUIRES_ACTION)
    asks = Q(Exists(tree), ~Exists(told)) & (Q(schedule__mails=True) | ~Q(schedule__callback_url=""))
    ended = Q(run__status__in=Run.OVER)
    changed = ScheduledRun.objects.filter(ended | asks, settled=None)
    return changed.order_by("created").select_related("schedule")


def start_due(schedule: Schedule) -> None:
    """Start the run that is due, unless somebody else has."""
    now = timezone.now()
    with locked(schedule):
        if schedule.next_at is None or schedule.next_at > now:
            return
        schedule.next_at = when.next_after(schedule.cron, schedule.time_zone, now)
        schedule.save(update_fields=["next_at"])
        scheduled = ScheduledRun.objects.create(schedule=schedule, by=ScheduledRun.By.TIME)
        if not start(schedule, scheduled):
            _note(scheduled, SKIPPED)


def start(schedule: Schedule, scheduled: ScheduledRun) -> bool:
    """Start its run, or note why it cannot be; False while it has to wait. The schedule is `locked`."""
    try:
        with transaction.atomic():
            scheduled.run = _run(schedule, scheduled.received)
    except StillAnswering:
        return False
    except Refused as refusal:
        is_passing = isinstance(refusal, OverQuota) and refusal.quota.is_passing
        if is_passing and scheduled.by == ScheduledRun.By.WEBHOOK:
            return False
        _note(scheduled, str(refusal))
        _failed(schedule, scheduled, str(refusal))
        return True
    scheduled.started, scheduled.received = timezone.now(), ""
    scheduled.save(update_fields=["run", "started", "received"])
    return True


def _run(schedule: Schedule, received: str) -> Run:
    if not schedule.owner.is_active:
        raise Refused(SUSPENDED)
    gpt = _gpt(schedule)
    if gpt is None:
        raise Refused(GONE)
    conversation = _conversation(schedule, gpt)
    label = untrusted(f"what called the webhook of “{schedule.name}”", private=(RECEIVED,))
    sent = services.Sent(label=label, received=received) if received else None
    # A guest of the chat stays one for the person's own messages.
    mention = gpt.slug if conversation.guest_id else ""
    return services.start_run(conversation, schedule.text, mention=mention, sent=sent)


def _gpt(schedule: Schedule) -> Gpt | None:
    gpts = Gpt.objects.chattable_by(schedule.owner).filter(id=schedule.gpt_id, published__isnull=False)
    return gpts.select_related("published").first()


def spec_for(schedule: Schedule) -> GptSpec | None:
    """The live version of its GPT; None if its owner may no longer chat with that."""
    gpt = _gpt(schedule)
    return gpt.published.spec() if gpt and gpt.published else None


def _conversation(schedule: Schedule, gpt: Gpt) -> Conversation:
    """The schedule's chat, now with the live version of its GPT and its values; a new one if it was deleted."""
    assert gpt.published is not None
    spec = gpt.published.spec()
    names = {each.name for each in spec.inputs}  # the version may lack some that an earlier one had
    inputs = inputs_of.checked(spec, {name: value for name, value in schedule.inputs.items() if name in names})
    known = Conversation.objects.visible_to(schedule.owner).select_related("gpt", "version", "owner", "guest")
    conversation = known.filter(id=schedule.conversation_id).first() if schedule.conversation_id else None
    if conversation is None:
        conversation = services.start_conversation(schedule.owner, gpt, inputs=inputs)
        conversation.title = schedule.name
        conversation.save()
        schedule.conversation = conversation
        schedule.save(update_fields=["conversation"])
    elif (conversation.version_id, conversation.inputs) != (gpt.published_id, inputs):
        conversation.version, conversation.inputs = gpt.published, inputs
        conversation.save(update_fields=["version", "inputs"])
    return conversation


def _note(scheduled: ScheduledRun, text: str) -> None:
    scheduled.note, scheduled.settled, scheduled.received = text, timezone.now(), ""
    scheduled.save(update_fields=["note", "settled", "received"])


def _failed(schedule: Schedule, scheduled: ScheduledRun, why: str) -> None:
    """Count a failure; pause the schedule after too many, and tell its owner."""
    schedule.n_failed += 1
    if schedule.n_failed >= MAX_FAILED and not schedule.paused:
        schedule.paused, schedule.next_at = timezone.now(), None
        with translation.override(language_for(schedule.owner)):
            text = gettext("Paused after {n} failures in a row. The last one: {why}")
            schedule.paused_why = text.format(n=schedule.n_failed, why=gettext(why))
        skip_waiting(schedule)
        mails = is_confirmed(schedule.owner) and "schedules" not in schedule.owner.notifications_off
        _tell(scheduled, Delivery.Event.PAUSED, mails, bool(schedule.callback_url))
    schedule.save(update_fields=["n_failed", "paused", "next_at", "paused_why"])


def skip_waiting(schedule: Schedule) -> None:
    """Forget the calls of its webhook that wait: nobody wants them answered later, all at once."""
    waiting = schedule.runs.filter(started=None, settled=None)
    waiting.update(note=SKIPPED_PAUSED, settled=timezone.now(), received="")


def settle(scheduled: ScheduledRun) -> None:
    """See what became of its run: what its owner wants to be told, and whether it failed."""
    schedule = scheduled.schedule
    with locked(schedule):
        scheduled = ScheduledRun.objects.select_related("run").get(id=scheduled.id)
        run = scheduled.run
        if run is None or scheduled.settled:
            return
        if not run.is_over:
            _tell(scheduled, Delivery.Event.APPROVAL, schedule.mails, bool(schedule.callback_url))
            return
        scheduled.settled = timezone.now()
        scheduled.save(update_fields=["settled"])
        _tell(scheduled, Delivery.Event.FINISHED, schedule.mails, bool(schedule.callback_url))
        if run.status == Run.Status.FAILED:
            _failed(schedule, scheduled, FAILED)
        elif run.status != Run.Status.CANCELLED and schedule.n_failed:
            Schedule.objects.filter(id=schedule.id).update(n_failed=0)


def _tell(scheduled: ScheduledRun, event: Delivery.Event, by_mail: bool, by_webhook: bool) -> None:
    kinds = {Delivery.Kind.MAIL: by_mail and bool(settings.EMAIL_HOST), Delivery.Kind.WEBHOOK: by_webhook}
    lane = f"person:{scheduled.schedule.owner_id}"
    rows = [
        Delivery(scheduled=scheduled, event=event, kind=kind, lane=lane) for kind, wanted in kinds.items() if wanted
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
