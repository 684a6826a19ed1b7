"""What a GPT can do and reach besides answering, as its page tells it."""

from dataclasses import dataclass
from typing import Any

from gpts.spec.actions import host_name
from gpts.spec.capabilities import CAPABILITIES, Capability
from gpts.spec.gpt import GptSpec
from web.builder.delegates import shown_name, visible_delegates
from web.builder.models import Gpt


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

    capabilities: tuple[Capability, ...]
    hosts: tuple[str, ...]
    delegates: tuple[ReachableDelegate, ...]
    leaves_the_hall: bool


def reach_of(spec: GptSpec, reader: Any) -> GptReach:
    """What this version can do and reach, as `reader` may know it."""
    switched_on = tuple(capability for key, capability in CAPABILITIES.items() if key in spec.capabilities)
    addresses = [action.base_url for action in spec.actions] + [server.url for server in spec.mcp_servers]
    addresses += [agent.url for agent in spec.remote_agents]
    hosts = tuple(dict.fromkeys(filter(None, map(host_name, addresses))))
    delegates = tuple(ReachableDelegate(gpt, shown_name(reader, gpt)) for gpt in visible_delegates(spec, reader))
    asks = bool(delegates) or spec.delegates_to_store  # and may thereby reach what those reach
    leaves = asks or bool(hosts) or any(capability.leaves_site for capability in switched_on)
    return GptReach(switched_on, hosts, delegates, leaves)
