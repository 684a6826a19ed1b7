"""The remote A2A agents of a GPT as tools that take a task."""

import tomllib
from functools import partial
from pathlib import Path
from typing import Any, Final

from gpts.spec.actions import host_of
from gpts.spec.agents import named_remote_agents
from gpts.spec.gpt import GptSpec, RemoteAgent
from gpts.spec.tools import ToolSpec
from workers.tools import Request, Tool, ToolContext, ToolError, ToolOutput, as_json, check_length
from workers.tools.settings import ToolSettings

PARAMETERS: Final = tomllib.loads(Path(__file__).with_name("parameters.toml").read_text("utf-8"))


def granted(spec: GptSpec, settings: ToolSettings) -> dict[str, Tool]:
    """The GPT's remote agents, by tool name."""
    return {
        name: Tool(tool_spec(name, agent), partial(call, settings, agent), partial(describe, agent))
        for name, agent in named_remote_agents(spec).items()
    }


def tool_spec(name: str, agent: RemoteAgent) -> ToolSpec:
    """The agent's spec as a tool."""
    return ToolSpec(
        name=name,
        description=agent.description or f"Sends a task to {agent.name}.",
        parameters=PARAMETERS,
        # Whatever its card says, a task may change anything there.
        effect="read" if agent.read_only else "write",
        title=agent.name,
        examples=agent.examples,
        reach="host",
        host=host_of(agent.url),
        operation=f"A2A {agent.url}",
        timeout_s=agent.timeout_s,
        written_by=f"the Agent Card of {host_of(agent.url)}",
        is_delegation=True,
        asks=f"agent “{agent.name}”",
        when=agent.when,
    )


def call(settings: ToolSettings, agent: RemoteAgent, arguments: dict[str, Any], context: ToolContext) -> ToolOutput:
    """The agent's result. Raises ToolError, SignInNeeded, and what `context.check` raises."""
    from workers.tools.a2a.answers import output, refusal  # on first use: loading the SDK takes half a second
    from workers.tools.a2a.session import AgentRefused, ask

    task = str(arguments.get("task", "")).strip()
    if not task:
        raise ToolError(f"Give the task for {agent.name} in “task”.")
    check_length(task, "The task")
    credential = settings.credential(agent.auth, agent.agent_id, context.user_id, host_of(agent.url))
    try:
        return output(agent, ask(settings.egress, agent, credential, task, context), credential, context)
    except AgentRefused as refused:
        return refusal(agent, credential, str(refused))


def describe(agent: RemoteAgent, arguments: dict[str, Any]) -> Request:
    """The call in plain language, and its full message."""
    task = str(arguments.get("task", ""))
    raw = {"to": agent.url, "message": {"role": "ROLE_USER", "parts": [{"text": task}]}}
    words = f"Ask {agent.name} at {host_of(agent.url)}:\n{task}"
    return Request(words, as_json(raw))
