"""A2A agents elsewhere: what their cards say, and the names by which a GPT asks them."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from gpts.runs.delegation import ASK_STORE, named_delegates
from gpts.spec.actions import AuthHint, first_free, host_of, letters, named_mcp_tools, named_operations
from gpts.spec.gpt import GptSpec, RemoteAgent

# Where an agent's card lies on its host, unless it says otherwise (A2A specification 1.0, "Well-Known URI").
CARD_PATH: Final = "/.well-known/agent-card.json"
CARD_CHARS: Final = 2_000  # of a card's description and skills together, as models read them
DEADLINE_S: Final = 600  # the longest that a creator can have a GPT wait for an agent


class AgentFacts(BaseModel):
    """What a GPT's creator is shown of an Agent Card. `url` is where calls go, at the card's own origin.

    `description` has the agent's own in its first line and a line for each of its skills.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    url: str
    description: str = ""
    examples: tuple[str, ...] = ()
    auth: AuthHint = AuthHint()


def from_struct(value: Any) -> Any:
    """JSON values of a protobuf Struct, which makes every number a float and keeps no order: whole, and sorted."""
    if isinstance(value, dict):
        return {key: from_struct(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [from_struct(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def named_remote_agents(spec: GptSpec) -> dict[str, RemoteAgent]:
    """Each remote agent under the name of the tool that asks it; other tools and GPTs to ask come first."""
    taken = {ASK_STORE, *named_operations(spec.actions), *named_mcp_tools(spec.mcp_servers, spec.actions)}
    taken |= named_delegates(spec.delegates).keys()
    named: dict[str, RemoteAgent] = {}
    for agent in spec.remote_agents:
        base = f"ask_{letters(agent.name) or letters(host_of(agent.url)) or 'agent'}".lower()[:60]
        tries = (base, *(f"{base}_{n}" for n in range(2, 1_000)))
        named[first_free(tries, taken | named.keys())] = agent
    return named
