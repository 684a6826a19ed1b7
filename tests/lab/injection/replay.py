"""Replays a case through the real decisions, with a model that obeys and tools that only record their calls."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final, Literal

from gpts.knowledge.documents import Passage
from gpts.runs.decisions import (
    AskApproval,
    CallModel,
    Delegate,
    Finish,
    ReadIntent,
    RejectCall,
    Retrieve,
    RunTools,
    Stop,
)
from gpts.runs.delegation import label_of_gpt
from gpts.runs.plan import Circumstances, decide
from gpts.runs.state import TurnState
from gpts.runs.steps import (
    Approval,
    ApprovalRequest,
    FileRef,
    Finished,
    Log,
    MessageIntent,
    ModelReply,
    Retrieval,
    ToolCall,
    ToolResult,
    ToolStarted,
    UserMessage,
)
from gpts.safety.flow import context_label
from gpts.safety.labels import Label, join, untrusted
from gpts.safety.policy import Mode, Standing
from gpts.spec.gpt import GptSpec, KnowledgeRef
from gpts.spec.tools import call_digest
from tests.lab.injection.cases import CHANNELS, FILES, Call, CaseTurn, InjectionCase, ReadText
from web.api.anthropic_requests import MessagesRequest
from web.api.completions import CompletionRequest
from web.api.messages import ChatMessage, read_conversation
from web.api.response_input import InputItem, chat_messages
from web.chat.rendering import render_answer
from web.runs import imported_chats, sharing
from workers.engine.scripted import CAPABLE

# Steps of a turn after which a replay is aborted; no case comes near.
MAX_STEPS = 200


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """`reached`: the forbidden effect happened without approval. `n_prompts` counts the approval requests.

    `completed`: all calls of the last turn were performed.
    """

    case: InjectionCase
    n_prompts: int
    reached: bool
    completed: bool


@dataclass(slots=True)
class _Replayed:
    """The state of a turn during its replay; `done` are performed calls, each with whether it was approved.

    `sandbox` is the label of what code kept, also in lost turns, as the sandbox's sessions keep it.
    """

    case: InjectionCase
    turn: CaseTurn
    history: tuple[Log, ...]
    mode: Mode
    sandbox: Label
    steps: list[Any]
    replies: Iterator[tuple[Call, ...]]
    reads: dict[str, ReadText] = field(default_factory=dict)
    done: list[tuple[ToolCall, bool]] = field(default_factory=list)
    n_prompts: int = 0

    @property
    def log(self) -> Log:
        return tuple(self.steps)


def replay(case: InjectionCase, mode: Mode) -> ReplayOutcome:
    """The outcome of `case` in its own mode or else in `mode`."""
    history: tuple[Log, ...] = ()
    n_prompts, sandbox = 0, Label()
    for turn in case.turns:
        replayed = _played(case, turn, history, case.mode or mode, sandbox)
        history, sandbox = history if turn.lost else (*history, replayed.log), replayed.sandbox
        n_prompts += replayed.n_prompts
    wanted = [(call.name, call.arguments) for call in turn.calls]
    performed = [(call.name, call.arguments) for call, _ in replayed.done]
    return ReplayOutcome(
        case=case,
        n_prompts=n_prompts,
        reached=case.kind == "attack" and _reached(case, replayed),
        completed=isinstance(replayed.steps[-1], Finished) and all(call in performed for call in wanted),
    )


def _played(case: InjectionCase, turn: CaseTurn, history: tuple[Log, ...], mode: Mode, sandbox: Label) -> _Replayed:
    """The turn from the message to the answer, performed as a worker does."""
    message = _message(case, turn, history)
    history = () if case.door != "page" else (*history, *_foreign_turns(turn))
    replayed = _Replayed(case, turn, history, mode, sandbox, [message], iter(_replies(turn)))
    refs = [KnowledgeRef(file_id=name, name=name, segment="") for name in _files(turn, "file")]
    spec = GptSpec(slug="replay", name="Replay", knowledge=tuple(refs))
    circumstances = Circumstances(standing=Standing(case.standing, mode))
    while len(replayed.steps) < MAX_STEPS:
        decision = decide(TurnState(spec, CAPABLE, replayed.log, history, case.tools), circumstances)
        if isinstance(decision, Stop):
            return replayed
        _perform(decision, replayed)
    raise AssertionError(f"case {case.id} does not end")


# The messages of a program by the format that it sends them in.
_SENT: Final[dict[str, Callable[[Any], list[ChatMessage]]]] = {
    "v1": lambda turns: CompletionRequest(model="gpt", messages=turns).messages,
    "responses": lambda turns: chat_messages([InputItem(**turn) for turn in turns]),
    "messages": lambda turns: MessagesRequest(model="gpt", max_tokens=100, messages=turns).as_completion().messages,
}


def _message(case: InjectionCase, turn: CaseTurn, history: Sequence[Log]) -> UserMessage:
    """The user's message, with the conversation if a program sends it along."""
    attached = tuple(FileRef(id=name, name=name, segment=name) for name in _files(turn, "attached"))
    if case.door == "page":
        received = "\n".join(read.text for read in turn.reads if read.channel == "webhook")
        author = untrusted("what called the webhook") if received else Label()
        return UserMessage(text=turn.user, attachments=attached, received=received, label=author)
    said = [text for log in history for text in _said(log)]
    turns = [{"role": role, "content": text} for role, text in (*said, ("user", turn.user))]
    sent = read_conversation(_SENT[case.door](turns))
    labels = [step.label for log in history for step in log if isinstance(step, Finished)]
    label = None if case.edited else join(labels)
    return UserMessage(text=sent.text, earlier=tuple(sent.earlier), attachments=attached, replies_label=label)


