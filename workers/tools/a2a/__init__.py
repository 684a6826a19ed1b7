"""Remote A2A agents that a GPT's creator named: each is a tool that is given a task in words."""

from functools import partial
from typing import Any, Final

from gpts.spec.actions import host_of
from gpts.spec.agents import named_remote_agents
from gpts.spec.gpt import GptSpec, RemoteAgent
from gpts.spec.tools import ToolSpec
from workers.tools import Request, Tool, ToolContext, ToolError, ToolOutput, as_json, check_length
from workers.tools.a2a.answers import AgentAnswer, output, refusal
from workers.tools.a2a.cards import read_card
from workers.tools.a2a.session import RefusedThere, ask
from workers.tools.settings import ToolSettings

__all__ = ["granted", "read_card"]
PARAMETERS: Final = {
    "type": "object",
    "properties": {
        "task": {
            "type": "string",
            "description": "What it shall do or answer, complete in itself: it sees nothing else of this chat.",
        }
    },
    "required": ["task"],
    "additionalProperties": False,
}


def granted(spec: GptSpec, settings: ToolSettings) -> dict[str, Tool]:
    """The tools that ask the GPT's remote agents, by the names under which they are called."""
    return {
        name: Tool(tool_spec(name, agent), partial(call, settings, agent), partial(describe, agent))
        for name, agent in named_remote_agents(spec).items()
    }


def tool_spec(name: str, agent: RemoteAgent) -> ToolSpec:
    """The agent as models and people are told of it."""
    return ToolSpec(
        name=name,
        description=agent.description or f"Asks {agent.name}.",
        parameters=PARAMETERS,
        effect="read",
        title=agent.name,
        examples=agent.examples,
        reach="host",
        host=host_of(agent.url),
        timeout_s=agent.timeout_s,
        is_delegation=True,
        when=agent.when,
    )


def call(settings: ToolSettings, agent: RemoteAgent, arguments: dict[str, Any], context: ToolContext) -> ToolOutput:
    """What the agent answered. Raises ToolError, and what `context.check` raises."""
    task = str(arguments.get("task", "")).strip()
    if not task:
        raise ToolError(f"Say what {agent.name} shall do, in “task”.")
    check_length(task, "The task")
    lent = settings.credential(agent.auth, agent.agent_id, context.user_id, host_of(agent.url))
    try:
        return output(AgentAnswer(agent, ask(settings.egress, agent, lent, task, context), lent), context)
    except RefusedThere as refused:
        return refusal(agent, lent, str(refused))


def describe(agent: RemoteAgent, arguments: dict[str, Any]) -> Request:
    """The call in plain words, and its message exactly."""
    task = str(arguments.get("task", ""))
    raw = {"to": agent.url, "message": {"role": "ROLE_USER", "parts": [{"text": task}]}}
    words = f"Ask {agent.name} at {host_of(agent.url)}:\n{task}"
    return Request(words, as_json(raw))
