"""Calls of delegates and remote agents, as recorded in a run's log."""

from dataclasses import dataclass
from typing import Final

from gpts.runs.builtin_calls import builtin_called
from gpts.runs.delegation import ASK_STORE
from gpts.runs.steps import Delegation, Log, ModelReply, ToolCall, ToolResult, UserMessage
from gpts.spec.actions import host_name, named_mcp_tools, named_operations
from gpts.spec.agents import named_remote_agents
from gpts.spec.gpt import GptSpec

PREFIX: Final = "ask_"


@dataclass(frozen=True, slots=True)
class DelegatedCall:
    """A call of the delegate `name`, or of the remote agent `name` at `host`.

    `run_id` is the child run, empty for remote agents and if no run could start. `result` is None until there is one.
    `joined`: an identical earlier delegation exists, and its run answers both.
    """

    call_id: str
    name: str
    task: str
    run_id: str = ""
    host: str = ""
    joined: bool = False
    result: ToolResult | None = None

    @property
    def why_not(self) -> str:
        """Why there is no answer, for people; empty while it is pending and once it has arrived."""
        return self.result.text if self.result and not self.result.ok else ""


def delegated_calls(spec: GptSpec, log: Log) -> tuple[DelegatedCall, ...]:
    """All delegated calls of a run, in the order of its log."""
    calls = (call for step in log if isinstance(step, ModelReply) for call in step.tool_calls)
    return tuple(ask for call in calls if (ask := delegated_call(spec, log, call)))


def delegated_call(spec: GptSpec, log: Log, call: ToolCall) -> DelegatedCall | None:
    """`call` as a delegated call; None if it is a call of any other tool."""
    result = next((step for step in log if isinstance(step, ToolResult) and step.call_id == call.call_id), None)
    for step in log:
        if isinstance(step, Delegation) and step.call_id == call.call_id:
            return DelegatedCall(call.call_id, step.name, step.task, step.run_id, joined=step.joined, result=result)
    if not call.name.startswith(PREFIX) or _is_another_tool(spec, log, call.name):
        return None
    agent = named_remote_agents(spec).get(call.name)
    name, host = (agent.name, host_name(agent.url)) if agent else (_in_words(call.name), "")
    return DelegatedCall(call.call_id, name, str(call.arguments.get("task", "")), host=host, result=result)


def _is_another_tool(spec: GptSpec, log: Log, name: str) -> bool:
    """Whether a built-in tool, one of the creator's actions, an MCP server or the API caller has this name."""
    if builtin_called(log, name):
        return True
    callers = {tool.name for step in log if isinstance(step, UserMessage) for tool in step.overrides.tools}
    return name in {*named_operations(spec.actions), *named_mcp_tools(spec.mcp_servers, spec.actions), *callers}


def _in_words(name: str) -> str:
    """The display name of a GPT whose row was not looked up: "Tax clerk" for `ask_tax_clerk`."""
    if name == ASK_STORE:
        return "a GPT from the store"
    return " ".join(name.removeprefix(PREFIX).split("_")).capitalize()
