"""The conversation that a caller sends, and its messages as the GPT reads them.

Agents send histories that no API would have made: results without calls, calls without results, arguments that are
no JSON, an answer that has only begun, or instructions alone. All of them are read; what cannot be is refused with
its place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field
from pydantic_core import from_json

from gpts.runs.messages import MessageCall, PromptMessage
from gpts.runs.side_tasks import is_side_task
from gpts.safety.invisible_characters import visible
from gpts.values import Text
from web.api.content_files import ContentFile, content_file
from web.api.errors import ApiError
from web.api.functions import CallOfFunction, LegacyCall

CALLER_INSTRUCTIONS: Final = "Instructions from the caller: "
NO_RESULT: Final = "(This call has no result.)"
# Coding agents put such texts before and after what a person wrote.
REMINDER: Final = ("<system-reminder>", "</system-reminder>")
# The name of a function of which only a result was sent.
UNNAMED: Final = "tool"


class ContentPart(BaseModel):
    """A part of a message's content: `text`, or an `image_url` or `file` as a data URL or by its id here."""

    type: str
    text: Text = ""
    refusal: Text = ""
    image_url: dict[str, Any] | Text | None = None
    file: dict[str, Any] | None = None


class ChatMessage(BaseModel):
    """A message of the conversation so far.

    `tool_calls` are an assistant's calls of the caller's functions; a message of role `tool` answers one of them.
    `reasoning_content` came with the calls; the model gets it back while they are answered.
    """

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[ContentPart] | None = None
    reasoning_content: Text | None = None
    tool_calls: Annotated[list[CallOfFunction], Field(max_length=128)] | None = None
    tool_call_id: Text | None = None
    function_call: LegacyCall | None = None
    name: Text | None = None


@dataclass(frozen=True, slots=True)
class ProgramMessage:
    """The last message of a program's conversation, with what came before it and the files of all messages.

    `later` holds what followed on it: calls of the program's functions with their results, or an answer's beginning.
    """

    text: str
    earlier: Sequence[PromptMessage] = ()
    later: Sequence[PromptMessage] = ()
    files: Sequence[ContentFile] = ()
    is_side_task: bool = False


@dataclass(slots=True)
class _Reading:
    """What was read of the conversation so far. `open_calls` are calls without a result, by id."""

    messages: list[PromptMessage] = field(default_factory=list)
    files: list[ContentFile] = field(default_factory=list)
    called: dict[str, str] = field(default_factory=dict)
    open_calls: dict[str, str] = field(default_factory=dict)

    def close_calls(self) -> None:
        """Add results for calls that have none, without which many models' templates fail."""
        for call_id, name in self.open_calls.items():
            self.messages.append(PromptMessage(role="tool", content=NO_RESULT, name=name, call_id=call_id))
        self.open_calls.clear()


def read_conversation(messages: Sequence[ChatMessage], has_tools: bool = False) -> ProgramMessage:
    """The conversation by its last question. `has_tools`: the caller sent functions. Raises ApiError."""
    reading = _Reading()
    asked = _place_of_question(messages)
    at = 0
    for index, message in enumerate(messages):
        if message.role not in ("tool", "function"):
            reading.close_calls()
        _read(message, f"messages.{index}", reading, as_question=index == asked)
        if index == asked:
            at = len(reading.messages) - 1
    reading.close_calls()
    read = reading.messages
    before = [each.model_copy(update={"reasoning": ""}) for each in read[:at] if _says(each)]
    texts = [_plain(message) for message in messages if message.role == "user"]
    told = "\n".join(_plain(message) for message in messages if message.role in ("system", "developer"))
    return ProgramMessage(
        text=read[at].content,
        earlier=before,
        later=[each for each in read[at + 1 :] if _says(each)],
        files=reading.files,
        is_side_task=not has_tools and at == len(read) - 1 and is_side_task(told, texts),
    )


def _says(message: PromptMessage) -> bool:
    """Whether there is anything in the message; a result may be empty."""
    return bool(message.content or message.tool_calls) or message.role == "tool"


