"""Links that show a chat as it was, and chats that go on from one.

A reader gets the texts of the branch and nothing behind them: no files, passages, traces or instructions, and not
the name of a GPT that they may not see. Whoever goes on from it has texts of another person in their chat, which are
labelled so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext

from gpts.runs.steps import Cancelled, Error, Finished, Log, ToolResult, UserMessage
from gpts.safety.labels import join, untrusted
from web.accounts import audit
from web.accounts.models import User
from web.builder.access import access_gpt
from web.runs import log, services
from web.runs.branches import Branches
from web.runs.copies import checked_bytes, copy_of, in_order
from web.runs.models import Conversation, Run, StepRow
from web.runs.models_chats import Share

AUTHOR = "another person’s shared chat"


@dataclass(frozen=True, slots=True)
class SharedTurn:
    """A message and its answer as readers see them. `n_files` were sent or made, `n_sources` cited: none is shown."""

    question: str
    answer: str
    n_files: int
    n_sources: int


def create(conversation: Conversation, audience: str, run_id: UUID | None = None) -> Share:
    """The link to the branch up to this answer, by default the last one shown. Raises Http404, StillAnswering."""
    branches = Branches(conversation)
    last = run_id or branches.shown
    if last is None:
        raise Http404(gettext("There’s nothing to share in this chat."))
    branches.check(last)
    facts = {"run_id": last, "owner_id": conversation.owner_id, "audience": audience}
    if known := conversation.shares.filter(revoked=None, **facts).first():
        return known
    with transaction.atomic():
        share = Share.objects.create(conversation=conversation, **facts)
        audit.record(audit.Act.CHAT_SHARED, conversation.owner, conversation, share=share.pk, audience=audience)
    return share


def revoke(share: Share) -> None:
    """Let the link show nothing any more; chats that others went on with are theirs."""
    share.revoked = share.revoked or timezone.now()
    share.save(update_fields=["revoked"])
    audit.record(audit.Act.CHAT_UNSHARED, share.owner, share.conversation, share=share.pk)


def access(user: Any, token: str) -> Share:
    """What a link shows to `user`. Raises Http404; PermissionError if they must sign in first."""
    shares = Share.objects.filter(token=token, revoked=None, conversation__deleted=None, owner__is_active=True)
    share = shares.select_related("conversation__gpt", "conversation__version", "run").first()
    if share is None:
        raise Http404(gettext("This chat is no longer shared."))
    if share.audience != Share.Audience.PUBLIC and not user.is_authenticated:
        raise PermissionError
    return share


def turns(conversation: Conversation, run_id: UUID) -> list[SharedTurn]:
    """What readers see of a chat up to this answer, oldest first."""
    path = Branches(conversation).up_to(run_id)
    return [_shown(run, log.read(run.id)) for run in in_order(path)]


def _shown(run: Run, steps: Log) -> SharedTurn:
    made = sum(len(step.files) for step in steps if isinstance(step, ToolResult))
    sent = sum(len(step.attachments) for step in steps if isinstance(step, UserMessage))
    last = steps[-1]
    n_sources = len(last.citations) if isinstance(last, Finished) else 0
    return SharedTurn(run.message.text, answer_in(last), sent + made, n_sources)


def answer_in(last: object) -> str:
    """The text of an answer by its last step, empty if it failed."""
    return last.text if isinstance(last, Finished | Cancelled) else ""


def take_over(share: Share, user: User) -> Conversation:
    """A chat of `user` that begins with the shared one.

    Raises Http404 if they may not use its GPT, NotPublished, and OverQuota.
    """
    gpt = access_gpt(user, share.conversation.gpt.slug)
    with transaction.atomic():
        path = Branches(share.conversation).up_to(share.run_id)
        n_bytes = checked_bytes(user.pk, path)
        copy = services.start_conversation(user, gpt, fills_in=False)
        copy.title, copy.n_bytes = share.conversation.title, n_bytes
        copy.save()
        for run in in_order(path):
            copy.shown = _texts_of(run, copy)
        copy.save(update_fields=["shown"])
    return copy


def _texts_of(run: Run, into: Conversation) -> Run:
    """A run that has said what `run` said, after the last one of the conversation."""
    steps = tuple(_foreign(log.read(run.id)))
    copy = copy_of(run, into, into.shown, len(steps))
    rows = [{"seq": seq, "kind": step.kind, "data": step.model_dump(mode="json")} for seq, step in enumerate(steps)]
    StepRow.objects.bulk_create(StepRow(run=copy, **row) for row in rows)
    return copy


def _foreign(steps: Log) -> Iterator[UserMessage | Finished | Cancelled | Error]:
    """The texts of a log, labelled as another person's."""
    first, last = steps[0], steps[-1]
    assert isinstance(first, UserMessage)
    yield UserMessage(text=first.text, label=join((first.label, untrusted(AUTHOR))), own_words=False)
    match last:
        case Finished():
            label = join((last.label, untrusted(AUTHOR)))
            yield Finished(text=last.text, coverage=last.coverage, finish=last.finish, label=label)
        case Cancelled():
            yield last
        case _:  # why it failed is for its owner
            yield Error(message=gettext("This answer failed."))
