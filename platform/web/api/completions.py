"""OpenAI's chat completions: requests, and a run's answer in their format."""

import tomllib
from pathlib import Path
from typing import Any, Final, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field

from gpts.knowledge.documents import Citation, SentenceSupport, Unit
from gpts.runs.messages import PromptMessage
from gpts.runs.steps import Coverage, Delegation, FileRef, FinishReason, Log, ModelReply, Overrides, ToolResult
from gpts.values import Text
from web.api.errors import ApiError
from web.api.functions import (
    MAX_FUNCTIONS,
    CallOfFunction,
    FunctionTool,
    ResponseFormat,
    WantedToolChoice,
    answer_schema,
    caller_tools,
    choice_of,
)
from web.api.messages import ChatMessage, turn_of
from web.runs.models import Run
from web.runs.trees import Tokens, tokens_in, tree_of

_TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# Unsupported parameters that would change the answer, each with its neutral values.
UNSUPPORTED: Final[dict[str, list[Any]]] = _TEXTS["unsupported"]
CompletionFinish = Literal["stop", "length", "tool_calls"]

DESCRIPTION: Final = _TEXTS["description"].replace("{unsupported}", ", ".join(f"`{name}`" for name in UNSUPPORTED))


class StreamOptions(BaseModel):
    """Options of a stream."""

    include_usage: bool | None = None


class CompletionRequest(BaseModel):
    """A chat completion request."""

    # Not ninja's Schema, which would drop the undeclared parameters that `check` reads.
    model_config = ConfigDict(extra="allow")

    model: Text = Field(description="The GPT's slug.")
    messages: list[ChatMessage] = Field(min_length=1, max_length=1_000)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2, description="Default: the GPT's own.")
    top_p: float | None = Field(None, gt=0, le=1, description="Default: the GPT's own.")
    max_completion_tokens: int | None = Field(None, ge=1, le=8_192, description="Default: the GPT's own.")
    max_tokens: int | None = Field(None, ge=1, le=8_192, description="Older name of max_completion_tokens.")
    stop: Text | list[Text] | None = Field(None, description="Up to four stop sequences.")
    tools: list[FunctionTool] | None = Field(None, max_length=MAX_FUNCTIONS, description="Your own functions.")
    tool_choice: WantedToolChoice | None = Field(None, description="Default: auto.")
    parallel_tool_calls: bool | None = Field(None, description="False: at most one call at a time.")
    response_format: ResponseFormat | None = Field(None, description="Default: text.")

    def check(self) -> None:
        """Refuse unsupported parameters. Raises ApiError with the parameter's name."""
        for name, value in (self.model_extra or {}).items():
            if name in UNSUPPORTED and value is not None and value not in UNSUPPORTED[name]:
                raise ApiError(400, f"“{name}” is not supported; leave it out.", name, "unsupported_parameter")

    def turn(self) -> tuple[str, list[PromptMessage], list[PromptMessage]]:
        """The question, the messages before it and after it as the GPT reads them. Raises ApiError."""
        return turn_of(self.messages)

    def overrides(self) -> Overrides:
        """The caller's settings of this one run. Raises ApiError for unusable stop texts, functions and schemas."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if len(stop) > 4 or not all(stop):
            raise ApiError(400, "“stop” takes up to four non-empty strings.", "stop", "invalid_value")
        tools = caller_tools(self.tools)
        return Overrides(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=stop,
            tools=tools,
            tool_choice=choice_of(self.tool_choice, tools),
            answer_schema=answer_schema(self.response_format),
        )


class FileCitation(Schema):
    """The passage of a knowledge file that supports the cited text; `start`/`end` index the file's text.

    `page` counts units of `unit`. `untrusted`: the GPT's creator accepted the passage in spite of a finding.
    """

    file_id: str
    filename: str
    page: int | None
    unit: Unit
    heading: str
    quote: str
    start: int
    end: int
    index: int
    untrusted: bool


class Annotation(Schema):
    """A citation: `start_index`/`end_index` are the cited range of the answer in characters, `text` its text."""

    type: Literal["file_citation"] = "file_citation"
    text: str
    start_index: int
    end_index: int
    file_citation: FileCitation


class CompletionDetails(Schema):
    """What the output tokens were used for; those of reasoning are estimated if the model's server doesn't count."""

    reasoning_tokens: int


class TokenUsage(Schema):
    """Input and output tokens of this answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionDetails

    @classmethod
    def of(cls, tokens: Tokens) -> "TokenUsage":
        """These tokens in OpenAI's format."""
        details = CompletionDetails(reasoning_tokens=tokens.reasoning)
        return cls(
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.completion,
            total_tokens=tokens.both,
            completion_tokens_details=details,
        )


class Extras(Schema):
    """What OpenAI's format doesn't cover. `support`: how far files support each sentence of a finished answer.

    `coverage` is `not_covered` if the files don't, or may not, answer the question; the closest passages are then in
    `closest`, or in the citations if the answer quotes them. It is `no_knowledge` for small talk and for GPTs without
    files.
    """

    run_id: str
    gpt: str = Field(description="The GPT that answers: the model, or one that the last message begins with (@slug).")
    coverage: Coverage | None
    support: list[SentenceSupport] = []
    closest: list[FileCitation] = []
    files: list[FileRef] = Field([], description="Files created by the GPT's tools; see `GET /api/attachments/{id}`.")


class AnswerMessage(Schema):
    """The answer with its citations, or the calls for the caller to make.

    `reasoning_content`, as with DeepSeek and vLLM, is what the model reasoned before; nothing has checked it.
    """

    role: Literal["assistant"] = "assistant"
    content: str | None
    reasoning_content: str | None = None
    refusal: None = None
    annotations: list[Annotation]
    tool_calls: list[CallOfFunction] | None = None


class CompletionChoice(Schema):
    """The one answer."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: CompletionFinish


class Completion(Schema):
    """A chat completion. With `stream`, it is sent as `chat.completion.chunk` objects in server-sent events."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: TokenUsage
    guildhall: Extras


def completion_id(run: Run) -> str:
    """The id of the completion that `run` answers."""
    return f"chatcmpl-{run.id.hex}"


def file_citation(citation: Citation) -> FileCitation:
    """The cited passage of a file."""
    same = citation.model_dump(include=set(FileCitation.model_fields))
    return FileCitation(filename=citation.file_name, index=citation.tag, **same)


def annotations(text: str, citations: tuple[Citation, ...], before: int = 0) -> list[Annotation]:
    """The citations of the answer `text` as OpenAI's annotations; `before` characters precede the answer."""
    return [
        Annotation(
            text=text[c.answer_start : c.answer_end],
            start_index=before + c.answer_start,
            end_index=before + c.answer_end,
            file_citation=file_citation(c),
        )
        for c in citations
    ]


def usage_of(run: Run, log: Log) -> TokenUsage:
    """The tokens of all replies of the run and its child runs."""
    delegates = any(isinstance(step, Delegation) for step in log)
    return TokenUsage.of(tree_of(run).total if delegates else tokens_in(log))


def reasoning_of(log: Log) -> str | None:
    """What the model reasoned in the run; None if nothing."""
    return "\n\n".join(step.reasoning for step in log if isinstance(step, ModelReply) and step.reasoning) or None


def files_of(log: Log) -> list[FileRef]:
    """The files that tools made in the run."""
    return [file for step in log if isinstance(step, ToolResult) for file in step.files]


def finish_reason(finish: FinishReason) -> CompletionFinish:
    """Why the answer ended, in OpenAI's terms."""
    if finish == "tool_calls":
        return "tool_calls"
    return "length" if finish in ("length", "deadline") else "stop"
