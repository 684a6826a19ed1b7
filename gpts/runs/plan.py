"""Decides what happens next in a run: a pure function of the GPT and the log. No clock, database or randomness."""

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
    ReadFiles,
    ReadIntent,
    ReadPart,
    RejectCall,
    Retrieve,
    RunTools,
    ShowResults,
    Stop,
    Wait,
    WriteCall,
)
from gpts.runs.delegation import ASK_STORE
from gpts.runs.file_calls import unknown_files
from gpts.runs.form_requests import FormRefused, read_arguments
from gpts.runs.queries import retrieval_query
from gpts.runs.state import MAX_ROUNDS, TurnState
from gpts.runs.status import pending_approvals
from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    Cancelled,
    Coverage,
    DelegatedPart,
    Delegation,
    Error,
    Finished,
    Log,
    ModelReply,
    Retrieval,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolStarted,
)
from gpts.safety.policy import Ask, Refuse, Standing, check, context_of
from gpts.spec.file_tools import FILE_TOOLS, SEARCH_FILES
from gpts.spec.tools import ToolSpec, call_digest

INTERRUPTED: Final = "Interrupted: the worker stopped while this ran. It may or may not have taken effect."
REPEATED: Final = "You made this exact call before in this turn. Its result is above: answer with it."
WRONG: Final = "This call was not made: {problem}. Make it again with the right arguments, or answer without it."
NO_CALLS: Final = "No functions can be called in this answer. Answer in words, with what you know."
DECLINED: Final = "The user declined this call."
NOT_ANSWERED: Final = "The user doesn't want to answer this. Don't ask again; go on without it."
DISMISSED: Final = "The user closed the form without answering. Don't ask again; go on without it."
EXPIRED: Final = "This call wasn't made: the approval request expired."
CALL_TOO_LONG: Final = (
    "The call that the model wrote was longer than the {n} tokens it had room for, so it was not made. Ask for less "
    "at once, or start a new chat, which leaves more room."
)
SIGN_IN: Final = "It acts on your behalf there."
# Router score from which the question names the tool itself ("search the web for …").
EXPLICIT_SCORE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Facts outside the log that a decision depends on.

    `standing` holds the person's standing permissions; `sign_in` gives the host at which they must sign in before a
    tool can be used.
    """

    standing: Standing = field(default_factory=Standing)
    sign_in: Mapping[str, str] = field(default_factory=dict)


def decide(state: TurnState, circumstances: Circumstances = Circumstances()) -> Decision:
    """The next decision for the run in this state.

    If `state.ability` rules out a part of the work for the model, the decision is one of `decisions.Assisted`.
    """
    log = state.steps
    if not log or isinstance(log[-1], Finished | Cancelled | Error):
        return Stop()
    if pending := pending_approvals(log):
        return _lost_form(pending, state) or Wait()
    if _needs_intent(state):
        return ReadIntent()
    intent = state.intent()
    if intent and intent.answer:
        return Finish(intent.answer, "no_knowledge")
    # A model that searches by calls gets nothing before but what is part of its prompt.
    if state.files() and state.retrieval() is None and (state.whole_files or not state.has_search):
        writes = state.ability.writes_from_sources
        if intent and intent.intent == "whole_files":
            return ReadPart() if writes else ReadFiles()
        return Retrieve(extracts=not writes)
    if not any(isinstance(step, ModelReply) for step in log):
        return _begin(state)
    return _after_reply(state, circumstances)


def queue_of(decision: Decision, tools: Mapping[str, ToolSpec]) -> Queue | None:
    """The queue whose workers perform `decision`; None if any queue will do."""
    match decision:
        case RunTools(calls):
            return "model" if any(tools[call.name].gpu for call in calls) else "tools"
        case Retrieve() | CallModel() | Delegate() | Finish():
            return "model"
        case ReadIntent() | ReadFiles() | ReadPart() | ChooseTool() | WriteCall() | ShowResults():
            return "model"
        case DelegateParts() | AskApproval() | RejectCall() | GiveUp() | Wait() | Stop():
            return None


def coverage_of(state: TurnState) -> Coverage:
    """Whether the files cover the question of this turn."""
    found = [step for step in state.steps if isinstance(step, Retrieval)]
    if not found:
        return "no_knowledge"
    return "covered" if any(step.covered for step in found) else "not_covered"


def _needs_intent(state: TurnState) -> bool:
    """Whether it must be known what a new message asks for: to search or read files, or as the model can't write."""
    first = state.user_message()
    is_new = len(state.steps) == 1 and not first.later and not first.is_side_task
    if state.ability.writes_from_sources:
        return is_new and not state.has_search and bool(state.long_files()) and not state.goes_on()
    return is_new and first.overrides.answer_schema is None and not state.demanded_tools()


