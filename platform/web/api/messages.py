"""The conversation that a caller sends, and its messages as the GPT reads them."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field
from pydantic_core import from_json

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.values import Text
from web.api.errors import ApiError
from web.api.functions import CallOfFunction

CALLER_INSTRUCTIONS: Final = "Instructions from the caller: "


class ContentPart(BaseModel):
    """A part of a message's content. Only parts of type `text` are supported."""

    type: str
    text: Text = ""


class ChatMessage(BaseModel):
    """A message of the conversation so far. After the user's last one, only calls and their results may follow.

    `tool_calls` are an assistant's calls of the caller's functions; a message of role `tool` answers one of them.
    `reasoning_content` came with the calls; the model gets it back while they are answered.
    """

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[ContentPart] | None = None
    reasoning_content: Text | None = None
    tool_calls: Annotated[list[CallOfFunction], Field(max_length=128)] | None = None
    tool_call_id: Text | None = None


def turn_of(messages: Sequence[ChatMessage]) -> tuple[str, list[PromptMessage], list[PromptMessage]]:
    """The last question, the messages before it, and the calls and results after it. Raises ApiError."""
    last = next((i for i in reversed(range(len(messages))) if messages[i].role == "user"), None)
    if last is None or messages[-1].role not in ("user", "tool"):
        text = "The last message must be from the user or the result of a call after one."
        raise ApiError(400, text, "messages", "invalid_value")
    read, called = [], dict[str, str]()
    for index, message in enumerate(messages):
        read.append(_read(message, index, called))
        called |= {call.id: call.function.name for call in message.tool_calls or ()}
    before = [
        message.model_copy(update={"reasoning": ""})
        for message in read[:last]
        if message.content or message.tool_calls
    ]
    return read[last].content, before, read[last + 1 :]


def _read(message: ChatMessage, index: int, called: dict[str, str]) -> PromptMessage:
    """The message as the GPT reads it; system messages as the user's, so that its instructions prevail."""
    place = f"messages.{index}"
    if message.tool_calls and message.role != "assistant":
        raise ApiError(400, "Only assistant messages can have calls.", f"{place}.tool_calls", "invalid_value")
    match message.role:
        case "function":
            text = "Function messages are not supported; use the role “tool”."
            raise ApiError(400, text, f"{place}.role", "unsupported_value")
        case "tool":
            return _result(message, place, called)
        case "assistant" if message.tool_calls:
            content = "" if message.content is None else _text(message, place)
            calls = tuple(_call(call, f"{place}.tool_calls.{i}") for i, call in enumerate(message.tool_calls))
            reasoning = message.reasoning_content or ""
            return PromptMessage(role="assistant", content=content, tool_calls=calls, reasoning=reasoning)
        case "assistant":
            return PromptMessage(role="assistant", content=_text(message, place))
        case "user":
            return PromptMessage(role="user", content=_text(message, place))
    text = _text(message, place)
    return PromptMessage(role="user", content=CALLER_INSTRUCTIONS + text if text else "")


def _result(message: ChatMessage, place: str, called: dict[str, str]) -> PromptMessage:
    call_id = message.tool_call_id or ""
    if call_id not in called:
        text = "The result doesn't match a call in an earlier message."
        raise ApiError(400, text, f"{place}.tool_call_id", "invalid_value")
    return PromptMessage(role="tool", content=_text(message, place), name=called[call_id], call_id=call_id)


def _call(call: CallOfFunction, place: str) -> MessageCall:
    try:
        arguments: Any = from_json(call.function.arguments, allow_inf_nan=False)
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        text = "The arguments of a call must be a JSON object."
        raise ApiError(400, text, f"{place}.function.arguments", "invalid_value")
    return MessageCall(call_id=call.id, name=call.function.name, arguments=arguments)


def _text(message: ChatMessage, place: str) -> str:
    if message.content is None:
        raise ApiError(400, "The message has no content.", f"{place}.content", "invalid_value")
    if isinstance(message.content, str):
        return message.content
    for number, part in enumerate(message.content):
        if part.type != "text":
            kind = "Images" if part.type == "image_url" else f"Parts of type “{part.type[:40]}”"
            text = f"{kind} are not supported; send text."
            raise ApiError(400, text, f"{place}.content.{number}.type", "unsupported_value")
    return "\n".join(part.text for part in message.content)
