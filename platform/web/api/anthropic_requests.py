"""Anthropic's Messages: requests, read as the chat completions that they are in another form."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gpts.values import Text
from web.api.anthropic_tools import callers_tool
from web.api.completions import CompletionRequest
from web.api.errors import ApiError

# What has the model's maker do something, which here is the GPT's own business.
REFUSED: Final = ("mcp_servers", "container")
# What clients go on without by themselves (anthropic 2.15, `_unsupported_features`).
NO_THREADS: Final = "Conversations are not kept here: send all messages, without “thread”."
# The file as which texts that others wrote are read.
RESULTS: Final = "search results.md"


class ContentBlock(BaseModel):
    """A part of a message; those of text, pictures, documents, search results, calls and reasoning are read."""

    model_config = ConfigDict(extra="allow")

    type: str
    text: Text = ""
    source: dict[str, Any] | Text | None = None
    title: Text | None = None
    id: Text = ""
    name: Text = ""
    input: dict[str, Any] = {}
    tool_use_id: Text = ""
    content: "Text | list[ContentBlock] | dict[str, Any] | None" = None
    is_error: bool | None = None
    thinking: Text = ""


class AnthropicTurn(BaseModel):
    """A message of the conversation so far."""

    role: Literal["user", "assistant", "system"]
    content: Text | list[ContentBlock]


class AnthropicTool(BaseModel):
    """A function of the caller's own, or a tool that Anthropic's API knows by its type."""

    model_config = ConfigDict(extra="allow")

    type: Text | None = None
    name: Text = ""
    description: Text | None = None
    input_schema: dict[str, Any] | None = None


class AnthropicToolChoice(BaseModel):
    """Whether and which tool is called."""

    type: Literal["auto", "any", "tool", "none"]
    name: Text | None = None
    disable_parallel_tool_use: bool | None = None


class MessagesRequest(BaseModel):
    """A request for a message."""

    model_config = ConfigDict(extra="allow")

    model: Text = Field(description="The GPT's slug.")
    messages: Annotated[list[AnthropicTurn], Field(min_length=1, max_length=10_000)]
    max_tokens: int = Field(ge=1, le=10_000_000)
    system: Text | list[ContentBlock] | None = None
    stream: bool | None = False
    temperature: float | None = Field(None, ge=0, le=1, description="Default: the GPT's own.")
    top_p: float | None = Field(None, ge=0, le=1, description="Default: the GPT's own.")
    stop_sequences: list[Text] | None = None
    tools: list[AnthropicTool] | None = None
    tool_choice: AnthropicToolChoice | None = None
    thinking: dict[str, Any] | None = Field(None, description="Whether to send what a model reasons.")
    output_config: dict[str, Any] | None = Field(None, description="`format`: a JSON Schema of the answer.")
    output_format: dict[str, Any] | None = Field(None, description="The same, as older clients send it.")
    inputs: dict[str, Any] | None = Field(None, description="Values of the GPT's inputs, by name: our own extension.")

    @property
    def server_tools(self) -> list[str]:
        """The types of tools that the server performs. Raises ApiError for an unknown one."""
        return [str(tool.type) for tool in self.tools or () if _function(tool) is None]

    @property
    def wants_thinking(self) -> bool:
        """Whether reasoning is sent."""
        return (self.thinking or {}).get("type") in ("enabled", "adaptive")

    @property
    def in_parallel(self) -> bool:
        """Whether the answer may have several calls."""
        return not (self.tool_choice and self.tool_choice.disable_parallel_tool_use)

    def as_completion(self) -> CompletionRequest:
        """The same as a chat completion. Raises ApiError for what cannot be one."""
        if unusable := next((name for name in REFUSED if (self.model_extra or {}).get(name)), None):
            raise ApiError(400, f"“{unusable}” is not supported; leave it out.", unusable, "unsupported_parameter")
        if (self.model_extra or {}).get("thread"):
            details = {"unsupported": ["thread"]}
            raise ApiError(400, NO_THREADS, "thread", "thread_unsupported_request", details=details)
        names = {"model", "max_tokens", "stream", "temperature", "top_p", "inputs"}
        same = self.model_dump(include=names, exclude_none=True)
        system = [{"role": "system", "content": _text(self.system)}] if self.system else []
        made = {
            **same,
            "messages": [*system, *(each for turn in self.messages for each in _messages(turn))],
            "stop": self.stop_sequences or None,
            "tools": [made for tool in self.tools or () if (made := _function(tool))] or None,
            "tool_choice": _choice(self.tool_choice),
            "parallel_tool_calls": self.in_parallel,
            "response_format": _format((self.output_config or {}).get("format") or self.output_format),
        }
        try:
            return CompletionRequest.model_validate(made)
        except ValidationError as error:
            first = error.errors()[0]
            raise ApiError(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}", code="invalid_value") from None


def _messages(turn: AnthropicTurn) -> Iterator[dict[str, Any]]:
    """The chat messages of one turn: results of calls first, then what was said with them."""
    if isinstance(turn.content, str):
        yield {"role": turn.role, "content": turn.content}
    elif turn.role == "assistant":
        yield _reply(turn.content)
    else:
        for block in turn.content:
            if block.type == "tool_result":
                yield from _result(block)
        said = [_part(block) for block in turn.content if block.type not in ("tool_result", "search_result")]
        if results := [_text([block]) for block in turn.content if block.type == "search_result"]:
            said.append(_text_file(RESULTS, "\n\n".join(results)))
        if said:
            yield {"role": turn.role, "content": said}


def _reply(blocks: Sequence[ContentBlock]) -> dict[str, Any]:
    """Text, split only by citations, and calls of an earlier answer."""
    calls = [
        {
            "id": each.id,
            "type": "function",
            "function": {"name": each.name, "arguments": json.dumps(each.input or {})},
        }
        for each in blocks
        if each.type == "tool_use"
    ]
    return {
        "role": "assistant",
        "content": "".join(each.text for each in blocks if each.type == "text"),
        "tool_calls": calls or None,
        "reasoning_content": "".join(each.thinking for each in blocks) or None,
    }


def _result(block: ContentBlock) -> Iterator[dict[str, Any]]:
    """The result of a call, and its pictures and documents as a message of their own."""
    parts = block.content if isinstance(block.content, list) else []
    read = [part for part in parts if part.text or part.type == "search_result"]
    text = block.content if isinstance(block.content, str) else _text(read)
    told = f"Error: {text}" if block.is_error else text
    yield {"role": "tool", "tool_call_id": block.tool_use_id, "content": told}
    if files := [_part(part) for part in parts if part.type in ("image", "document")]:
        yield {"role": "user", "content": files}


def _text(content: str | Sequence[ContentBlock] | None) -> str:
    if isinstance(content, str):
        return content
    blocks = content or ()
    return "\n\n".join(_result_text(each) if each.type == "search_result" else each.text for each in blocks)


def _result_text(block: ContentBlock) -> str:
    """A search result with its title as a heading, which citations of it name."""
    texts = block.content if isinstance(block.content, list) else []
    return "\n\n".join(filter(None, (f"## {block.title or ''}", str(block.source or ""), _text(texts))))


def _text_file(name: str, text: str) -> dict[str, Any]:
    """A text that others wrote, as a file: it is no word of the caller's, is labelled so, and can be cited."""
    data = base64.b64encode(text.encode()).decode()
    return {"type": "file", "file": {"file_data": f"data:text/plain;base64,{data}", "filename": name}}


