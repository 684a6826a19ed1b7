"""OpenAI's chat completions: requests, and a run's answer in their format."""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.overrides import Overrides, ReasoningEffort
from gpts.values import Text
from web.api.answers import Extras, RunAnswer, TokenUsage, UrlCitation, usage_of
from web.api.attribute_filters import Metadata
from web.api.errors import ApiError
from web.api.functions import (
    MAX_FUNCTIONS,
    NAME,
    CallOfFunction,
    FunctionTool,
    ResponseFormat,
    WantedToolChoice,
    answer_schema,
    caller_tools,
    choice_of,
)
from web.api.messages import ChatMessage, ProgramMessage, read_conversation
from web.runs.models import Run

_TEXTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def described(texts: Mapping[str, Any]) -> str:
    """The description of a format, which names the parameters that it refuses and those that it ignores."""
    names = {kind: ", ".join(f"`{name}`" for name in texts[kind]) for kind in ("refused", "ignored")}
    return str(texts["description"].format(**names))


DESCRIPTION: Final = described(_TEXTS)
MAX_BIASES: Final = 1_024
# Unknown parameters that a header names.
MAX_NAMED: Final = 20
# Answers to one request, which are written side by side.
MAX_ANSWERS: Final = 8
# What programs mean by a top_p of 0: the likeliest token.
LEAST_TOP_P: Final = 1e-6
Penalty = Annotated[float, Field(ge=-2, le=2)]
CompletionFinish = Literal["stop", "length", "tool_calls"]


class StreamOptions(BaseModel):
    """Options of a stream."""

    include_usage: bool | None = None


class ProgramRequest(BaseModel):
    """What requests to GPTs have in common in all of OpenAI's formats."""

    # Not ninja's Schema, which would drop the undeclared parameters that `check` reads.
    model_config = ConfigDict(extra="allow")
    # Parameters without which the answer would mislead, each with its neutral values.
    refused: ClassVar[Mapping[str, list[Any]]] = _TEXTS["refused"]

    stream: bool | None = False
    temperature: float | None = Field(None, ge=0, le=2, description="Default: the GPT's own.")
    top_p: float | None = Field(None, ge=0, le=1, description="Default: the GPT's own.")
    inputs: dict[str, Any] | None = Field(None, description="Values of the GPT's inputs, by name: our own extension.")

    def check(self) -> None:
        """Refuse parameters without which the answer would mislead. Raises ApiError with the parameter's name."""
        for name, value in (self.model_extra or {}).items():
            if name in self.refused and value is not None and value not in self.refused[name]:
                raise ApiError(400, f"“{name}” is not supported; leave it out.", name, "unsupported_parameter")

    def unknown(self) -> list[str]:
        """The first undeclared parameters that were set, which have no effect."""
        extra = {name for name, value in (self.model_extra or {}).items() if value not in (None, False, [], {})}
        return [name for name in sorted(extra.difference(self.refused)) if re.fullmatch(NAME, name)][:MAX_NAMED]

    def overrides_with(self, **own: Any) -> Overrides:
        """The caller's settings of this one run: those of all formats and its `own`."""
        top_p = None if self.top_p is None else max(self.top_p, LEAST_TOP_P)
        return Overrides(temperature=self.temperature, top_p=top_p, **own)


