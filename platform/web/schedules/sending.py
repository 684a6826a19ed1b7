"""What schedules send to their owners: emails, and requests to URLs of theirs as Standard Webhooks has them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: the signature covers id,
time and body, and an id that comes again is the same message. A worker does the sending, see workers/deliveries.py.
"""

import base64
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from gpts.runs.steps import Error, Log
from gpts.safety.labels import Label
from web.runs import log
from web.runs.sharing import answer_in
from web.schedules.models import Delivery, Schedule
from web.schedules.starting import bound_to
from web.secrets import unseal

# How long after each try the next one comes; then it is given up.
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
MAIL_TIMEOUT_S: Final = 30
_ERROR_CHARS: Final = 300
_SUBJECTS: Final = {
    Delivery.Event.FINISHED: "{name}",
    Delivery.Event.APPROVAL: "{name}: your approval is needed",
    Delivery.Event.PAUSED: "{name} was paused",
}


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request to send by POST."""

    url: str
    headers: dict[str, str]
    content: bytes


def due() -> list[UUID]:
    """The ids of what is to be sent now."""
    waiting = Delivery.objects.filter(next_try__lte=timezone.now()).order_by("next_try")
    return list(waiting.values_list("id", flat=True)[:50])


def claim(delivery_id: UUID) -> Delivery | None:
    """The delivery, for the caller to send; None if another worker has it, or its owner may get nothing any more."""
    related = ("scheduled__schedule__owner", "scheduled__schedule__gpt", "scheduled__run__message__conversation")
    delivery = Delivery.objects.select_related(*related).filter(id=delivery_id).exclude(next_try=None).first()
    if delivery is None:
        return None
    n = delivery.n_tries
    next_try = timezone.now() + RETRIES[min(n, len(RETRIES) - 1)]
    same = Delivery.objects.filter(id=delivery_id, n_tries=n, next_try=delivery.next_try)
    if not same.update(n_tries=F("n_tries") + 1, next_try=next_try):
        return None
    delivery.n_tries += 1
    if why_not := _why_not(delivery):
        _end(delivery, why_not)
        return None
    return delivery


def _why_not(delivery: Delivery) -> str:
    schedule, run = delivery.scheduled.schedule, delivery.scheduled.run
    if not schedule.owner.is_active:
        return "Your account is suspended."
    if delivery.kind == Delivery.Kind.WEBHOOK and not schedule.callback_secret:
        return "The URL was removed."
    if run and run.message.conversation.deleted:
        return "The chat was deleted."
    return ""


def sent(delivery: Delivery) -> None:
    """It was sent."""
    Delivery.objects.filter(id=delivery.id).update(next_try=None, error="", sent=timezone.now())


def failed(delivery: Delivery, why: str) -> None:
    """It could not be sent; it is tried again, unless it was often enough."""
    if delivery.n_tries > len(RETRIES):
        _end(delivery, why)
    else:
        Delivery.objects.filter(id=delivery.id).update(error=why[:_ERROR_CHARS])


def _end(delivery: Delivery, why: str) -> None:
    Delivery.objects.filter(id=delivery.id).update(next_try=None, error=why[:_ERROR_CHARS])


def send_mail(delivery: Delivery) -> None:
    """Send the email to the schedule's owner. Raises OSError (smtplib's errors are such)."""
    schedule = delivery.scheduled.schedule
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    EmailMessage(
        subject=_SUBJECTS[Delivery.Event(delivery.event)].format(name=schedule.name),
        body=_mail_text(delivery),
        to=[schedule.owner.email],
        # One that is sent again, as the worker died or the answer was lost, has the same id.
        headers={"Message-ID": f"<{delivery.id}@{host}>", "Auto-Submitted": "auto-generated"},
        connection=get_connection(timeout=MAIL_TIMEOUT_S),
    ).send()


def _mail_text(delivery: Delivery) -> str:
    schedule = delivery.scheduled.schedule
    page = f"{settings.SITE_URL}{reverse('schedule', args=[schedule.id])}"
    match delivery.event:
        case Delivery.Event.PAUSED:
            text = schedule.paused_why
        case Delivery.Event.APPROVAL:
            text = f"{schedule.gpt.live.name} needs your approval to go on. Decide in the chat."
        case _:
            text = _result(delivery)[0] or "No answer."
    return f"{text}\n\n--\nChat: {_chat_url(schedule)}\nSchedule: {page}\n"


def signed_request(delivery: Delivery) -> SignedRequest:
    """The request that tells the schedule's URL. Raises SecretLost."""
    schedule = delivery.scheduled.schedule
    body = json.dumps(_payload(delivery), ensure_ascii=False).encode()
    at = str(int(timezone.now().timestamp()))
    key = base64.b64decode(unseal(schedule.callback_secret, bound_to(schedule)).removeprefix("whsec_"))
    mac = hmac.digest(key, f"{delivery.id}.{at}.".encode() + body, "sha256")
    headers = {
        "Content-Type": "application/json",
        "webhook-id": str(delivery.id),
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
    return SignedRequest(schedule.callback_url, headers, body)


def _payload(delivery: Delivery) -> dict[str, Any]:
    scheduled, schedule = delivery.scheduled, delivery.scheduled.schedule
    data: dict[str, Any] = {"schedule": {"id": str(schedule.id), "name": schedule.name}, "gpt": schedule.gpt.slug}
    if delivery.event == Delivery.Event.PAUSED:
        data["reason"] = schedule.paused_why
    elif scheduled.run:
        text, label = _result(delivery)
        data |= {
            "run": str(scheduled.run.id),
            "status": scheduled.run.status,
            "text": text,
            "url": _chat_url(schedule),
        }
        data["origin"] = label.origin.model_dump()
    return {"type": f"schedule.{delivery.event}", "timestamp": timezone.now().isoformat(), "data": data}


def _result(delivery: Delivery) -> tuple[str, Label]:
    """The answer or why there is none, and the answer's label."""
    steps: Log = log.read(delivery.scheduled.run_id) if delivery.scheduled.run_id else ()
    last = steps[-1] if steps else None
    text = last.message if isinstance(last, Error) else answer_in(last)
    return text, getattr(last, "label", Label())


def _chat_url(schedule: Schedule) -> str:
    if schedule.conversation_id is None:
        return settings.SITE_URL
    return f"{settings.SITE_URL}{reverse('chat', args=[schedule.conversation_id])}"
