"""What a GPT can access besides its instructions and files, for its page."""

from dataclasses import dataclass
from typing import Any

from gpts.spec.actions import host_name
from gpts.spec.capabilities import CAPABILITIES, Capability
from gpts.spec.gpt import GptSpec
from web.builder.delegates import visible_delegates
from web.builder.models import Gpt


@dataclass(frozen=True, slots=True)
class GptAccess:
    """Capabilities, hosts of actions, MCP servers and remote agents (each once), and GPTs that it can ask.

    `delegates` are only those that the reader may chat with. `leaves_site`: something of all this runs elsewhere.
    """

    capabilities: tuple[Capability, ...]
    hosts: tuple[str, ...]
    delegates: tuple[Gpt, ...]
    leaves_site: bool


def access_of(spec: GptSpec, reader: Any) -> GptAccess:
    """What this version can access, as far as `reader` may know."""
    capabilities = tuple(capability for key, capability in CAPABILITIES.items() if key in spec.capabilities)
    urls = [action.base_url for action in spec.actions] + [server.url for server in spec.mcp_servers]
    urls += [agent.url for agent in spec.remote_agents]
    hosts = tuple(dict.fromkeys(filter(None, map(host_name, urls))))
    delegates = tuple(visible_delegates(spec, reader))
    asks = bool(delegates) or spec.delegates_to_store  # and they may have access to other services
    leaves_site = asks or bool(hosts) or any(capability.leaves_site for capability in capabilities)
    return GptAccess(capabilities, hosts, delegates, leaves_site)
