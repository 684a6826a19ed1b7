"""Choosing a tool and writing its arguments, for models that cannot be trusted to do it by themselves."""

import json
import logging
from contextlib import closing
from typing import Any, Final

from gpts.messages import Message
from gpts.prompt import call_request
from gpts.ready_arguments import ready_arguments
from gpts.safety.flow import context_label
from gpts.steps import Cancelled, Finished, Log, ModelReply, ToolCall, ToolChoice, ToolResult, UserMessage
from gpts.tools import ToolSpec
from workers.answering import Hands, Show, Talk, fit_prompt
from workers.engine.base import EngineError, GenerationRequest, Grammar, GrammarError, Sampling
from workers.reply import Reply
from workers.routing.candidates import candidate_of
from workers.sandbox.folders import safe_name

logger = logging.getLogger(__name__)

# Arguments of one call, in tokens.
MAX_CALL_TOKENS: Final = 512
CODE: Final = "code_interpreter"
NOT_WRITTEN: Final = "“{title}” needs details that could not be filled in from this message. Say them one by one."


def tool_choice(talk: Talk, hands: Hands) -> ToolChoice:
    """The tool that the conversation asks for now, if any."""
    if CODE in talk.tools and _ready(talk, talk.tools[CODE]):
        return ToolChoice(name=CODE, score=1.0)  # a sum is a sum, whatever it looks like to the router
    if hands.router is None:
        return ToolChoice()
    said = [(message.role, message.content) for message in _conversation(talk)]
    choice = hands.router.choose(said, [candidate_of(tool) for tool in talk.tools.values()])
    return ToolChoice(name=choice.name, score=choice.score)


def call_reply(talk: Talk, hands: Hands, tool: ToolSpec, check: Show) -> ModelReply:
    """A call of `tool`: with arguments read off the question where that is certain, else written under its schema.

    `check` is called with every token, which is nobody's to read, and may raise to stop. Raises EngineError.
    """
    label = context_label(talk.history, talk.steps)
    ready = _ready(talk, tool)
    if ready is not None:
        return ModelReply(text="", tool_calls=(_call(talk, tool, ready),), label=label)
    messages, n_tokens = fit_prompt(talk, hands.engine, MAX_CALL_TOKENS, (call_request(tool),))
    request = GenerationRequest(
        messages=messages,
        max_tokens=MAX_CALL_TOKENS,
        sampling=Sampling(temperature=0.0),
        deadline_s=hands.deadline_s,
        grammar=Grammar(json_schema=tool.parameters),
    )
    reply = Reply(n_tokens)
    try:
        with closing(hands.engine.stream(request)) as tokens:
            for token in tokens:
                check(reply.take(token))
    except GrammarError as error:
        logger.warning("no call of %s was written: %s", tool.name, error)
        return ModelReply(text=NOT_WRITTEN.format(title=tool.title or tool.name), label=label)
    written = reply.step(0)
    if written.finish == "deadline":
        raise EngineError("The arguments of a call were not written in time.")
    call = _call(talk, tool, json.loads(written.text))
    return written.model_copy(update={"text": "", "tool_calls": (call,), "label": label})


def _ready(talk: Talk, tool: ToolSpec) -> dict[str, Any] | None:
    return ready_arguments(tool, talk.question(), _earlier_questions(talk), _file_names(talk))


def _call(talk: Talk, tool: ToolSpec, arguments: dict[str, Any]) -> ToolCall:
    return ToolCall(call_id=f"call_{talk.n_calls()}", name=tool.name, arguments=arguments)


def _conversation(talk: Talk) -> tuple[Message, ...]:
    """What was said so far, without instructions and passages; a call of a tool counts as something said."""
    return tuple(message for log in (*talk.history, talk.steps) for message in _said(log))


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


def _earlier_questions(talk: Talk) -> list[str]:
    return [message.content for message in _conversation(talk)[:-1] if message.role == "user"]


def _file_names(talk: Talk) -> list[str]:
    """The files that code may read, as it finds them, newest first: attached and made ones, then the GPT's own."""
    names = [ref.name for ref in talk.spec.knowledge]
    for log in (*talk.history, talk.steps):
        for step in log:
            if isinstance(step, UserMessage):
                names += [file.name for file in step.attachments]
            elif isinstance(step, ToolResult):
                names += [file.name for file in step.files]
    found: list[str] = []
    for name in dict.fromkeys(names):
        found.append(safe_name(name, set(found)))
    return found[::-1]
