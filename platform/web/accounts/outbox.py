"""What the site has to send, written in the transaction of what happened: calls of webhooks, and notices by email.

Requests are as Standard Webhooks has them
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): the signature covers id,
time and body, and an id that comes again is the same message. A worker does the sending, see workers/deliveries.py;
one that is killed between sending and noting it leaves the delivery to another, which sends the same id again.
"""

import base64
import hmac
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.db.models import F, Q, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from web.accounts.models_outbox import Delivery, Webhook
from web.rpc import TOO_MANY
from web.secrets import seal, unseal

# How long after each try the next one comes; then it is given up.
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
# A webhook stops by itself after so many failed tries in a row, over so long: longer than one delivery is tried.
MOST_FAILED: Final = 20
FAILING: Final = timedelta(hours=12)
# Of one webhook; what happens while so much waits, it is not told.
MOST_WAITING: Final = 1_000
KEPT: Final = timedelta(days=30)
# People of a group: whoever shares something with the whole site sends no letters to all of it.
MOST_TOLD: Final = 200
MAIL_TIMEOUT_S: Final = 30
TEST: Final = "test"
INVITATION: Final = "invitation"
_AT_ONCE: Final = 40
# Of one person or webhook, however much else of theirs waits; and of all webhooks of one person's GPTs.
_PER_LANE: Final = 4
_PER_OWNER: Final = 12
_ERROR_CHARS: Final = 300
_OF_SCHEDULE: Final = ("schedule__owner", "schedule__gpt", "run__message__conversation")
_RELATED: Final = ("person", "webhook__gpt__owner", *(f"scheduled__{each}" for each in _OF_SCHEDULE))


class Unwanted(Exception):
    """This is not to be sent any more."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request to send by POST."""

    url: str
    headers: dict[str, str]
    content: bytes


def tell_webhooks(event: str, gpt_id: Any, **facts: Any) -> None:
    """Call the webhooks of the GPT, or with None those of operators, that want to know of `event`."""
    live = Webhook.objects.filter(gpt=gpt_id, stopped=None).only("id", "events")
    rows = [_call(hook, event, facts) for hook in live if event in hook.events and not _is_full(hook)]
    if rows:
        Delivery.objects.bulk_create(rows)


def _is_full(hook: Webhook) -> bool:
    return hook.deliveries.exclude(next_try=None).order_by()[:MOST_WAITING].count() >= MOST_WAITING


def test(hook: Webhook) -> Delivery:
    """Call the webhook without anything having happened. Raises ValidationError while very much waits."""
    if _is_full(hook):
        raise ValidationError(gettext(TOO_MANY))
    delivery = _call(hook, TEST, {})
    delivery.save()
    return delivery


def _call(hook: Webhook, event: str, facts: dict[str, Any]) -> Delivery:
    lane = f"webhook:{hook.id}"
    return Delivery(webhook=hook, kind=Delivery.Kind.WEBHOOK, event=event, facts=facts, lane=lane)


def notify(person: Any, kind: str, about: Any = "", at: datetime | None = None, **facts: Any) -> None:
    """Tell `person` by email of something of this kind, if they want that and the site has mail; once `about` it."""
    if not settings.EMAIL_HOST or kind in person.notifications_off or not person.email:
        return
    row = Delivery(person=person, kind=Delivery.Kind.MAIL, event=kind, facts=facts, about=str(about))
    row.lane, row.next_try = f"person:{person.pk}", at or timezone.now()
    Delivery.objects.bulk_create([row], ignore_conflicts=True)


def notify_operators(kind: str, about: Any, **facts: Any) -> None:
    """The same for all admins, and of reports for moderators."""
    if settings.EMAIL_HOST:
        theirs = Q(is_staff=True) | Q(is_moderator=True) if kind == "reports" else Q(is_staff=True)
        for person in get_user_model().objects.filter(theirs, is_active=True):
            notify(person, kind, about, **facts)


def notify_group(group: Group, kind: str, about: Any, but: Any, **facts: Any) -> None:
    """The same for the active people of the group, except `but`, unless they are more than MOST_TOLD."""
    people = list(group.user_set.filter(is_active=True).exclude(pk=but.pk)[: MOST_TOLD + 1])
    for person in people if settings.EMAIL_HOST and len(people) <= MOST_TOLD else ():
        notify(person, kind, about, **facts)


def invite(address: str, url: str, invitation: int) -> None:
    """Send the link of an invitation to somebody who has no account. Both are kept encrypted, until it is sent."""
    row = Delivery(kind=Delivery.Kind.MAIL, event=INVITATION, lane="invitations")
    row.facts = {"invitation": invitation, "sealed": seal(json.dumps([address, url]), f"delivery:{row.id}")}
    row.save()


def invited(delivery: Delivery) -> tuple[str, str]:
    """The address and the link of an invitation to send. Raises SecretLost."""
    address, url = json.loads(unseal(delivery.facts["sealed"], f"delivery:{delivery.id}"))
    return address, url