def _begin(state: TurnState) -> Decision:
    """The first step of a turn: call all delegates, use the router for a weak model, or call the model."""
    message = state.user_message()
    others = [name for name, tool in state.tools.items() if tool.is_delegation and name != ASK_STORE]
    if state.spec.delegates_to_all and others and not message.later:
        task = retrieval_query(state.history, state.steps)
        return DelegateParts(tuple(DelegatedPart(name=name, task=task) for name in others))
    if not state.ability.calls_tools and (assisted := _assist(state)):
        return assisted
    if state.demanded_tools() or message.overrides.answer_schema is not None or message.later:
        return CallModel()
    return CallModel() if state.ability.writes_from_sources else _without_writing(state)


def _without_writing(state: TurnState) -> Decision:
    """The answer of a model that cannot write any: the files' own sentences, or that there are none on this."""
    intent, retrieval, coverage = state.intent(), state.retrieval(), coverage_of(state)
    if retrieval and retrieval.extract:
        is_led = intent and intent.intent in ("rewrite", "whole_files")
        lead = intent.lead if intent and (is_led or not retrieval.covered) else ""
        # What may not answer is offered below that, and not as the answer.
        is_quoted = is_led or retrieval.covered
        return Finish(f"{lead}\n\n{retrieval.extract if is_quoted else ''}".strip(), coverage)
    if intent and intent.note:
        return Finish(intent.note, coverage if intent.intent == "question" else "no_knowledge")
    return Finish("", coverage) if retrieval else CallModel()


def _assist(state: TurnState) -> Decision | None:
    """The assisted step for a model that cannot choose tools; None if no tool is needed and it just answers."""
    demanded = state.demanded_tools()
    if len(demanded) == 1:
        return WriteCall(demanded[0].name)
    choice = next((step for step in state.steps if isinstance(step, ToolChoice)), None)
    # `later` holds results of an API caller's functions: the tool for this question was chosen in an earlier request.
    if choice is None:
        return ChooseTool() if state.tools and (demanded or not state.user_message().later) else None
    if choice.parts:
        return DelegateParts(choice.parts)
    return WriteCall(choice.name) if choice.name in state.tools and not _files_suffice(choice, state) else None


def _files_suffice(choice: ToolChoice, state: TurnState) -> bool:
    """Whether knowledge covers the question, so that a web or delegate call can be skipped unless it is explicit."""
    return (
        (state.tools[choice.name].reach in ("service", "address") or state.tools[choice.name].is_delegation)
        and choice.score < EXPLICIT_SCORE
        and coverage_of(state) == "covered"
    )


def _after_reply(state: TurnState, circumstances: Circumstances) -> Decision:
    log, tools = state.steps, state.tools
    replies = [step for step in log if isinstance(step, ModelReply)]
    last, results = replies[-1], {step.call_id: step for step in log if isinstance(step, ToolResult)}
    callers = tuple(call for call in last.tool_calls if call.name in tools and tools[call.name].of_caller)
    answered = results.keys() | {step.call_id for step in state.searches()}
    open_calls = [call for call in last.tool_calls if call.call_id not in answered and call not in callers]
    if last.ran_out and state.user_message().overrides.max_tokens is None:
        if state.n_ran_out() == 1:
            return CallModel()  # once more, with all the room that the context has
        if last.cut_call:
            return GiveUp(CALL_TOO_LONG.format(n=f"{last.completion_tokens:,}"))
    if open_calls:
        return _decide_calls(open_calls, state, circumstances)
    if callers:
        return Finish(last.text, coverage_of(state), "tool_calls", callers)
    # Tool results are plain text; an answer under the caller's schema must be written by the model.
    may_show = state.user_message().overrides.answer_schema is None
    if last.tool_calls and may_show and not state.ability.writes_from_sources:
        shown = [results[call.call_id].shown if call.call_id in results else None for call in last.tool_calls]
        if all(text is not None for text in shown):
            return ShowResults()
    if last.tool_calls and len(replies) <= MAX_ROUNDS:
        return CallModel()
    # The model wrote nothing about the results of its calls, or only printed another call.
    if may_show and not last.text and any(result.ok and result.shown for result in results.values()):
        return ShowResults()
    stop = state.user_message().overrides.stop
    stopped = last.stop_sequence if last.stop_sequence in stop else ""
    return Finish(last.text, coverage_of(state), last.finish, stop_sequence=stopped)


