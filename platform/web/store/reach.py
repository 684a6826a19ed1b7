"""What a GPT can do and reach besides answering, as its page tells it."""

from dataclasses import dataclass
from typing import Final

from gpts.actions import host_name
from gpts.capabilities import CAPABILITIES
from gpts.spec import GptSpec

ICONS: Final = {"web_browsing": "globe", "image_generation": "picture", "code_interpreter": "code"}


@dataclass(frozen=True, slots=True)
class Ability:
    """A capability that is switched on."""

    title: str
    help: str
    icon: str


@dataclass(frozen=True, slots=True)
class Reach:
    """The capabilities of a GPT and the hosts that its actions, MCP servers and remote agents are at, each once."""

    capabilities: tuple[Ability, ...]
    hosts: tuple[str, ...]
    leaves_the_hall: bool


def reach_of(spec: GptSpec) -> Reach:
    """What this version can do and reach."""
    switched_on = [key for key in CAPABILITIES if key in spec.capabilities]
    abilities = tuple(
        Ability(CAPABILITIES[k].title, CAPABILITIES[k].help, ICONS.get(k, "check")) for k in switched_on
    )
    addresses = [action.base_url for action in spec.actions] + [server.url for server in spec.mcp_servers]
    addresses += [agent.url for agent in spec.remote_agents]
    hosts = tuple(dict.fromkeys(filter(None, map(host_name, addresses))))
    return Reach(abilities, hosts, bool(hosts) or "web_browsing" in switched_on)
