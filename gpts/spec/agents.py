"""Remote A2A agents: the facts on their Agent Cards, and the names of the tools that call them."""

from typing import Any, Final

from gpts.runs.delegation import ASK_STORE, named_delegates
from gpts.spec.actions import AuthHint, first_free, host_of, letters, named_mcp_tools, named_operations
from gpts.spec.gpt import GptSpec, RemoteAgent
from gpts.values import Value

# Default path of an Agent Card on its host (A2A specification 1.0, "Well-Known URI").
CARD_PATH: Final = "/.well-known/agent-card.json"
CARD_CHARS: Final = 2_000  # of a card's description and skills together, as given to models
DEADLINE_S: Final = 600  # the longest wait for an agent that a creator can set


class AgentFacts(Value):
    """What a creator is shown of an Agent Card. `url` is where calls go, at the card's own origin.

    The first line of `description` is the agent's description; each further line is one of its skills.
    """

    name: str
    url: str
    description: str = ""
    examples: tuple[str, ...] = ()
    auth: AuthHint = AuthHint()


def from_struct(value: Any) -> Any:
    """JSON values of a protobuf Struct, with whole floats as ints and keys sorted (a Struct keeps neither)."""
    if isinstance(value, dict):
        return {key: from_struct(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [from_struct(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def named_remote_agents(spec: GptSpec) -> dict[str, RemoteAgent]:
    """Remote agents by tool name; other tools and delegates take precedence."""
    taken = {ASK_STORE, *named_operations(spec.actions), *named_mcp_tools(spec.mcp_servers, spec.actions)}
    taken |= named_delegates(spec.delegates).keys()
    named: dict[str, RemoteAgent] = {}
    for agent in spec.remote_agents:
        base = f"ask_{letters(agent.name) or letters(host_of(agent.url)) or 'agent'}".lower()[:60]
        tries = (base, *(f"{base}_{n}" for n in range(2, 1_000)))
        named[first_free(tries, taken | named.keys())] = agent
    return named