def _part(block: ContentBlock) -> dict[str, Any]:
    """A block as a part of a chat message. Raises ApiError for one of another type, or from a URL."""
    source: Mapping[str, Any] = block.source if isinstance(block.source, dict) else {}
    match block.type, source.get("type"):
        case "text", _:
            return {"type": "text", "text": block.text}
        case "document", "text" | "content":
            given = source.get("data") or source.get("content") or ""
            text = given if isinstance(given, str) else _text([ContentBlock.model_validate(each) for each in given])
            return _text_file(f"{(block.title or 'document')[:80]}.txt", text)
        case (("image" | "document"), "file"):
            return {"type": "file", "file": {"file_id": str(source.get("file_id"))}}
        case "image", _:
            return {"type": "image_url", "image_url": {"url": _url(source)}}
        case "document", _:
            name = {"filename": block.title} if block.title else {}
            return {"type": "file", "file": {"file_data": _url(source), **name}}
    raise ApiError(400, f"Blocks of type “{block.type[:40]}” are not supported.", "messages", "unsupported_value")


def _url(source: Mapping[str, Any]) -> str:
    """The data URL of base64, or the address given, which is refused later."""
    return str(source.get("url") or f"data:{source.get('media_type')};base64,{source.get('data', '')}")


def _function(tool: AnthropicTool) -> dict[str, Any] | None:
    """The tool as a function; None for one that the server performs. Raises ApiError for an unknown type."""
    description, schema = tool.description, tool.input_schema
    if tool.type not in (None, "custom"):
        known = callers_tool(tool.type, tool.model_extra or {})
        if known is None:
            return None
        description, schema = known
    facts = {"name": tool.name, "description": description, "parameters": schema}
    return {"type": "function", "function": facts}


def _choice(choice: AnthropicToolChoice | None) -> Any:
    if choice is None:
        return None
    if choice.type == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return {"any": "required"}.get(choice.type, choice.type)


def _format(wanted: Any) -> dict[str, Any] | None:
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return None
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted.get("schema")}}
