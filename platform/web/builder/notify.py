"""What the creator of a GPT is told of it: by the GPT's webhooks, and by email."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from web.accounts import outbox
from web.accounts.models import User
from web.accounts.models_outbox import Delivery
from web.builder.models import Gpt

# Emails about what people think of one's GPTs come once in DIGEST_EVERY, and DIGEST_AFTER what they begin with.
DIGEST_EVERY: Final = timedelta(days=1)
DIGEST_AFTER: Final = timedelta(minutes=15)


def of_gpt(gpt: Gpt, event: str, **facts: Any) -> None:
    """Tell the webhooks of `gpt` that `event`, one of `webhooks.GPT_EVENTS`, happened."""
    outbox.tell_webhooks(event, gpt.pk, **facts)


def of_opinion(gpt: Gpt, by: User) -> None:
    """Let the creator have the next digest of reviews and feedback, unless it is their own."""
    if not settings.EMAIL_HOST or by.pk == gpt.owner_id:
        return
    before = Delivery.objects.filter(person=gpt.owner, event="feedback").order_by("-created").first()
    if before and before.next_try:
        return
    now = timezone.now()
    since = (before.sent or before.created) if before else now - timedelta(minutes=1)
    at = max(now + DIGEST_AFTER, since + DIGEST_EVERY) if before else now + DIGEST_AFTER
    # Two at once make one: there is one after each.
    outbox.notify(gpt.owner, "feedback", f"after:{before.pk if before else ''}", at, since=since.isoformat())
