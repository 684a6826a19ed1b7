"""What a tool is called in front of people: by its name in the log and what the GPT's version says of it."""

from dataclasses import dataclass
from typing import Final

from gpts.spec.actions import host_name, named_mcp_tools, named_operations
from gpts.spec.agents import named_remote_agents
from gpts.spec.gpt import GptSpec

TITLE_CHARS: Final = 60
# Characters of what a line says a call was about; all of it is in the log.
SUBJECT_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Phrases:
    """A call in words: under way, done, failed, declined, done in short, and `many` of its kind for the last #."""

    doing: str
    done: str
    failed: str
    declined: str
    short: str
    many: str


@dataclass(frozen=True, slots=True)
class ToolName:
    """A tool's title and the host that it calls, empty for the platform's own. `action_id` is set for an action's.

    `is_delegation`: it is an agent that is asked, not something that is called.
    """

    title: str
    host: str = ""
    action_id: str = ""
    is_delegation: bool = False


def tool_name(spec: GptSpec, name: str) -> ToolName:
    """The title of the tool that the log calls `name`; its name in words for one that the version does not know."""
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
    """`text` in one line of `limit` characters at most."""
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"
