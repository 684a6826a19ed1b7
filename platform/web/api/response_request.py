"""Requests to `/v1/responses`, and the response object that repeats what they asked for."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from gpts.runs.overrides import Overrides, ReasoningEffort
from gpts.spec.gpt import GptSpec
from gpts.values import ShortText, Text
from web.api.attribute_filters import Metadata
from web.api.completions import ProgramRequest, described
from web.api.errors import ApiError
from web.api.functions import (
    MAX_FUNCTIONS,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    TextFormat,
    answer_schema,
    caller_tools,
)
from web.api.messages import CALLER_INSTRUCTIONS
from web.api.response_input import ANSWER, InputItem, Items
from web.api.response_tools import ResponseTool, ResponseToolChoice, allowed, chosen, functions_in, own_tools

_TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# Parameters that no engine here takes, and that change nothing of what an answer says.
IGNORED: Final = frozenset(_TEXTS["ignored"])
DESCRIPTION: Final = described(_TEXTS)
# What the response object repeats of the request as it was.
_ECHOED: Final = (
    *("instructions", "metadata", "tools", "tool_choice", "parallel_tool_calls", "text", "truncation", "reasoning"),
    *("max_output_tokens", "background", "user", "safety_identifier", "prompt_cache_key", "include", "top_logprobs"),
)
# How errors name the parameters of chat completions here.
_RENAMED: Final = (
    ("response_format.json_schema", "text.format"),
    ("response_format", "text.format"),
    ("messages", "input"),
    (".function.", "."),
)

Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]


class JsonSchemaText(JsonSchema):
    """The answer is JSON that follows the schema."""

    type: Literal["json_schema"]


class TextOptions(BaseModel):
    """The form of the answer."""

    model_config = ConfigDict(extra="allow")

    format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaText, Field(discriminator="type")] | None = None

    def wanted(self) -> Any:
        """The format as chat completions have it."""
        if not isinstance(self.format, JsonSchemaText):
            return self.format
        return JsonSchemaFormat(type="json_schema", json_schema=self.format)


class ReasoningOptions(BaseModel):
    """How much a model reasons that can. Its reasoning always comes, as a summary."""

    model_config = ConfigDict(extra="allow")

    effort: ReasoningEffort | None = None


class ConversationId(BaseModel):
    """A conversation by its id."""

    id: Text


class ResponseRequest(ProgramRequest):
    """A request for a response."""

    refused: ClassVar[Mapping[str, list[Any]]] = _TEXTS["refused"]

    model: Text | None = Field(None, description="The GPT's slug. Default: that of the response before.")
    input: Text | Items | None = None
    instructions: Text | None = Field(None, description="For this response only.")
    store: bool | None = True
    background: bool | None = False
    previous_response_id: Text | None = None
    conversation: Text | ConversationId | None = None
    include: list[Include] | None = None
    metadata: Metadata | None = None
    max_output_tokens: int | None = Field(None, ge=1, le=10_000_000, description="Default: the GPT's own.")
    text: TextOptions | None = None
    tools: Annotated[list[ResponseTool], Field(max_length=MAX_FUNCTIONS)] | None = None
    tool_choice: ResponseToolChoice | None = None
    parallel_tool_calls: bool | None = None
    truncation: Literal["auto", "disabled"] | None = None
    reasoning: ReasoningOptions | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20, description="The likeliest tokens to tell with each.")
    user: ShortText | None = None
    safety_identifier: ShortText | None = None
    prompt_cache_key: ShortText | None = None

    @property
    def items(self) -> list[InputItem]:
        """The input as items."""
        if isinstance(self.input, str):
            return [InputItem(role="user", content=self.input)]
        return list(self.input or ())

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation that it belongs to."""
        return self.conversation.id if isinstance(self.conversation, ConversationId) else self.conversation

    @property
    def answers_requests(self) -> bool:
        """Whether it ends with an answer to a request for approval; earlier ones are a part of its history."""
        return bool(self.items) and self.items[-1].kind == ANSWER

    @property
    def is_stored(self) -> bool:
        """Whether the response can be read again."""
        return self.store is not False

    def check(self) -> None:
        """Refuse what is unsupported or contradictory. Raises ApiError with the parameter's name."""
        super().check()
        if self.previous_response_id and self.conversation_id:
            text = "Give “previous_response_id” or “conversation”, not both."
            raise ApiError(400, text, "previous_response_id", "mutually_exclusive_parameters")
        if self.background and not self.is_stored:
            raise ApiError(400, "A response in the background must be stored.", "background", "invalid_value")

    def without_effect(self, ignores: Collection[str]) -> list[str]:
        """The parameters that were set and have no effect, on a model that `ignores` these as well."""
        named = {*self.unknown(), *(name for name in IGNORED if getattr(self, name, None))}
        wants_logprobs = self.n_logprobs is not None and "logprobs" in ignores
        wants_effort = self.reasoning and self.reasoning.effort and "reasoning_effort" in ignores
        more = {"reasoning": wants_effort, "top_logprobs": wants_logprobs}
        return sorted(named | {name for name, is_named in more.items() if is_named})

    @property
    def n_logprobs(self) -> int | None:
        """How many of the likeliest tokens to tell with each; None: nothing of that."""
        wants = self.top_logprobs or "message.output_text.logprobs" in (self.include or ())
        return (self.top_logprobs or 0) if wants else None

    def overrides(self, spec: GptSpec) -> Overrides:
        """The caller's settings of this one run of the GPT. Raises ApiError for what cannot be used."""
        tools = allowed(self.tools or (), self.tool_choice)
        own = own_tools(tools, spec)
        with renamed():
            functions = caller_tools(functions_in(tools))
            schema = answer_schema(self.text.wanted() if self.text else None)
        choice = chosen(self.tool_choice, [tool.name for tool in functions], own)
        return self.overrides_with(
            max_tokens=self.max_output_tokens,
            reasoning_effort=self.reasoning.effort if self.reasoning else None,
            tools=functions,
            tool_choice=choice,
            own_tools=() if choice == "none" else own,
            answer_schema=schema,
            top_logprobs=self.n_logprobs,
            instructions=f"{CALLER_INSTRUCTIONS}{self.instructions}" if self.instructions else "",
        )

    def echoed(self) -> dict[str, Any]:
        """What the response object repeats of it."""
        return self.model_dump(mode="json", include=set(_ECHOED), exclude_none=True, by_alias=True)


@contextmanager
def renamed() -> Iterator[None]:
    """Give the parameters in errors the names that they have in Responses."""
    try:
        yield
    except ApiError as error:
        field = error.problem.field or ""
        for old, new in _RENAMED:
            field = field.replace(old, new)
        error.problem = replace(error.problem, field=field or None)
        raise
