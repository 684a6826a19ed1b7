"""What a tool is called in front of people: by its name in the log and what the GPT's version says of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from gpts.actions import ActionSpec, McpServer
from gpts.spec import GptSpec


@dataclass(frozen=True, slots=True)
class ToolName:
    """A tool's title and the host that it calls, empty for the platform's own. `action_id` is set for an action's."""

    title: str
    host: str = ""
    action_id: str = ""


def host_of_address(url: str) -> str:
    """The host of an address, as shown; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def tool_name(spec: GptSpec, name: str) -> ToolName:
    """The title of the tool that the log calls `name`; its name in words for one that the version does not know."""
    return next((found for known, found in _known(spec) if known == name), ToolName(in_words(name)))


def in_words(name: str) -> str:
    """`create_ticket` or `createTicket` as "Create ticket"."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    words = " ".join(spaced.replace("_", " ").replace("-", " ").split())
    return words[:1].upper() + words[1:]


def _known(spec: GptSpec) -> Iterator[tuple[str, ToolName]]:
    for action in spec.actions:
        yield from _of_action(action)
    for server in spec.mcp_servers:
        yield from _of_server(server)


def _of_action(action: ActionSpec) -> Iterator[tuple[str, ToolName]]:
    host = host_of_address(action.base_url)
    for operation in action.operations:
        title = operation.summary if 0 < len(operation.summary) <= 60 else in_words(operation.name)
        yield operation.name, ToolName(title.rstrip("."), host, action.action_id)


def _of_server(server: McpServer) -> Iterator[tuple[str, ToolName]]:
    # A server's tools may carry its name in front, to keep tools of two servers apart.
    host = host_of_address(server.url) or server.name
    for tool in server.tools:
        named = ToolName(in_words(tool.name), host)
        yield tool.name, named
        yield f"{server.name}_{tool.name}", named
        yield f"{server.name}__{tool.name}", named
