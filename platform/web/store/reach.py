"""What a GPT can do and reach besides answering, as its page tells it."""

from dataclasses import dataclass
from typing import Any, Final

from gpts.spec.actions import host_name
from gpts.spec.capabilities import CAPABILITIES
from gpts.spec.gpt import GptSpec
from web.builder.delegates import shown_name, visible_delegates
from web.builder.models import Gpt

ICONS: Final = {"web_browsing": "globe", "image_generation": "picture", "code_interpreter": "code"}


@dataclass(frozen=True, slots=True)
class Ability:
    """A capability that is switched on."""

    title: str
    help: str
    icon: str


@dataclass(frozen=True, slots=True)
class ReachableDelegate:
    """Another GPT that it may ask."""

    gpt: Gpt
    name: str


@dataclass(frozen=True, slots=True)
class GptReach:
    """The capabilities of a GPT, the hosts of its actions, MCP servers and remote agents, each once, whom it asks.

    `delegates` are only those GPTs that the reader may chat with, too.
    """

    capabilities: tuple[Ability, ...]
    hosts: tuple[str, ...]
    delegates: tuple[ReachableDelegate, ...]
    leaves_the_hall: bool


def reach_of(spec: GptSpec, reader: Any) -> GptReach:
    """What this version can do and reach, as `reader` may know it."""
    switched_on = [key for key in CAPABILITIES if key in spec.capabilities]
    abilities = tuple(
        Ability(CAPABILITIES[k].title, CAPABILITIES[k].help, ICONS.get(k, "check")) for k in switched_on
    )
    addresses = [action.base_url for action in spec.actions] + [server.url for server in spec.mcp_servers]
    addresses += [agent.url for agent in spec.remote_agents]
    hosts = tuple(dict.fromkeys(filter(None, map(host_name, addresses))))
    delegates = tuple(ReachableDelegate(gpt, shown_name(reader, gpt)) for gpt in visible_delegates(spec, reader))
    asks = bool(delegates) or spec.delegates_to_store  # and may thereby reach what those reach
    return GptReach(abilities, hosts, delegates, asks or bool(hosts) or "web_browsing" in switched_on)
