"""Texts about a GPT's requests to others: for one line of a chat, for several in one, and while waiting."""

from collections.abc import Sequence

from gpts.runs.delegated_calls import DelegatedCall
from web.chat.tool_names import Phrases, shortened


def delegation_phrases(call: DelegatedCall) -> Phrases:
    """The ask in words."""
    whom = f"{call.name} on {call.host}" if call.host else call.name
    what = f"{whom}: {shortened(call.task)}" if call.task and not call.host else whom
    failed = f"{whom} didn’t answer" if call.run_id else f"Couldn’t ask {whom}"
    done = "Couldn’t ask" if call.why_not and not call.run_id else "Asked"
    many = f"{done} # {'remote agents' if call.host else 'GPTs'}"
    return Phrases(f"Asking {what}", f"Asked {what}", failed, f"Didn’t ask {whom}", f"{done} {whom}", many)


def phrase_for_several(delegated_calls: Sequence[DelegatedCall], many: str) -> str:
    """Several asks in one; `many` counts for its # how many different ones were asked."""
    names = {call.name for call in delegated_calls}
    if len(names) > 1:
        return many.replace("#", str(len(names)))
    short = delegation_phrases(delegated_calls[0]).short
    return short if len(delegated_calls) == 1 else f"{short} {len(delegated_calls)} times"


def awaited(delegated_calls: Sequence[DelegatedCall]) -> str:
    """Which answers are awaited; empty if none."""
    names = list(dict.fromkeys(call.name for call in delegated_calls))
    if not names:
        return ""
    return f"Waiting for {' and '.join(names) if len(names) < 3 else f'{len(names)} others'}"
