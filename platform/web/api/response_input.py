"""The input of `/v1/responses` and the items of `/v1/conversations`, read as the messages of chat completions."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FileRef, UserMessage
from gpts.values import Text
from web.api.errors import ApiError
from web.api.functions import CallOfFunction, FunctionCall, FunctionName
from web.api.messages import CALLER_INSTRUCTIONS, ChatMessage
from web.api.response_tools import joined

MAX_ITEMS: Final = 2_000
ANSWER: Final = "mcp_approval_response"
# What the GPT did on this site: the answers that came of it say what matters, and no program can vouch for it.
UNREAD: Final = (
    *("file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call"),
    *("mcp_call", "mcp_list_tools", "mcp_approval_request", ANSWER),
)


class InputPart(BaseModel):
    """A part of an item's content. What it may be besides text is what chat completions accept."""

    model_config = ConfigDict(extra="allow")

    type: Text
    text: Text | None = None
    refusal: Text | None = None
    image_url: Text | None = None
    file_id: Text | None = None
    file_data: Text | None = None
    filename: Text | None = None


class InputItem(BaseModel):
    """An item: a message (the default), a call of the caller's functions or its output, reasoning, an answer to an
    approval request, or a reference to an item on this site. What the GPT's own tools did is accepted and not read.
    """

    model_config = ConfigDict(extra="allow")

    type: Text | None = None
    id: Text | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: Text | list[InputPart] | None = None
    summary: list[InputPart] | None = None
    call_id: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    name: FunctionName | None = None
    namespace: FunctionName | None = None
    arguments: Text | None = None
    output: Text | list[InputPart] | None = None
    approval_request_id: Text | None = None
    approve: bool | None = None

    @property
    def kind(self) -> str:
        """Its type; a message and a reference need not give theirs."""
        return self.type or ("message" if self.role else "item_reference")


Items = Annotated[list[InputItem], Field(max_length=MAX_ITEMS)]


def chat_messages(items: Sequence[InputItem]) -> list[ChatMessage]:
    """The items as messages of chat completions. Calls join the assistant's message before them. Raises ApiError."""
    messages: list[ChatMessage] = []
    reasoning = ""
    for number, item in enumerate(items):
        place = f"input.{number}"
        match item.kind:
            case "message":
                messages.append(ChatMessage(role=_needed(item, "role", place), content=_content(item.content)))
            case "function_call":
                messages.append(_with_call(messages, _call(item, place), reasoning))
            case "function_call_output":
                call_id = _needed(item, "call_id", place)
                messages.append(ChatMessage(role="tool", tool_call_id=call_id, content=_content(item.output)))
            case "reasoning":
                reasoning = "\n\n".join(part.text or "" for part in item.summary or item.content or () if part)  # type: ignore[union-attr]
                continue
            case kind if kind not in UNREAD:
                raise ApiError(400, f"Items of type “{kind[:40]}” are not supported.", place, "unsupported_value")
        reasoning = ""
    return messages


def _with_call(messages: list[ChatMessage], call: CallOfFunction, reasoning: str) -> ChatMessage:
    """The assistant's message with `call`, taken off `messages` if it is the last of them."""
    if not messages or messages[-1].role != "assistant":
        return ChatMessage(role="assistant", tool_calls=[call], reasoning_content=reasoning or None)
    last = messages.pop()
    same = {"content": last.content, "reasoning_content": reasoning or last.reasoning_content}
    return ChatMessage(role="assistant", tool_calls=[*(last.tool_calls or ()), call], **same)


def _call(item: InputItem, place: str) -> CallOfFunction:
    name = joined(item.namespace, _needed(item, "name", place))
    function = FunctionCall(name=name, arguments=item.arguments or "{}")
    return CallOfFunction(id=_needed(item, "call_id", place), function=function)


def _needed(item: InputItem, field: str, place: str) -> Any:
    if value := getattr(item, field):
        return value
    raise ApiError(400, f"The item has no “{field}”.", f"{place}.{field}", "missing_required_parameter")


def _content(content: str | Sequence[InputPart] | None) -> Any:
    if content is None or isinstance(content, str):
        return content
    return [_part(part) for part in content]


def _part(part: InputPart) -> dict[str, Any]:
    """The part as chat completions have it."""
    match part.type:
        case "input_text" | "output_text" | "text" | "summary_text" | "refusal":
            return {"type": "text", "text": part.text or part.refusal or ""}
        case "input_image" if part.image_url:
            return {"type": "image_url", "image_url": {"url": part.image_url}}
        case "input_image" | "input_file":
            given = {"file_id": part.file_id, "file_data": part.file_data, "filename": part.filename}
            return {"type": "file", "file": {key: value for key, value in given.items() if value}}
    return {**part.model_dump(exclude_none=True), "type": part.type}


def items_of(first: UserMessage, n_before: int) -> list[dict[str, Any]]:
    """The items that led to a run, after `n_before` messages of earlier responses, without ids."""
    question = PromptMessage(role="user", content=first.text)
    messages = (*first.earlier, question, *first.later)[n_before:]
    return [
        item for message in messages for item in _items(message, first.attachments if message is question else ())
    ]


def _items(message: PromptMessage, attached: Iterable[FileRef]) -> list[dict[str, Any]]:
    match message.role:
        case "tool":
            return [{"type": "function_call_output", "call_id": message.call_id, "output": message.content}]
        case "assistant":
            calls = [_made(call.call_id, call.name, call.arguments) for call in message.tool_calls]
            return [*([said(message.content)] if message.content else ()), *calls]
    text = message.content.removeprefix(CALLER_INSTRUCTIONS)
    files = [{"type": "input_file", "file_id": file.id, "filename": file.name} for file in attached]
    role = "user" if text == message.content else "developer"
    return [{"type": "message", "role": role, "content": [{"type": "input_text", "text": text}, *files]}]


def _made(call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    written = json.dumps(arguments, ensure_ascii=False)
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": written}


def said(
    text: str,
    annotations: Sequence[dict[str, Any]] = (),
    phase: str = "",
    tokens: Iterable[TokenLogprob] = (),
) -> dict[str, Any]:
    """A message of the assistant, without an id and a status."""
    logprobs = [token.as_openai() for token in tokens]
    content = {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": logprobs}
    return {"type": "message", "role": "assistant", "content": [content], **({"phase": phase} if phase else {})}


def given_item(item: InputItem) -> dict[str, Any]:
    """An item of the caller as this site keeps and returns it, without an id. Raises ApiError."""
    chat_messages([item])  # refuses what could not be read later
    if item.kind == "item_reference":
        raise ApiError(400, "An item can’t be a reference.", "items", "unsupported_value")
    kept = item.model_dump(exclude_none=True, exclude={"id", "status"})
    if isinstance(item.content, str):
        kind = "output_text" if item.role == "assistant" else "input_text"
        more: dict[str, Any] = {"annotations": [], "logprobs": []} if item.role == "assistant" else {}
        kept["content"] = [{"type": kind, "text": item.content, **more}]
    return {**kept, "type": item.kind}
