"""What should happen next in a run: a pure function of the GPT and the log. No clock, no database, no randomness."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from gpts.spec import GptSpec
from gpts.steps import (
    Approval,
    Cancelled,
    Coverage,
    Error,
    Finished,
    FinishReason,
    Log,
    ModelReply,
    Retrieval,
    ToolCall,
    ToolResult,
    ToolStarted,
    pending_approvals,
)
from gpts.tools import ToolSpec

# Rounds of tool calls in one turn; then the model's last words are the answer.
MAX_ROUNDS: Final = 8

ABSTENTION: Final = "The files of this GPT do not cover that, so there is no answer to give from them."
INTERRUPTED: Final = "Interrupted: the worker stopped while this ran, and whether it took effect is unknown."
DECLINED: Final = "The person declined this call."


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Search the GPT's knowledge for the question."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Generate the next reply."""


@dataclass(frozen=True, slots=True)
class RunTool:
    """Perform the call; `announce` first when it has an effect."""

    call: ToolCall
    announce: bool


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Put the exact call before the person."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class RejectCall:
    """Answer the call with the reason why it is not performed."""

    call: ToolCall
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A person's answer is needed; hold no worker meanwhile."""


@dataclass(frozen=True, slots=True)
class Finish:
    """End the run with this answer."""

    text: str
    coverage: Coverage
    finish: FinishReason = "stop"


@dataclass(frozen=True, slots=True)
class Stop:
    """The run is over; there is nothing to do."""


Decision = Retrieve | CallModel | RunTool | AskApproval | RejectCall | Wait | Finish | Stop
Queue = Literal["model", "tools"]


def decide(spec: GptSpec, log: Log, tools: Mapping[str, ToolSpec]) -> Decision:
    """The next thing to do in the run with this `log`. `tools` are those that the GPT was granted, by name."""
    if not log or isinstance(log[-1], Finished | Cancelled | Error):
        return Stop()
    if pending_approvals(log):
        return Wait()
    retrieval = next((step for step in log if isinstance(step, Retrieval)), None)
    if spec.knowledge and retrieval is None:
        return Retrieve()
    coverage = _coverage(retrieval)
    if spec.only_from_knowledge and coverage == "not_covered":
        return Finish(abstain(spec), coverage)
    if retrieval and retrieval.extract:
        return Finish(retrieval.extract, coverage)
    return _after_reply(log, coverage, tools)


def queue_of(decision: Decision) -> Queue | None:
    """The queue whose workers perform `decision`; None where any may."""
    match decision:
        case RunTool():
            return "tools"
        case Retrieve() | CallModel() | Finish():
            return "model"
        case AskApproval() | RejectCall() | Wait() | Stop():
            return None


def abstain(spec: GptSpec) -> str:
    """What a GPT says to a question that its knowledge does not cover, with what it can be asked instead."""
    if not spec.starters:
        return ABSTENTION
    return "\n".join([f"{ABSTENTION} You could ask:", "", *(f"- {starter}" for starter in spec.starters[:3])])


def _coverage(retrieval: Retrieval | None) -> Coverage:
    if retrieval is None:
        return "no_knowledge"
    return "covered" if retrieval.covered else "not_covered"


def _after_reply(log: Log, coverage: Coverage, tools: Mapping[str, ToolSpec]) -> Decision:
    replies = [step for step in log if isinstance(step, ModelReply)]
    if not replies:
        return CallModel()
    last = replies[-1]
    answered = {step.call_id for step in log if isinstance(step, ToolResult)}
    for call in last.tool_calls:
        if call.call_id not in answered:
            return _decide_call(call, log, tools)
    if last.tool_calls and len(replies) < MAX_ROUNDS:
        return CallModel()
    return Finish(last.text, coverage, last.finish)


def _decide_call(call: ToolCall, log: Log, tools: Mapping[str, ToolSpec]) -> Decision:
    tool = tools.get(call.name)
    if tool is None:
        return RejectCall(call, f"There is no tool named {call.name}.")
    if any(isinstance(step, ToolStarted) and step.call_id == call.call_id for step in log):
        return RejectCall(call, INTERRUPTED)
    if tool.effect == "read":
        return RunTool(call, announce=False)
    answer = next((step for step in log if isinstance(step, Approval) and step.call_id == call.call_id), None)
    if answer is None:
        return AskApproval(call)
    return RunTool(call, announce=True) if answer.allowed else RejectCall(call, DECLINED)
