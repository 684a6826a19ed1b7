"""Webhooks of operators and of creators, for pages, the console and `/api`: a URL, what it is told of, its secret."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from web.accounts import audit, outbox
from web.accounts.models import User
from web.accounts.models_outbox import URL_CHARS, Delivery, Webhook
from web.egress import why_refused
from web.secrets import seal

# For each GPT, and for operators.
MOST: Final = 10
N_SHOWN: Final = 20
GPT_EVENTS: Final = {
    "gpt.published": gettext_noop("A version was published"),
    "listing.decided": gettext_noop("An admin reviewed it for the store"),
    "report.decided": gettext_noop("A report was decided"),
    "feedback.left": gettext_noop("Somebody rated an answer"),
    "review.left": gettext_noop("Somebody reviewed it"),
    "source.failed": gettext_noop("A source couldn’t be read"),
    "file.failed": gettext_noop("A file couldn’t be read"),
    "files.ready": gettext_noop("All of its files were read"),
    "run.requires_action": gettext_noop("A run of yours waits for your approval"),
}
_check_url: Final = URLValidator(schemes=["http", "https"])


def check_url(url: str, field: str = "url") -> None:
    """Raises ValidationError for the field unless it is a URL that this site may call, as far as its host shows."""
    try:
        _check_url(url if len(url) <= URL_CHARS else "")
    except ValidationError:
        text = gettext("Enter a full URL, such as https://example.org/hook.")
        raise ValidationError({field: text}) from None
    if reason := why_refused(url):
        raise ValidationError({field: reason})


def events_of(gpt: Any | None) -> Mapping[str, str]:
    """What its webhooks, or with None those of operators, can be told of, with titles."""
    return GPT_EVENTS if gpt else {str(act.value): str(act.label) for act in audit.Act}


def of(gpt: Any | None) -> QuerySet[Webhook]:
    """The webhooks of a GPT from `access_own_gpt`, or with None those of operators."""
    return Webhook.objects.filter(gpt=gpt).select_related("gpt")


def access(gpt: Any | None, webhook_id: UUID) -> Webhook:
    """One of them. Raises Http404."""
    hook = of(gpt).filter(id=webhook_id).first()
    if hook is None:
        raise Http404(gettext("Webhook not found."))
    return hook


@transaction.atomic
def create(gpt: Any | None, url: str, events: Collection[str], by: User) -> tuple[Webhook, str]:
    """A new webhook and the secret that signs its calls, not shown again. Raises ValidationError by field."""
    if of(gpt).count() >= MOST:
        raise ValidationError({"url": gettext("You can have {n} webhooks here.").format(n=MOST)})
    hook = Webhook(gpt=gpt)
    return hook, _save(hook, by, "added", url=url, events=events, key=outbox.new_key())


def change(hook: Webhook, by: User, url: str | None = None, events: Collection[str] | None = None) -> None:
    """Change these of it. Raises ValidationError by field."""
    _save(hook, by, "changed", url=hook.url if url is None else url, events=hook.events if events is None else events)


@transaction.atomic
def _save(hook: Webhook, by: User, how: str, *, url: str, events: Collection[str], key: str = "") -> str:
    hook.url, known = url.strip(), events_of(hook.gpt)
    check_url(hook.url)
    if unknown := set(events) - set(known):
        raise ValidationError({"events": f"Unknown: {', '.join(sorted(unknown))}. Known: {', '.join(known)}."})
    hook.events = [each for each in known if each in set(events)]
    if not hook.events:
        raise ValidationError({"events": gettext("Choose what it is told of.")})
    if key:
        hook.secret = seal(key, hook.bound_to)
    hook.save()
    audit.record(audit.Act.WEBHOOK_CHANGED, by, hook, how=how, gpt=str(hook.gpt_id or ""))
    return key


@transaction.atomic
def new_secret(hook: Webhook, by: User) -> str:
    """A new secret; the old one signs nothing any more."""
    return _save(hook, by, "secret", url=hook.url, events=hook.events, key=outbox.new_key())


@transaction.atomic
def stop(hook: Webhook, by: User) -> None:
    """Call it no more, until it is resumed."""
    if Webhook.objects.filter(id=hook.id, stopped=None).update(stopped=timezone.now()):
        outbox.give_up(hook.id)
        audit.record(audit.Act.WEBHOOK_CHANGED, by, hook, how="stopped", gpt=str(hook.gpt_id or ""))


@transaction.atomic
def resume(hook: Webhook, by: User) -> None:
    """Call it again from now on."""
    again = Webhook.objects.filter(id=hook.id).exclude(stopped=None)
    if again.update(stopped=None, stopped_why="", n_failed=0, failing=None):
        audit.record(audit.Act.WEBHOOK_CHANGED, by, hook, how="resumed", gpt=str(hook.gpt_id or ""))


@transaction.atomic
def remove(hook: Webhook, by: User) -> None:
    """Delete it with its deliveries."""
    audit.record(audit.Act.WEBHOOK_CHANGED, by, hook, how="removed", gpt=str(hook.gpt_id or ""))
    hook.delete()


def test(hook: Webhook, by: User) -> Delivery:
    """Send it something without anything having happened. Raises ValidationError if it is stopped."""
    if hook.stopped:
        raise ValidationError(gettext("Resume it first."))
    return outbox.test(hook)


def deliveries(hook: Webhook) -> QuerySet[Delivery]:
    """What it was sent, and what waits, newest first."""
    return hook.deliveries.order_by("-created", "-id")


ACTS: Final[Mapping[str, Callable[[Webhook, User], Any]]] = {
    "test": test,
    "secret": new_secret,
    "stop": stop,
    "resume": resume,
    "remove": remove,
}
