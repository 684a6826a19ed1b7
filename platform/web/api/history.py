"""Which replies in a history that a program sends are this site's own, and the label that they had.

A program keeps its conversations itself, so what it sends as the GPT's replies may be anything, and may quote a page
or a file that told the model what to do. A reply counts as this site's own only if the same person's program got
exactly this text, with these calls, from the same GPT. It then has the label of all that it was written from.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.steps import Finished, ToolCall
from gpts.safety.labels import Label, join
from web.accounts.models import User
from web.api.models import SentReply
from web.builder.models import Gpt
from web.runs.models import Run

# A conversation that is continued later is asked about like any other text from outside.
KEEP: Final = timedelta(days=180)


def keep_reply(run: Run, text: str, answer: Finished, calls: Sequence[ToolCall]) -> None:
    """Recognise `text` and `calls`, which a program got as the reply `answer` of `run`, from now on."""
    gpt = run.message.conversation.gpt
    label = join((answer.label, run.author_label(gpt)))
    facts = {"user_id": run.owner_id, "gpt": gpt, "label": label.model_dump(mode="json")}
    new = SentReply(digest=_digest(run.owner_id, gpt, text, calls), **facts)
    with transaction.atomic():
        SentReply.objects.bulk_create([new], ignore_conflicts=True)
        row = SentReply.objects.select_for_update().get(digest=new.digest)
        if row.sent != new.sent:  # it was sent before
            row.label = join([_label(row.label), label]).model_dump(mode="json")
            row.save(update_fields=["label", "sent"])


def forget_replies() -> None:
    """Delete what was sent too long ago to be recognised."""
    SentReply.objects.filter(sent__lt=timezone.now() - KEEP).delete()


def label_of_replies(user: User, gpt: Gpt, messages: Iterable[PromptMessage]) -> Label | None:
    """The label of the assistant's messages among `messages`; None unless this site made all of them."""
    replies = [message for message in messages if message.role == "assistant"]
    if not replies:
        return Label()
    digests = {_digest(user.pk, gpt, reply.content, reply.tool_calls) for reply in replies}
    labels = SentReply.objects.filter(digest__in=digests).values_list("label", flat=True)
    return join(map(_label, labels)) if len(labels) == len(digests) else None


def _label(data: Mapping[str, Any]) -> Label:
    return Label.model_validate(data)


def _digest(person: int, gpt: Gpt, text: str, calls: Iterable[ToolCall | MessageCall]) -> str:
    """A keyed digest of the reply. White space is ignored, because programs trim and wrap texts."""
    made = [[call.name, call.arguments] for call in calls]
    exact = json.dumps([person, str(gpt.pk), text.split(), made], sort_keys=True)
    return salted_hmac("web.api.history", exact, algorithm="sha256").hexdigest()
