"""Choosing a tool and writing its arguments, for models that cannot be trusted to do it by themselves."""

import json
import logging
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from gpts.runs.delegation import ASK_STORE
from gpts.runs.messages import Message
from gpts.runs.prompt import call_request
from gpts.runs.queries import retrieval_query
from gpts.runs.steps import Cancelled, Finished, Log, ModelReply, Part, ToolCall, ToolChoice, ToolResult, UserMessage
from gpts.safety.flow import context_label
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError, GenerationRequest, Grammar, GrammarError, Sampling
from workers.runs.answering import Runtime, Show, TurnState, fit_prompt
from workers.runs.reply import Reply
from workers.sandbox.folders import safe_name
from workers.smallmodel.arguments.ready import ready_arguments
from workers.smallmodel.routing.candidates import Candidate, Choice, candidate_of, candidate_of_gpt
from workers.smallmodel.routing.router import Router

logger = logging.getLogger(__name__)

# Arguments of one call, in tokens.
MAX_CALL_TOKENS: Final = 512
# GPTs of the store that are ranked, and the best of them among which the choice is made.
STORE_NEAREST: Final = 40
STORE_CHOSEN: Final = 12
CODE: Final = "code_interpreter"
NOT_WRITTEN: Final = "“{title}” needs details that could not be filled in from this message. Say them one by one."


def tool_choice(turn: TurnState, runtime: Runtime) -> ToolChoice:
    """The tool that the conversation asks for now, or the GPTs among which its work divides, if any."""
    if CODE in turn.tools and _ready(turn, turn.tools[CODE]):
        return ToolChoice(name=CODE, score=1.0)  # a sum is a sum, whatever it looks like to the router
    if runtime.router is None:
        return ToolChoice()
    said = [(message.role, message.content) for message in _conversation(turn)]
    own = [candidate_of(tool) for tool in turn.tools.values() if not tool.is_delegation]
    asked = choose_delegate(turn, runtime.router, said)
    if not own:
        return asked
    tool = runtime.router.choose(said, own)
    if asked.parts or (asked.name and not (tool.name and tool.score > asked.score)):
        return asked
    return ToolChoice(name=tool.name, score=tool.score)


def choose_delegate(turn: TurnState, router: Router, said: Sequence[tuple[str, str]]) -> ToolChoice:
    """The tool that asks the GPT which the last of what was `said` is for, or its parts for several; or neither.

    The store is looked into where no delegate fits.
    """
    others = [
        candidate_of_gpt(tool.name, tool.title, tool.description, tool.when, tool.examples)
        for tool in turn.tools.values()
        if tool.is_delegation and tool.name != ASK_STORE
    ]
    if len(others) > 1 and (parts := router.divide(said, others)):
        return ToolChoice(score=1.0, parts=tuple(Part(name=name, task=task) for name, task in parts))
    chosen = router.choose_gpt(said, others) if others else Choice("", 0.0)
    if chosen.name or ASK_STORE not in turn.tools:
        return ToolChoice(name=chosen.name, score=chosen.score)
    if slug := in_store(router, said, turn.store()):
        return ToolChoice(score=1.0, parts=(Part(name=ASK_STORE, task=_task(turn), gpt=slug),))
    return ToolChoice(score=chosen.score)


def in_store(router: Router, said: Sequence[tuple[str, str]], candidates: Sequence[Candidate]) -> str:
    """The slug of the candidate that the last of what was `said` is for; empty for none."""
    message = said[-1][1]
    near = router.nearest(message, candidates, STORE_NEAREST)
    best = {each.name for each in router.rank_gpts(message, near, STORE_CHOSEN)}
    return router.choose_gpt(said, [each for each in near if each.name in best]).name if best else ""


def delegating_reply(turn: TurnState, parts: Sequence[Part]) -> ModelReply:
    """The calls that ask other GPTs for the parts of the question."""
    calls = tuple(
        ToolCall(
            call_id=f"call_{turn.n_calls() + n}",
            name=part.name,
            arguments={"task": part.task} | ({"gpt": part.gpt} if part.gpt else {}),
        )
        for n, part in enumerate(parts)
    )
    return ModelReply(text="", tool_calls=calls, label=context_label(turn.history, turn.steps))


def _task(turn: TurnState) -> str:
    """The question so that it can be understood without the conversation."""
    return retrieval_query(turn.history, turn.steps)


def call_reply(turn: TurnState, runtime: Runtime, tool: ToolSpec, check: Show) -> ModelReply:
    """A call of `tool`: with arguments read off the question where that is certain, else written under its schema.

    `check` is called with every token, which is nobody's to read, and may raise to stop. Raises EngineError.
    """
    label = context_label(turn.history, turn.steps)
    ready = _ready(turn, tool, runtime.quotes)
    if ready is not None:
        return ModelReply(text="", tool_calls=(_call(turn, tool, ready),), label=label)
    messages, n_tokens = fit_prompt(turn, runtime.engine, MAX_CALL_TOKENS, (call_request(tool),))
    request = GenerationRequest(
        messages=messages,
        max_tokens=MAX_CALL_TOKENS,
        sampling=Sampling(temperature=0.0),
        deadline_s=runtime.deadline_s,
        grammar=Grammar(json_schema=tool.parameters),
    )
    reply = Reply(n_tokens)
    try:
        with closing(runtime.engine.stream(request)) as tokens:
            for token in tokens:
                check(reply.take(token))
    except GrammarError as error:
        logger.warning("no call of %s was written: %s", tool.name, error)
        return ModelReply(text=NOT_WRITTEN.format(title=tool.title or tool.name), label=label)
    written = reply.step(0)
    if written.finish == "deadline":
        raise EngineError("The arguments of a call were not written in time.")
    call = _call(turn, tool, json.loads(written.text))
    return written.model_copy(update={"text": "", "tool_calls": (call,), "label": label})


def _ready(turn: TurnState, tool: ToolSpec, quotes: bool = False) -> dict[str, Any] | None:
    if tool.is_delegation:  # a capable model words the task itself
        return {"task": _task(turn)} if quotes else None
    return ready_arguments(tool, turn.question(), _earlier_questions(turn), _file_names(turn))


def _call(turn: TurnState, tool: ToolSpec, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(call_id=f"call_{turn.n_calls()}", name=tool.name, arguments=arguments)


def _conversation(turn: TurnState) -> tuple[Message, ...]:
    """What was said so far, without instructions and passages; a call of a tool counts as something said."""
    return tuple(message for log in (*turn.history, turn.steps) for message in _said(log))


def _said(log: Log) -> list[Message]:
    said: list[Message] = []
    for step in log:
        match step:
            case UserMessage():
                said += [*step.earlier, Message(role="user", content=step.text)]
            case ModelReply(tool_calls=calls) if calls:
                said.append(Message(role="assistant", content=f"[{', '.join(call.name for call in calls)}]"))
            case Finished() | Cancelled():
                said.append(Message(role="assistant", content=step.text))
    return said


def _earlier_questions(turn: TurnState) -> list[str]:
    return [message.content for message in _conversation(turn)[:-1] if message.role == "user"]


def _file_names(turn: TurnState) -> list[str]:
    """The files that code may read, as it finds them, newest first: attached and made ones, then the GPT's own."""
    names = [ref.name for ref in turn.spec.knowledge]
    for log in (*turn.history, turn.steps):
        for step in log:
            if isinstance(step, UserMessage):
                names += [file.name for file in step.attachments]
            elif isinstance(step, ToolResult):
                names += [file.name for file in step.files]
    found: list[str] = []
    for name in dict.fromkeys(names):
        found.append(safe_name(name, set(found)))
    return found[::-1]
