"""What schedules send to their owners: emails, and requests to URLs of theirs. `accounts/outbox.py` keeps them."""

from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from gpts.runs.steps import Error, Log
from gpts.safety.labels import Label
from web.accounts import outbox
from web.accounts.models_outbox import Delivery
from web.languages import language_for
from web.runs import log
from web.runs.sharing import answer_in
from web.runs.trees import waiting
from web.schedules.models import Schedule, ScheduledRun
from web.schedules.starting import bound_to
from web.secrets import unseal

# Of the sources of an answer, in its mail.
_AUTHORS: Final = 5
_SUBJECTS: Final = {
    Delivery.Event.FINISHED: "{name}",
    Delivery.Event.APPROVAL: gettext_noop("{name}: your approval is needed"),
    Delivery.Event.PAUSED: gettext_noop("{name} was paused"),
}


def composed(delivery: Delivery) -> EmailMessage | outbox.SignedRequest:
    """What to send. Raises Unwanted if its owner may get nothing any more, SecretLost."""
    scheduled = delivery.scheduled
    assert scheduled
    if why_not := _why_not(delivery, scheduled):
        raise outbox.Unwanted(why_not)
    return _mail(delivery, scheduled) if delivery.kind == Delivery.Kind.MAIL else _request(delivery, scheduled)


def _why_not(delivery: Delivery, scheduled: ScheduledRun) -> str:
    schedule, run = scheduled.schedule, scheduled.run
    if not schedule.owner.is_active:
        return gettext_noop("Your account is suspended.")
    if delivery.kind == Delivery.Kind.WEBHOOK and not schedule.callback_secret:
        return gettext_noop("The URL was removed.")
    if run and run.message.conversation.deleted:
        return gettext_noop("The chat was deleted.")
    return ""


def _mail(delivery: Delivery, scheduled: ScheduledRun) -> EmailMessage:
    schedule = scheduled.schedule
    with translation.override(language_for(schedule.owner)):
        subject = gettext(_SUBJECTS[Delivery.Event(delivery.event)]).format(name=schedule.name)
        return outbox.email(delivery, schedule.owner.email, subject, _mail_text(delivery, scheduled))


def _mail_text(delivery: Delivery, scheduled: ScheduledRun) -> str:
    schedule = scheduled.schedule
    page = f"{settings.SITE_URL}{reverse('schedule', args=[schedule.id])}"
    match delivery.event:
        case Delivery.Event.PAUSED:
            text = schedule.paused_why
        case Delivery.Event.APPROVAL:
            text = gettext("{name} needs your approval to go on. Decide in the chat.").format(
                name=schedule.gpt.live.name
            )
        case _:
            answer, label = _result(scheduled)
            text = answer or gettext("No answer.")
            if label.is_untrusted:
                authors = ", ".join(label.written_by[:_AUTHORS])
                text += "\n\n" + gettext("Parts come from outside ({authors}): open links with care.").format(
                    authors=authors
                )
    chat, own = gettext("Chat: {url}").format(url=_chat_url(schedule)), gettext("Schedule: {url}").format(url=page)
    return f"{text}\n\n--\n{chat}\n{own}\n"


def _request(delivery: Delivery, scheduled: ScheduledRun) -> outbox.SignedRequest:
    schedule = scheduled.schedule
    key = unseal(schedule.callback_secret, bound_to(schedule))
    return outbox.signed(delivery, schedule.callback_url, key, _payload(delivery, scheduled))


def _payload(delivery: Delivery, scheduled: ScheduledRun) -> dict[str, Any]:
    schedule = scheduled.schedule
    data: dict[str, Any] = {"schedule": {"id": str(schedule.id), "name": schedule.name}, "gpt": schedule.gpt.slug}
    if delivery.event == Delivery.Event.PAUSED:
        data["reason"] = schedule.paused_why
    elif scheduled.run:
        text, label = _result(scheduled)
        data |= {
            "run": str(scheduled.run.id),
            "status": scheduled.run.status,
            "text": text,
            "url": _chat_url(schedule),
        }
        data["origin"] = label.origin.model_dump()
        if delivery.event == Delivery.Event.APPROVAL:
            asked = waiting(scheduled.run)
            data["approvals"] = [
                {"run": str(run.id), "call_id": each.call_id, "name": each.name} for run, each in asked
            ]
    return {"type": f"schedule.{delivery.event}", "timestamp": timezone.now().isoformat(), "data": data}


def _result(scheduled: ScheduledRun) -> tuple[str, Label]:
    """The answer or why there is none, and the answer's label."""
    steps: Log = log.read(scheduled.run_id) if scheduled.run_id else ()
    last = steps[-1] if steps else None
    text = last.message if isinstance(last, Error) else answer_in(last)
    return text, getattr(last, "label", Label())


def _chat_url(schedule: Schedule) -> str:
    if schedule.conversation_id is None:
        return settings.SITE_URL
    return f"{settings.SITE_URL}{reverse('chat', args=[schedule.conversation_id])}"
