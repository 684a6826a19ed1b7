"""What people think of answers, for the creators of the GPTs that gave them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from web.builder import notify
from web.builder.models import Gpt
from web.languages import too_long
from web.runs import sharing
from web.runs.errors import Refused
from web.runs.models import Conversation, Run
from web.runs.models_chats import Feedback

TEXT_CHARS: Final = 2_000
MAX_SHOWN: Final = 30
# By what they are about: good answers, bad ones.
REASONS: Final = {
    True: {
        "correct": gettext_noop("Correct"),
        "clear": gettext_noop("Clear"),
        "complete": gettext_noop("Complete"),
        "style": gettext_noop("Good style"),
    },
    False: {
        "wrong": gettext_noop("Not correct"),
        "sources": gettext_noop("Doesn’t match the files"),
        "instructions": gettext_noop("Not what I asked for"),
        "incomplete": gettext_noop("Incomplete"),
        "style": gettext_noop("Too long or badly written"),
        "harmful": gettext_noop("Harmful or offensive"),
    },
}
_KEPT: Final = (Conversation.Origin.CHAT, Conversation.Origin.API, Conversation.Origin.RESPONSE)


def may_be_given(run: Run) -> bool:
    """Whether `run` is a person's or a program's own, in a conversation that is kept, and has ended."""
    return run.root_id is None and run.is_over and run.message.conversation.origin in _KEPT


def give(
    run: Run, is_good: bool, reasons: Collection[str] = (), text: str = "", shows_chat: bool = False
) -> Feedback:
    """The feedback on the answer, in place of an earlier one. `run` must come from `access_run`. Raises Refused."""
    text = text.replace("\x00", "").strip()
    if not may_be_given(run):
        raise Refused(gettext("This answer can’t be rated."))
    if len(text) > TEXT_CHARS:
        raise Refused(too_long(text, TEXT_CHARS))
    if unknown := set(reasons) - set(REASONS[is_good]):
        raise Refused(
            gettext("Unknown reason: {unknown}. Known: {is_good}.").format(
                unknown=", ".join(sorted(unknown)), is_good=", ".join(REASONS[is_good])
            )
        )
    facts = {"is_good": is_good, "reasons": sorted(set(reasons)), "text": text, "shows_chat": shows_chat}
    with transaction.atomic():
        given, _ = Feedback.objects.update_or_create(run=run, defaults={**facts, "gpt": run.gpt, "owner": run.owner})
        notify.of_gpt(run.gpt, "feedback.left", feedback=given.pk, is_good=is_good)
        notify.of_opinion(run.gpt, run.owner)
    return given


@dataclass(frozen=True, slots=True)
class Received:
    """Feedback as the GPT's creator sees it: nothing of the person, and the chat only if they said so."""

    is_good: bool
    reasons: tuple[str, ...]
    text: str
    created: datetime
    turns: tuple[sharing.SharedTurn, ...]


def received(gpt: Gpt) -> QuerySet[Feedback]:
    """The feedback on `gpt`, newest first. `gpt` must come from `access_own_gpt`."""
    given = Feedback.objects.filter(gpt=gpt, run__message__conversation__deleted=None)
    return given.select_related("run__message__conversation")


def for_creator(given: Iterable[Feedback]) -> list[Received]:
    """The same as the creator may see it."""
    return [_received(each) for each in given]


def _received(given: Feedback) -> Received:
    words = REASONS[given.is_good]
    conversation = given.run.message.conversation
    turns = sharing.turns(conversation, given.run_id) if given.shows_chat else ()
    reasons = tuple(words[key] for key in given.reasons if key in words)
    return Received(given.is_good, reasons, given.text, given.changed, tuple(turns))


def counts(gpt: Gpt, since: datetime) -> tuple[int, int]:
    """How many good and bad ratings `gpt` got."""
    given = Feedback.objects.filter(gpt=gpt, changed__gte=since)
    n_good = given.filter(is_good=True).count()
    return n_good, given.count() - n_good


def take_back(run: Run) -> None:
    """Delete the feedback on the answer, if there is one."""
    Feedback.objects.filter(run=run).delete()