def due() -> list[UUID]:
    """The ids of what is to be sent now: a few of everybody's, the oldest of each lane first."""
    turn = Window(RowNumber(), partition_by=F("lane"), order_by=F("next_try").asc())
    waiting = Delivery.objects.filter(next_try__lte=timezone.now()).annotate(turn=turn).filter(turn__lte=_PER_LANE)
    chosen, of_owner = list[UUID](), Counter[int | None]()
    for delivery, owner in waiting.order_by("turn", "next_try").values_list("id", "webhook__gpt__owner"):
        of_owner[owner] += 1
        if owner is None or of_owner[owner] <= _PER_OWNER:
            chosen.append(delivery)
    return chosen[:_AT_ONCE]


def claim(delivery_id: UUID) -> Delivery | None:
    """The delivery, for the caller to send; None if another worker has it."""
    delivery = Delivery.objects.select_related(*_RELATED).filter(id=delivery_id).exclude(next_try=None).first()
    if delivery is None:
        return None
    n = delivery.n_tries
    next_try = timezone.now() + RETRIES[min(n, len(RETRIES) - 1)]
    same = Delivery.objects.filter(id=delivery_id, n_tries=n, next_try=delivery.next_try)
    if not same.update(n_tries=F("n_tries") + 1, next_try=next_try):
        return None
    delivery.n_tries += 1
    return delivery


def sent(delivery: Delivery) -> None:
    """It was sent."""
    _close(delivery, error="", sent=timezone.now())
    if delivery.webhook_id:
        Webhook.objects.filter(id=delivery.webhook_id).exclude(n_failed=0).update(n_failed=0, failing=None)


def failed(delivery: Delivery, why: str) -> None:
    """It could not be sent; it is tried again, unless it was often enough. A webhook stops after many failures."""
    if delivery.n_tries > len(RETRIES):
        end(delivery, why)
    else:
        Delivery.objects.filter(id=delivery.id).update(error=why[:_ERROR_CHARS])
    if delivery.webhook_id:
        now, live = timezone.now(), Webhook.objects.filter(id=delivery.webhook_id, stopped=None)
        live.update(n_failed=F("n_failed") + 1, failing=Coalesce("failing", now))
        hopeless = live.filter(n_failed__gte=MOST_FAILED, failing__lte=now - FAILING)
        if hopeless.update(stopped=now, stopped_why=why[:_ERROR_CHARS]):
            give_up(delivery.webhook_id)


def give_up(webhook_id: UUID) -> None:
    """Send nothing more of what waits for the webhook."""
    Delivery.objects.filter(webhook=webhook_id).exclude(next_try=None).update(next_try=None)


def end(delivery: Delivery, why: str) -> None:
    """Try it no more."""
    _close(delivery, error=why[:_ERROR_CHARS])


def _close(delivery: Delivery, **facts: Any) -> None:
    """It waits no more; an address to invite is kept no longer than that."""
    if delivery.event == INVITATION:
        facts["facts"] = {}
    Delivery.objects.filter(id=delivery.id).update(next_try=None, **facts)


def forget_old() -> int:
    """Delete what was sent or given up long ago; how many rows. Those of schedules go with their runs."""
    old = Delivery.objects.filter(created__lt=timezone.now() - KEPT, next_try=None, scheduled=None)
    return old.delete()[0]


def new_key() -> str:
    """A new secret as Standard Webhooks has it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def signed(delivery: Delivery, url: str, key: str, payload: Mapping[str, Any]) -> SignedRequest:
    """The request with this payload, signed with `key`, which `new_key` made."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    at = str(int(timezone.now().timestamp()))
    mac = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), f"{delivery.id}.{at}.".encode() + body, "sha256")
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(delivery.id),
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    return SignedRequest(url, headers, body)


def call_of(delivery: Delivery) -> SignedRequest:
    """The request to the delivery's webhook. Raises Unwanted, SecretLost."""
    hook = delivery.webhook
    assert hook
    if hook.stopped:
        raise Unwanted(gettext_noop("The webhook is stopped."))
    if hook.gpt and (hook.gpt.deleted or not hook.gpt.owner.is_active):
        raise Unwanted(gettext_noop("The GPT was deleted, or its owner is suspended."))
    data = {**({"gpt": {"id": str(hook.gpt_id), "slug": hook.gpt.slug}} if hook.gpt else {}), **delivery.facts}
    payload = {"type": delivery.event, "timestamp": delivery.created.isoformat(), "data": data}
    return signed(delivery, hook.url, unseal(hook.secret, hook.bound_to), payload)


def email(delivery: Delivery, to: str, subject: str, body: str, **headers: str) -> EmailMessage:
    """The email to send. One that is sent again, as the worker died or the answer was lost, has the same id."""
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    headers |= {"Message-ID": f"<{delivery.id}@{host}>", "Auto-Submitted": "auto-generated"}
    connection = get_connection(timeout=MAIL_TIMEOUT_S)
    return EmailMessage(subject=" ".join(subject.split()), body=body, to=[to], headers=headers, connection=connection)