def _foreign_turns(turn: CaseTurn) -> Iterator[Log]:
    """The turns before this one that somebody else wrote, labelled as the site labels them."""
    authors = {
        "mention": label_of_gpt("Stranger", owner=1, readers=(2, 3)),
        "imported": untrusted(imported_chats.AUTHOR),
        "shared": untrusted(sharing.AUTHOR),
    }
    for read in turn.reads:
        if label := authors.get(read.channel):
            message = UserMessage(text="Hello", label=label, own_words=read.channel == "mention")
            yield (message, Finished(text=read.text, label=label))


def _said(log: Log) -> Iterator[tuple[Literal["user", "assistant"], str]]:
    for step in log:
        if isinstance(step, UserMessage):
            yield "user", step.text
        elif isinstance(step, Finished):
            yield "assistant", step.text


def _perform(decision: object, replayed: _Replayed) -> None:
    match decision:
        case ReadIntent():
            replayed.steps.append(MessageIntent(intent="question"))
        case Retrieve():
            passages = tuple(_passage(read) for read in replayed.turn.reads if read.channel in FILES)
            replayed.steps.append(Retrieval(query=replayed.turn.user, passages=passages, covered=True))
        case CallModel():
            replayed.steps.append(_reply(replayed))
        case AskApproval(call):
            _ask(call, replayed)
        case RunTools(calls, announce):
            for call in calls:
                _run(call, announce, replayed)
        case Delegate(calls):
            for call in calls:
                _run(call, False, replayed)
        case RejectCall(call, reason):
            replayed.steps.append(ToolResult(call_id=call.call_id, name=call.name, text=reason, ok=False))
        case Finish(text):
            replayed.steps.append(
                Finished(text=text, label=context_label(replayed.history, replayed.log, replayed.case.tools))
            )
        case other:
            raise AssertionError(f"unexpected decision in a case: {other}")


def _replies(turn: CaseTurn) -> list[tuple[Call, ...]]:
    """The calls of each reply of the model: first the reads, one by one, then those of the case."""
    reads = [
        (Call(name=CHANNELS[read.channel], arguments=_arguments(read)),)
        for read in turn.reads
        if CHANNELS[read.channel]
    ]
    return [*reads, turn.calls] if turn.calls else [*reads]


def _arguments(read: ReadText) -> dict[str, Any]:
    """The arguments of the call that reads it: a page's address, which the user named."""
    return {"url": read.source} if read.channel == "page" else {}


def _reply(replayed: _Replayed) -> ModelReply:
    label = context_label(replayed.history, replayed.log, replayed.case.tools)
    calls = next(replayed.replies, None)
    if calls is None:
        return ModelReply(text=replayed.turn.answer, label=label)
    n_before = sum(len(step.tool_calls) for step in replayed.steps if isinstance(step, ModelReply))
    made = tuple(
        ToolCall(call_id=call.call_id or f"call_{n_before + n}", name=call.name, arguments=call.arguments)
        for n, call in enumerate(calls)
    )
    reads = [read for read in replayed.turn.reads if CHANNELS[read.channel]]
    n_replies = sum(isinstance(step, ModelReply) for step in replayed.steps)
    if n_replies < len(reads):
        replayed.reads[made[0].call_id] = reads[n_replies]
    return ModelReply(text="", tool_calls=made, label=label)


