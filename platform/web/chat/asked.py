"""Texts about a GPT's requests to others: for one line of a chat, for several in one, and while waiting."""

from collections.abc import Sequence

from web.chat.tool_names import Phrases, shortened
from web.runs.asks import Ask


def ask_phrases(ask: Ask) -> Phrases:
    """The ask in words."""
    whom = f"{ask.name} on {ask.host}" if ask.host else ask.name
    what = f"{whom}: {shortened(ask.task)}" if ask.task and not ask.host else whom
    failed = f"{whom} didn’t answer" if ask.run_id else f"Couldn’t ask {whom}"
    asked = "Couldn’t ask" if ask.why_not and not ask.run_id else "Asked"
    many = f"{asked} # {'remote agents' if ask.host else 'GPTs'}"
    return Phrases(f"Asking {what}", f"Asked {what}", failed, f"Didn’t ask {whom}", f"{asked} {whom}", many)


def told_together(asks: Sequence[Ask], many: str) -> str:
    """Several asks in one; `many` counts for its # how many different ones were asked."""
    names = {ask.name for ask in asks}
    if len(names) > 1:
        return many.replace("#", str(len(names)))
    short = ask_phrases(asks[0]).short
    return short if len(asks) == 1 else f"{short} {len(asks)} times"


def awaited(asks: Sequence[Ask]) -> str:
    """Which answers are awaited; empty if none."""
    names = list(dict.fromkeys(ask.name for ask in asks))
    if not names:
        return ""
    return f"Waiting for {' and '.join(names) if len(names) < 3 else f'{len(names)} others'}"
