"""What people think of answers, for the creators of the GPTs that gave them."""

from collections.abc import Collection
from typing import Final

from web.runs.errors import Refused
from web.runs.models import Conversation, Run
from web.runs.models_chats import Feedback

TEXT_CHARS: Final = 2_000
# By what they are about: good answers, bad ones.
REASONS: Final = {
    True: {"correct": "Correct", "clear": "Clear", "complete": "Complete", "style": "Good style"},
    False: {
        "wrong": "Not correct",
        "sources": "Doesn’t match the files",
        "instructions": "Not what I asked for",
        "incomplete": "Incomplete",
        "style": "Too long or badly written",
        "harmful": "Harmful or offensive",
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
        raise Refused("This answer can’t be rated.")
    if len(text) > TEXT_CHARS:
        raise Refused(f"Too long: {len(text):,} of {TEXT_CHARS:,} characters.")
    if unknown := set(reasons) - set(REASONS[is_good]):
        raise Refused(f"Unknown reason: {', '.join(sorted(unknown))}. Known: {', '.join(REASONS[is_good])}.")
    facts = {"is_good": is_good, "reasons": sorted(set(reasons)), "text": text, "shows_chat": shows_chat}
    given, _ = Feedback.objects.update_or_create(run=run, defaults={**facts, "gpt": run.gpt, "owner": run.owner})
    return given


def take_back(run: Run) -> None:
    """Delete the feedback on the answer, if there is one."""
    Feedback.objects.filter(run=run).delete()
