"""Looks every minute at what nobody announces: approvals that wait for their person, and queues without workers."""

from datetime import timedelta
from typing import Final

import redis
from django.db.models import Max
from django.utils import timezone

from web.accounts import audit, outbox
from web.accounts.audit import Act
from web.accounts.models_audit import AuditRow
from web.accounts.models_outbox import Delivery
from web.operate import figures
from web.runs import stream
from web.runs.models import Conversation, Run
from web.schedules.models import ScheduledRun

WAITS: Final = timedelta(minutes=15)
# Older ones were told of, or the person left them.
OLDEST: Final = timedelta(days=2)
# So many looks in a row find a queue ill before anybody is told: a worker that starts takes minutes to load a model.
LOOKS: Final = 4
_AT_ONCE: Final = 200
_ABOUT_QUEUES: Final = (Act.WORKER_AWAY, Act.QUEUE_SLOW, Act.QUEUE_WELL)


def approvals() -> None:
    """Tell people of runs that have waited for them for a while, once each."""
    now = timezone.now()
    asked = Run.objects.filter(status=Run.Status.REQUIRES_ACTION, created__gte=now - OLDEST)
    asked = asked.annotate(at=Max("steps__created")).filter(at__lte=now - WAITS).select_related("root", "owner")
    waiting = {(run.root or run).id: run for run in asked.order_by("created")[:_AT_ONCE]}
    keys = [str(key) for key in waiting]
    told = set(Delivery.objects.filter(event="approvals", about__in=keys).values_list("about", flat=True))
    mailed = ScheduledRun.objects.filter(run__in=waiting, schedule__mails=True).values_list("run", flat=True)
    for run_id in waiting.keys() - set(mailed):
        if str(run_id) not in told:
            _tell_of(Run.objects.select_related("owner", "message__conversation").get(id=run_id))


def _tell_of(run: Run) -> None:
    chat = run.message.conversation
    if chat.origin == Conversation.Origin.CHAT and chat.deleted is None:
        outbox.notify(run.owner, "approvals", run.id, conversation=str(chat.id))


def queues() -> None:
    """Note in the audit log when a queue has no workers or is too long, and when that is over."""
    for queue in figures.health().queues:
        try:
            away = stream.count_in_a_row(f"away:{queue.name}", not queue.is_up)
            slow = stream.count_in_a_row(f"slow:{queue.name}", queue.waits_s >= figures.SLOW_S)
        except redis.RedisError:  # then nobody can tell
            return
        if away >= LOOKS:
            _note(queue.name, Act.WORKER_AWAY)
        elif slow >= LOOKS:
            _note(queue.name, Act.QUEUE_SLOW)
        elif not (away or slow):
            _note(queue.name, Act.QUEUE_WELL)


def _note(queue: str, act: Act) -> None:
    """Record it if it is news; that all is well only after something was wrong."""
    last = AuditRow.objects.filter(about_kind="", about_id=queue, act__in=_ABOUT_QUEUES).first()
    if (last.act if last else Act.QUEUE_WELL) == act:
        return
    audit.record(act, None, queue)
    if act != Act.QUEUE_WELL:
        about = f"{queue}:{timezone.now().isoformat()}"
        outbox.notify_operators("workers", about, queue=queue, is_away=act == Act.WORKER_AWAY)
