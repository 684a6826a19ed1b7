"""How a tool call or a request to another GPT is worded for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.text import Truncator, get_text_list
from django.utils.translation import gettext

from gpts.runs.delegated_calls import DelegatedCall
from gpts.spec.actions import host_name, named_mcp_tools, named_operations
from gpts.spec.agents import named_remote_agents
from gpts.spec.gpt import GptSpec

TITLE_CHARS: Final = 60
# Characters of the subject of a call; all of it is in the log.
SUBJECT_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Phrases:
    """A call in words: in progress, done, failed, declined, in short, and `many` for several (# is the number)."""

    doing: str
    done: str
    failed: str
    declined: str
    short: str
    many: str


@dataclass(frozen=True, slots=True)
class ToolName:
    """A tool's title and the host that it calls, empty for built-in tools. `action_id` is set for actions.

    `is_delegation`: it is a remote agent.
    """

    title: str
    host: str = ""
    action_id: str = ""
    is_delegation: bool = False


def tool_name(spec: GptSpec, name: str) -> ToolName:
    """The title of the tool with this name in the log; the name in words for one that the version doesn't have."""
    if found := named_operations(spec.actions).get(name):
        action, operation = found
        short = 0 < len(operation.summary) <= TITLE_CHARS
        title = operation.summary.rstrip(".") if short else in_words(operation.name)
        return ToolName(title, host_name(action.base_url), action.action_id)
    if listed := named_mcp_tools(spec.mcp_servers, spec.actions).get(name):
        server, tool = listed
        return ToolName(in_words(tool.name), host_name(server.url) or server.name)
    if agent := named_remote_agents(spec).get(name):
        return ToolName(agent.name, host_name(agent.url), is_delegation=True)
    return ToolName(in_words(name))


def in_words(name: str) -> str:
    """`create_ticket` or `createTicket` as "Create ticket"."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    words = " ".join(spaced.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:]


def shortened(text: str, limit: int = SUBJECT_CHARS) -> str:
    """`text` on one line of at most `limit` characters."""
    return Truncator(" ".join(text.split())).chars(limit)


def delegation_phrases(call: DelegatedCall) -> Phrases:
    """The phrases for a request to another GPT or a remote agent."""
    whom = gettext("{title} on {host}").format(title=call.name, host=call.host) if call.host else call.name
    what = f"{whom}: {shortened(call.task)}" if call.task and not call.host else whom
    not_asked = gettext("Couldn’t ask {what}").format(what=whom)
    failed = gettext("{whom} didn’t answer").format(whom=whom) if call.run_id else not_asked
    if call.why_not:
        short = failed
        many = gettext("Couldn’t ask # remote agents") if call.host else gettext("Couldn’t ask # GPTs")
        if call.run_id:
            many = gettext("# GPTs didn’t answer")
    else:
        short = gettext("Asked {what}").format(what=whom)
        many = gettext("Asked # remote agents") if call.host else gettext("Asked # GPTs")
    doing, done = gettext("Asking {what}").format(what=what), gettext("Asked {what}").format(what=what)
    return Phrases(doing, done, failed, gettext("Didn’t ask {what}").format(what=whom), short, many)


def phrase_for_several(calls: Sequence[DelegatedCall], many: str) -> str:
    """Several delegated calls in one phrase; # in `many` becomes the number of different GPTs."""
    names = {call.name for call in calls}
    if len(names) > 1:
        return many.replace("#", str(len(names)))
    short = delegation_phrases(calls[0]).short
    return short if len(calls) == 1 else gettext("{short} {n} times").format(short=short, n=len(calls))


def awaited(calls: Sequence[DelegatedCall]) -> str:
    """Whose answers are awaited; empty if nobody's."""
    names = list(dict.fromkeys(call.name for call in calls))
    if not names:
        return ""
    if len(names) < 3:
        return gettext("Waiting for {names}").format(names=get_text_list(names, gettext("and")))
    return gettext("Waiting for {n} others").format(n=len(names))