def _place_of_question(messages: Sequence[ChatMessage]) -> int:
    """The index of the last message from the user, or else of the last reminder or instructions. Raises ApiError."""
    for roles, texts in ((("user",), _words), (("user",), _texts), (("system", "developer"), _texts)):
        for index in reversed(range(len(messages))):
            said = any(map(str.strip, texts(messages[index])))
            if messages[index].role in roles and (said or _has_files(messages[index])):
                return index
    raise ApiError(400, "No message from the user has a text.", "messages", "invalid_value")


def _read(message: ChatMessage, place: str, reading: _Reading, *, as_question: bool) -> None:
    """Add the message as the GPT reads it; system messages as the user's, so that its instructions prevail.

    Programs put reminders and context in parts of their own around what the user wrote: each becomes a message, of
    which the last is the question.
    """
    reading.files += _files(message, place)
    text = _plain(message)
    match message.role:
        case "tool" | "function":
            _read_result(message, text, reading)
        case "assistant":
            calls = tuple(_calls(message))
            reading.called |= (found := {call.call_id: call.name for call in calls})
            reading.open_calls |= found
            reasoning = (message.reasoning_content or "") if calls else ""
            reading.messages.append(
                PromptMessage(role="assistant", content=text, tool_calls=calls, reasoning=reasoning)
            )
        case "system" | "developer" if not as_question:
            reading.messages.append(PromptMessage(role="user", content=CALLER_INSTRUCTIONS + text if text else ""))
        case _:
            ordered = sorted(_texts(message), key=lambda each: not _is_reminder(each))
            reading.messages += [PromptMessage(role="user", content=visible(each)) for each in ordered or [""]]


def _read_result(message: ChatMessage, text: str, reading: _Reading) -> None:
    """Add a result; one that matches no open call gets a call of its own."""
    call_id = message.tool_call_id or next((i for i, n in reading.open_calls.items() if n == message.name), "")
    if call_id not in reading.open_calls:
        reading.close_calls()
        name = reading.called.get(call_id) or message.name or UNNAMED
        call_id = f"{call_id or 'call'}_{len(reading.messages)}"
        call = MessageCall(call_id=call_id, name=name, arguments={})
        reading.messages.append(PromptMessage(role="assistant", content="", tool_calls=(call,)))
        reading.open_calls[call_id] = name
    name = reading.open_calls.pop(call_id)
    reading.messages.append(PromptMessage(role="tool", content=text, name=name, call_id=call_id))


def _calls(message: ChatMessage) -> Iterator[MessageCall]:
    for call in message.tool_calls or ():
        yield MessageCall(call_id=call.id, name=call.function.name, arguments=arguments_of(call.function.arguments))
    if message.function_call:
        name = message.function_call.name
        yield MessageCall(call_id=f"call_{name}", name=name, arguments=arguments_of(message.function_call.arguments))


def arguments_of(text: str) -> dict[str, Any]:
    """The arguments of a call as an object: what is none, as models write it sometimes, becomes its only field."""
    try:
        value: Any = from_json(text, allow_inf_nan=False) if text.strip() else {}
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"arguments": value}


def _plain(message: ChatMessage) -> str:
    """The text of the message, without its other parts."""
    return "\n".join(_texts(message))


def _texts(message: ChatMessage) -> list[str]:
    """The parts of the message that have a text."""
    if not isinstance(message.content, list):
        return [message.content] if message.content else []
    return [text for part in message.content if (text := part.text or part.refusal).strip()]


def _words(message: ChatMessage) -> list[str]:
    """These parts without reminders."""
    return [each for each in _texts(message) if not _is_reminder(each)]


def _is_reminder(text: str) -> bool:
    begin, end = REMINDER
    return text.lstrip().startswith(begin) and text.rstrip().endswith(end)


def _has_files(message: ChatMessage) -> bool:
    """Whether the message has parts that are no text, also those that `_files` refuses."""
    return isinstance(message.content, list) and any(part.type not in ("text", "refusal") for part in message.content)


def _files(message: ChatMessage, place: str) -> Iterator[ContentFile]:
    """The files in the parts of a message. Raises ApiError for a part of any other kind than text."""
    for number, part in enumerate(message.content if isinstance(message.content, list) else ()):
        if part.type not in ("text", "refusal"):
            yield content_file(part.type, part.image_url or part.file, f"{place}.content.{number}")