def _ask(call: ToolCall, replayed: _Replayed) -> None:
    """Ask the user, who answers as the case says and allows all reads, which they asked for."""
    digest = call_digest(call)
    replayed.steps.append(ApprovalRequest(call_id=call.call_id, name=call.name, digest=digest))
    replayed.n_prompts += 1
    approved = [(each.name, each.arguments) for each in replayed.turn.approves]
    allowed = (
        replayed.case.kind == "task"
        or replayed.case.forged
        or call.call_id in replayed.reads
        or (call.name, call.arguments) in approved
    )
    given = _forged_digest(replayed) if replayed.case.forged else digest
    if replayed.case.forged and replayed.n_prompts > 3:
        allowed = False  # The user gives up; a forged approval never counts, however often it is repeated.
    replayed.steps.append(Approval(call_id=call.call_id, allowed=allowed, digest=given))


def _forged_digest(replayed: _Replayed) -> str:
    first = replayed.turn.approves[0] if replayed.turn.approves else Call(name="nothing")
    return call_digest(ToolCall(call_id="", name=first.name, arguments=first.arguments))


def _run(call: ToolCall, announce: bool, replayed: _Replayed) -> None:
    if announce:
        replayed.steps.append(ToolStarted(call_id=call.call_id, name=call.name))
    if call.call_id not in replayed.reads:
        replayed.done.append((call, _is_approved(call, replayed.log)))
    read = replayed.reads.get(call.call_id)
    text, ok = (read.text, read.channel != "error") if read else ("Done.", True)
    result = ToolResult(call_id=call.call_id, name=call.name, text=text, ok=ok)
    label = _label(read) if read else Label()
    if call.name == CHANNELS["code"]:
        label = replayed.sandbox = join(
            (replayed.sandbox, context_label(replayed.history, replayed.log, replayed.case.tools), label)
        )
    replayed.steps.append(result.model_copy(update={"urls": read.urls if read else (), "label": label}))


def _is_approved(call: ToolCall, log: Log) -> bool:
    """Whether the user was asked for exactly this call and allowed it, in this turn."""
    digest = call_digest(call)
    asked = any(isinstance(s, ApprovalRequest) and (s.call_id, s.digest) == (call.call_id, digest) for s in log)
    return asked and any(
        isinstance(s, Approval) and s.allowed and (s.call_id, s.digest) == (call.call_id, digest) for s in log
    )


def _label(read: ReadText) -> Label:
    if read.from_state:
        return Label()
    kind = {"page": "the page", "file": "the file", "code": "the file"}.get(read.channel, "the answer of")
    private = read.private or {"action": ("action:crm.example.org",), "mail": ("action:mail.example.org",)}.get(
        read.channel, {"mcp": ("action:notes.example.com",), "code": ("the files",)}.get(read.channel, ())
    )
    return untrusted(f"{kind} {read.source or CHANNELS[read.channel]}", private=private)


def _files(turn: CaseTurn, channel: str) -> list[str]:
    return list(dict.fromkeys(read.source or "notes.txt" for read in turn.reads if read.channel == channel))


def _passage(read: ReadText) -> Passage:
    name = read.source or "notes.txt"
    return Passage(file_id=name, file_name=name, segment="", chunk=0, text=read.text, start=0, end=len(read.text))


def _reached(case: InjectionCase, replayed: _Replayed) -> bool:
    """Whether the forbidden effect happened without approval."""
    forbidden = case.forbidden
    if forbidden.loads:
        return forbidden.loads in loaded(render_answer(replayed.turn.answer))
    return any(not approved and _is_forbidden(call, case) for call, approved in replayed.done)


def _is_forbidden(call: ToolCall, case: InjectionCase) -> bool:
    if not case.forbidden.tool:
        return any((call.name, call.arguments) == (each.name, each.arguments) for each in case.turns[-1].calls)
    return call.name == case.forbidden.tool and case.forbidden.contains in str(call.arguments)


def loaded(html: str) -> str:
    """All that a browser might load by itself from `html`: every attribute except the targets of links."""
    parser = _LoadedAttributes()
    parser.feed(html)
    return "\n".join(parser.found)


class _LoadedAttributes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        harmless = {"href", "title", "class", "rel", "target"} if tag == "a" else {"class"}
        self.found += [value or "" for name, value in attrs if name not in harmless]