class SamplingRequest(ProgramRequest):
    """What requests for chat and text completions have in common."""

    model: Text = Field(description="The GPT's slug.")
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1, le=10_000_000, description="Default: the GPT's own.")
    stop: Text | list[Text] | None = Field(None, description="Up to four stop sequences.")
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = Field(
        None, max_length=MAX_BIASES, description="By token ids of the model that answers."
    )

    @property
    def in_parallel(self) -> bool:
        """Whether an answer may make several calls of the caller's functions at once."""
        return False

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def without_effect(self, ignores: Collection[str]) -> list[str]:
        """The parameters that were set and have no effect, on a model that `ignores` these as well."""
        named = {name for name in self.model_fields_set & set(ignores) if getattr(self, name) not in (None, 0, {})}
        return sorted({*named, *self.unknown()})

    def overrides(self) -> Overrides:
        """The caller's settings of this one run. Raises ApiError for unusable stop texts and biases."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if len(stop) > 4 or not all(stop):
            raise ApiError(400, "“stop” takes up to four non-empty strings.", "stop", "invalid_value")
        return self.overrides_with(
            max_tokens=self.max_tokens,
            stop=stop,
            seed=self.seed,
            presence_penalty=self.presence_penalty or 0,
            frequency_penalty=self.frequency_penalty or 0,
            logit_bias=self._biases(),
        )

    def _biases(self) -> tuple[tuple[int, float], ...]:
        wrong = next((token for token in self.logit_bias or () if not re.fullmatch(r"\d{1,9}", token)), None)
        if wrong is not None:
            raise ApiError(400, "The keys of “logit_bias” are token ids.", "logit_bias", "invalid_value")
        return tuple((int(token), bias) for token, bias in (self.logit_bias or {}).items())


class CompletionRequest(SamplingRequest):
    """A chat completion request."""

    messages: list[ChatMessage] = Field(min_length=1, max_length=10_000)
    max_tokens: int | None = Field(None, ge=1, le=10_000_000, description="Older name of max_completion_tokens.")
    max_completion_tokens: int | None = Field(None, ge=1, le=10_000_000, description="Default: the GPT's own.")
    reasoning_effort: ReasoningEffort | None = Field(None, description="For models that reason.")
    tools: list[FunctionTool] | None = Field(None, max_length=MAX_FUNCTIONS, description="Your own functions.")
    tool_choice: WantedToolChoice | None = Field(None, description="Default: auto.")
    parallel_tool_calls: bool | None = Field(None, description="False: at most one call at a time.")
    logprobs: bool | None = Field(False, description="How likely the tokens of an answer were to the model.")
    top_logprobs: int | None = Field(None, ge=0, le=20, description="The likeliest tokens to tell with each.")
    n: int | None = Field(None, ge=1, le=MAX_ANSWERS, description="Answers, each of a run of its own. Default: 1.")
    store: bool | None = Field(False, description="Keep the completion for 30 days, to be read again.")
    metadata: Metadata | None = Field(None, description="Of a stored completion.")
    response_format: ResponseFormat | None = Field(None, description="Default: text.")

    def check(self) -> None:
        """The same. Raises ApiError also for parameters that need others."""
        super().check()
        if self.top_logprobs is not None and not self.logprobs:
            raise ApiError(400, "“top_logprobs” needs “logprobs”.", "top_logprobs", "invalid_value")

    @property
    def in_parallel(self) -> bool:
        """Unless it is switched off."""
        return self.parallel_tool_calls is not False

    def without_effect(self, ignores: Collection[str]) -> list[str]:
        """The same; only what is stored has metadata."""
        unstored = ["metadata"] if self.metadata and not self.store else []
        return sorted([*super().without_effect(ignores), *unstored])

    def message(self) -> ProgramMessage:
        """The question, with the messages before it and after it as the GPT reads them. Raises ApiError."""
        return read_conversation(self.messages, has_tools=bool(self.tools))

    def overrides(self) -> Overrides:
        """The same, with what only chats have. Raises ApiError also for unusable functions and schemas."""
        tools = caller_tools(self.tools)
        own = {
            "max_tokens": self.max_completion_tokens or self.max_tokens,
            "reasoning_effort": self.reasoning_effort,
            "tools": tools,
            "tool_choice": choice_of(self.tool_choice, tools),
            "answer_schema": answer_schema(self.response_format),
            "top_logprobs": (self.top_logprobs or 0) if self.logprobs else None,
        }
        return super().overrides().model_copy(update=own)


class Annotation(Schema):
    """A citation, in the only form that chat completions know; `guildhall.citations` has all of it."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


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


class ChoiceLogprobs(Schema):
    """How likely each token was to the model, as its logarithm, with the likeliest tokens in its place."""

    content: list[dict[str, Any]]
    refusal: None = None

    @classmethod
    def of(cls, tokens: Sequence[TokenLogprob]) -> "ChoiceLogprobs | None":
        """Those of these tokens; None if there are none."""
        return cls(content=[token.as_openai() for token in tokens]) if tokens else None


class CompletionChoice(Schema):
    """An answer. Where there are several, `guildhall` has what OpenAI's format doesn't cover of each."""

    index: int
    message: AnswerMessage
    logprobs: ChoiceLogprobs | None = Field(
        None, description="Null for what no model wrote, such as quotes of files."
    )
    finish_reason: CompletionFinish
    guildhall: Extras | None = None


class Completion(Schema):
    """A chat completion. With `stream`, it is sent as `chat.completion.chunk` objects in server-sent events."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: TokenUsage
    guildhall: Extras


def completion_of(answers: Sequence[RunAnswer]) -> Completion:
    """The completion with these answers. Queries the tokens of child runs."""
    about = [answer.extras for answer in answers]
    first = answers[0].run
    choices = [
        CompletionChoice(
            index=index,
            message=_message(answer),
            logprobs=ChoiceLogprobs.of(answer.logprobs),
            finish_reason=answer.finish,
            guildhall=about[index] if len(answers) > 1 else None,
        )
        for index, answer in enumerate(answers)
    ]
    return Completion(
        id=completion_id(first),
        created=int(first.created.timestamp()),
        model=first.message.conversation.gpt.slug,
        choices=choices,
        usage=usage_of(*answers),
        guildhall=about[0],
    )


def _message(answer: RunAnswer) -> AnswerMessage:
    return AnswerMessage(
        content=answer.said.text or (None if answer.calls else ""),
        reasoning_content=answer.reasoning,
        annotations=annotations(answer),
        tool_calls=answer.calls or None,
    )


def completion_id(run: Run) -> str:
    """The id of the completion that `run` answers."""
    return f"chatcmpl-{run.id.hex}"


def annotations(answer: RunAnswer) -> list[Annotation]:
    """The citations of the answer."""
    return [Annotation(url_citation=each) for each in answer.url_citations]
