"""What should happen next in a run: a pure function of the GPT and the log. No clock, no database, no randomness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gpts.runs.decisions import (
    AskApproval,
    CallModel,
    ChooseTool,
    Decision,
    Delegate,
    DelegateParts,
    Finish,
    GiveUp,
    Queue,
    RejectCall,
    Retrieve,
    RunTools,
    Stop,
    Wait,
    WriteCall,
)
from gpts.runs.delegation import ASK_STORE, listed_answers
from gpts.runs.queries import retrieval_query
from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    Cancelled,
    Coverage,
    Delegation,
    Error,
    Finished,
    Log,
    ModelReply,
    Part,
    Retrieval,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolStarted,
    UserMessage,
    pending_approvals,
)
from gpts.safety.policy import OPEN_PAGE, SEARCH, Ask, Refuse, Standing, check, context_of
from gpts.spec.gpt import GptSpec
from gpts.spec.tools import ToolSpec, call_digest

# Rounds of tool calls in one turn; then the model's last words are the answer.
MAX_ROUNDS: Final = 8

ABSTENTION: Final = "The files of this GPT do not cover that, so there is no answer to give from them."
INTERRUPTED: Final = "Interrupted: the worker stopped while this ran, and whether it took effect is unknown."
DECLINED: Final = "The person declined this call."
EXPIRED: Final = "Nobody answered in time whether this call is allowed, so it was not made."
SIGN_IN: Final = "It acts in your name there."
# The router's score from which a question names the tool itself ("search the web for …").
PLAINLY_ASKED: Final = 0.9


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds outside of the log when something is decided.

    `standing` is what the person has allowed, `sign_in` gives the host at which they must sign in before a tool can
    be used. `routed`: tools are chosen by the router, because the model is not able to.
    """

    standing: Standing = field(default_factory=Standing)
    sign_in: Mapping[str, str] = field(default_factory=dict)
    routed: bool = False


def decide(
    spec: GptSpec,
    log: Log,
    tools: Mapping[str, ToolSpec],
    history: Sequence[Log] = (),
    circumstances: Circumstances = Circumstances(),
) -> Decision:
    """The next thing to do in the run with this `log`, which follows the turns of `history`.

    `tools` are those that the GPT was granted and the API caller's own, by name.
    """
    if not log or isinstance(log[-1], Finished | Cancelled | Error):
        return Stop()
    if pending_approvals(log):
        return Wait()
    retrieval = next((step for step in log if isinstance(step, Retrieval)), None)
    if spec.knowledge and retrieval is None:
        return Retrieve()
    if not any(isinstance(step, ModelReply) for step in log):
        return _begin(spec, log, tools, history, retrieval, circumstances.routed)
    return _after_reply(log, retrieval, tools, history, circumstances)


def queue_of(decision: Decision, tools: Mapping[str, ToolSpec]) -> Queue | None:
    """The queue whose workers perform `decision`; None where any may."""
    match decision:
        case RunTools(calls):
            return "model" if any(tools[call.name].gpu for call in calls) else "tools"
        case Retrieve() | ChooseTool() | WriteCall() | CallModel() | Delegate() | Finish():
            return "model"
        case DelegateParts() | AskApproval() | RejectCall() | GiveUp() | Wait() | Stop():
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


def _begin(
    spec: GptSpec,
    log: Log,
    tools: Mapping[str, ToolSpec],
    history: Sequence[Log],
    retrieval: Retrieval | None,
    routed: bool,
) -> Decision:
    """What comes before the first reply: the tool that the caller demands, the router's choice, or the files."""
    asked, coverage = log[0], _coverage(retrieval)
    assert isinstance(asked, UserMessage)
    if demanded := _demanded(asked, tools):
        return WriteCall(demanded)
    others = [name for name, tool in tools.items() if tool.is_delegation and name != ASK_STORE]
    if spec.delegates_to_all and others and not asked.later:
        task = retrieval_query(history, log)
        return DelegateParts(tuple(Part(name=name, task=task) for name in others))
    choice = next((step for step in log if isinstance(step, ToolChoice)), None)
    # What an API caller's functions gave comes with `later`: the question has found its tool before.
    wants_choice = (routed and not asked.later) or asked.overrides.tool_choice == "required"
    if wants_choice and tools and choice is None:
        return ChooseTool()
    if choice and choice.parts:
        return DelegateParts(choice.parts)
    if choice and choice.name in tools and not _files_suffice(choice, tools, retrieval):
        return WriteCall(choice.name)
    if spec.only_from_knowledge and coverage == "not_covered":
        return Finish(abstain(spec), coverage)
    if retrieval and retrieval.extract and asked.overrides.answer_schema is None:
        return Finish(retrieval.extract, coverage)
    return CallModel()


def _demanded(asked: UserMessage, tools: Mapping[str, ToolSpec]) -> str:
    """The tool that the API caller wants called, by name; empty if they leave it open."""
    choice = asked.overrides.tool_choice
    if choice == "required" and len(own := [name for name, tool in tools.items() if tool.of_caller]) == 1:
        return own[0]
    return choice if choice in tools and tools[choice].of_caller else ""


def _files_suffice(choice: ToolChoice, tools: Mapping[str, ToolSpec], retrieval: Retrieval | None) -> bool:
    """Whether the GPT's files answer what the web or another GPT would be asked, unless it was plainly asked for."""
    return (
        (choice.name in (SEARCH, OPEN_PAGE) or tools[choice.name].is_delegation)
        and choice.score < PLAINLY_ASKED
        and retrieval is not None
        and retrieval.covered
    )