def _decide_calls(calls: Sequence[ToolCall], state: TurnState, circumstances: Circumstances) -> Decision:
    """The decision on the first of `calls` that is not delegated yet; later calls of the same kind join it."""
    delegated = {step.call_id for step in state.steps if isinstance(step, Delegation)}
    decisions = [_decide_call(call, state, circumstances) for call in calls if call.call_id not in delegated]
    match decisions[:1]:
        case []:
            return Wait()
        case [Delegate()]:
            return Delegate(tuple(call for each in decisions if isinstance(each, Delegate) for call in each.calls))
        case [RunTools(announce=False) as first]:
            return RunTools(_together(first, decisions, state.tools), announce=False)
    return decisions[0]


def _together(first: RunTools, decisions: Sequence[Decision], tools: Mapping[str, ToolSpec]) -> tuple[ToolCall, ...]:
    """The calls that only read and run on the same queue as `first`."""
    gpu = tools[first.calls[0].name].gpu
    reads = [each.calls[0] for each in decisions if isinstance(each, RunTools) and not each.announce]
    return tuple(call for call in reads if tools[call.name].gpu == gpu)


def _decide_call(call: ToolCall, state: TurnState, circumstances: Circumstances) -> Decision:
    log, tool = state.steps, state.tools.get(call.name)
    if tool is None:
        forbidden = {each.name for each in state.user_message().overrides.tools}
        return RejectCall(call, NO_CALLS if call.name in forbidden else f"There is no tool named {call.name}.")
    if call.problem:
        return RejectCall(call, WRONG.format(problem=call.problem))
    if any(isinstance(step, ToolStarted) and step.call_id == call.call_id for step in log):
        return RejectCall(call, INTERRUPTED)
    if tool.effect == "read" and _was_answered(call, log):
        return RejectCall(call, REPEATED)
    answer = _answer_about(call, log)
    if answer and not answer.allowed:
        return RejectCall(call, _why_not(answer, tool))
    if tool.asks_person and not answer:
        return _ask_person(call, state)
    verdict = check(call, tool, context_of(state.history, log, state.tools), circumstances.standing)
    if isinstance(verdict, Refuse):
        return RejectCall(call, verdict.reason)
    if call.name in circumstances.sign_in:
        return AskApproval(call, Ask(SIGN_IN), circumstances.sign_in[call.name])
    if isinstance(verdict, Ask) and not (answer and answer.digest == call_digest(call)):
        return AskApproval(call, verdict)
    if tool.reach == "gpt":
        return Delegate((call,))
    if tool.builtin in FILE_TOOLS:
        return _use_files(call, state)
    return RunTools((call,), announce=tool.effect == "write")


def _use_files(call: ToolCall, state: TurnState) -> Decision:
    """Searches or reads the files that the call names."""
    if unknown := unknown_files(call, state):
        return RejectCall(call, unknown)
    return Retrieve(call=call) if call.name == SEARCH_FILES else ReadPart(call)


def _lost_form(pending: Sequence[ApprovalRequest], state: TurnState) -> Decision | None:
    """Ends a call whose server asked for a form and whose worker died, so that nobody can take the answer to it."""
    started = {step.call_id for step in state.steps if isinstance(step, ToolStarted)}
    for request in pending:
        if request.form and request.call_id in started:
            return RejectCall(ToolCall(call_id=request.call_id, name=request.name, arguments={}), INTERRUPTED)
    return None


def _ask_person(call: ToolCall, state: TurnState) -> Decision:
    """Shows the form that the model asks for. It says whose text the run has read, which may have asked for it."""
    try:
        form = read_arguments(call.arguments)
    except FormRefused as refused:
        return RejectCall(call, str(refused))
    because = context_of(state.history, state.steps, state.tools).label.written_by
    return AskApproval(call, Ask("", because), form=form)


def _why_not(answer: Approval, tool: ToolSpec) -> str:
    if answer.expired:
        return EXPIRED
    if not tool.asks_person:
        return DECLINED
    return DISMISSED if answer.dismissed else NOT_ANSWERED


def _was_answered(call: ToolCall, log: Log) -> bool:
    """Whether an identical call earlier in this turn returned a result."""
    results = {
        step.call_id for step in log if isinstance(step, Retrieval) or (isinstance(step, ToolResult) and step.ok)
    }
    calls = (each for step in log if isinstance(step, ModelReply) for each in step.tool_calls)
    digest = call_digest(call)
    return any(each.call_id in results and call_digest(each) == digest for each in calls)


def _answer_about(call: ToolCall, log: Log) -> Approval | None:
    """The person's last answer about this exact call, or a declined sign-in for it."""
    requests = {step.call_id: step for step in log if isinstance(step, ApprovalRequest)}
    answers = [step for step in log if isinstance(step, Approval) and step.call_id == call.call_id]
    if not answers or (answers[-1].allowed and requests[call.call_id].sign_in):
        return None
    return answers[-1]