def _after_reply(
    log: Log,
    retrieval: Retrieval | None,
    tools: Mapping[str, ToolSpec],
    history: Sequence[Log],
    circumstances: Circumstances,
) -> Decision:
    replies = [step for step in log if isinstance(step, ModelReply)]
    last, results = replies[-1], {step.call_id: step for step in log if isinstance(step, ToolResult)}
    coverage = _coverage(retrieval)
    given_out = tuple(call for call in last.tool_calls if call.name in tools and tools[call.name].of_caller)
    open_calls = [call for call in last.tool_calls if call.call_id not in results and call not in given_out]
    if open_calls:
        return _decide_calls(open_calls, log, tools, history, circumstances)
    if given_out:
        return Finish(last.text, coverage, "tool_calls", given_out)
    answers = [results[call.call_id] for call in last.tool_calls]
    # What stands by itself is text; an answer in the caller's own form has to be written.
    is_text = isinstance(log[0], UserMessage) and log[0].overrides.answer_schema is None
    if answers and is_text and all(answer.shown is not None for answer in answers):
        return _finish_with(answers, log, tools, retrieval)
    if last.tool_calls and len(replies) < MAX_ROUNDS:
        return CallModel()
    return Finish(last.text, coverage, last.finish)


def _finish_with(
    answers: Sequence[ToolResult], log: Log, tools: Mapping[str, ToolSpec], retrieval: Retrieval | None
) -> Finish:
    """The end of a run whose calls gave answers that stand by themselves.

    If no other GPT that was asked had an answer, the run's own files have the last word.
    """
    asked = {step.call_id: step.name for step in log if isinstance(step, Delegation)}
    asked |= {answer.call_id: tools[answer.name].title for answer in answers if _asks_elsewhere(answer, tools)}
    told = [(asked.get(answer.call_id, ""), answer.shown) for answer in answers if answer.shown]
    several = len(answers) > 1 and all(name for name, _ in told)
    text = listed_answers(told) if several else "\n\n".join(shown for _, shown in told)
    in_vain = all(_asks(answer, tools) and not answer.ok for answer in answers)
    if in_vain and retrieval and retrieval.extract:
        return Finish(f"{text}\n\n{retrieval.extract}", "covered")
    return Finish(text, "covered" if any(answer.passages for answer in answers) else "no_knowledge")


def _asks_elsewhere(answer: ToolResult, tools: Mapping[str, ToolSpec]) -> bool:
    """Whether it is from an agent elsewhere, of whose asking no delegation tells."""
    return answer.name in tools and tools[answer.name].is_delegation and tools[answer.name].reach != "gpt"


def _asks(answer: ToolResult, tools: Mapping[str, ToolSpec]) -> bool:
    return bool(answer.run_id) or (answer.name in tools and tools[answer.name].is_delegation)


def _decide_calls(
    calls: Sequence[ToolCall],
    log: Log,
    tools: Mapping[str, ToolSpec],
    history: Sequence[Log],
    circumstances: Circumstances,
) -> Decision:
    """What to do about the first of `calls` that no other GPT is at; those after it of its kind go along with it."""
    asked = {step.call_id for step in log if isinstance(step, Delegation)}
    decisions = [
        _decide_call(call, log, tools, history, circumstances) for call in calls if call.call_id not in asked
    ]
    match decisions[:1]:
        case []:
            return Wait()
        case [Delegate()]:
            return Delegate(tuple(call for each in decisions if isinstance(each, Delegate) for call in each.calls))
        case [RunTools(announce=False) as first]:
            return RunTools(_together(first, decisions, tools), announce=False)
    return decisions[0]


def _together(first: RunTools, decisions: Sequence[Decision], tools: Mapping[str, ToolSpec]) -> tuple[ToolCall, ...]:
    """The calls that only read and run on the same workers as `first`."""
    gpu = tools[first.calls[0].name].gpu
    reads = [each.calls[0] for each in decisions if isinstance(each, RunTools) and not each.announce]
    return tuple(call for call in reads if tools[call.name].gpu == gpu)


def _decide_call(
    call: ToolCall,
    log: Log,
    tools: Mapping[str, ToolSpec],
    history: Sequence[Log],
    circumstances: Circumstances,
) -> Decision:
    tool = tools.get(call.name)
    if tool is None:
        return RejectCall(call, f"There is no tool named {call.name}.")
    if any(isinstance(step, ToolStarted) and step.call_id == call.call_id for step in log):
        return RejectCall(call, INTERRUPTED)
    answer = _answer_about(call, log)
    if answer and not answer.allowed:
        return RejectCall(call, EXPIRED if answer.expired else DECLINED)
    verdict = check(call, tool, context_of(history, log), circumstances.standing)
    if isinstance(verdict, Refuse):
        return RejectCall(call, verdict.reason)
    if call.name in circumstances.sign_in:
        return AskApproval(call, Ask(SIGN_IN), circumstances.sign_in[call.name])
    if isinstance(verdict, Ask) and not (answer and answer.digest == call_digest(call)):
        return AskApproval(call, verdict)
    if tool.reach == "gpt":
        return Delegate((call,))
    return RunTools((call,), announce=tool.effect == "write")


def _answer_about(call: ToolCall, log: Log) -> Approval | None:
    """The person's last answer about the call itself, or a refusal to sign in for it."""
    requests = {step.call_id: step for step in log if isinstance(step, ApprovalRequest)}
    answers = [step for step in log if isinstance(step, Approval) and step.call_id == call.call_id]
    if not answers or (answers[-1].allowed and requests[call.call_id].sign_in):
        return None
    return answers[-1]
