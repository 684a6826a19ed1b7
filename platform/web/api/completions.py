"""OpenAI's chat completions: what a request means here, and how a run's answer looks in their wire format."""

from typing import Any, Final, Literal

from ninja import Schema
from pydantic import BaseModel, ConfigDict, Field

from gpts.knowledge.documents import Citation, SentenceSupport, Unit
from gpts.messages import Message
from gpts.steps import FinishReason, Log, ModelReply, Overrides
from web.api.errors import ApiError
from web.api.reading import Text
from web.runs.models import Run

# Parameters that would change the answer and cannot be honoured, each with the values that ask for nothing.
UNSUPPORTED: Final[dict[str, tuple[Any, ...]]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "n": (1,),
    "seed": (),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": (),
    "web_search_options": (),
}
CALLER_INSTRUCTIONS: Final = "Instructions from the caller: "

HONOURED: Final = (
    "`model` is a GPT's slug. Answers come from the same run, knowledge and citations as on the page; the citations"
    " are the message's `annotations` of type `file_citation`. `system` and `developer` messages reach the GPT as the"
    " caller's wishes: they do not replace its instructions.\n\nHonoured: `messages` (text), `stream`,"
    " `stream_options.include_usage`, `temperature`, `top_p`, `max_tokens`, `max_completion_tokens`, `stop`."
    " Accepted without effect, as they do not change an answer: `user`, `metadata`, `store`, `service_tier`,"
    " `parallel_tool_calls`, `safety_identifier`, `prompt_cache_key`. Refused with 400 `unsupported_parameter` unless"
    f" neutral: {', '.join(f'`{name}`' for name in UNSUPPORTED)}. Unknown parameters are ignored."
)


class Part(BaseModel):
    """A piece of a message's content. Only parts of type `text` can be read here."""

    type: str
    text: Text = ""


class ChatMessage(BaseModel):
    """A message of the conversation so far; the last one must be the user's question."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None


class StreamOptions(BaseModel):
    """How a stream ends."""

    include_usage: bool | None = None


class CompletionRequest(BaseModel):
    """A chat completion to make."""

    # pydantic's own model: ninja's Schema would lose the undeclared parameters, which `check` must see.
    model_config = ConfigDict(extra="allow")

    model: Text = Field(description="The GPT's slug.")
    messages: list[ChatMessage] = Field(min_length=1, max_length=1_000)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(None, ge=0, le=2, description="Default: the GPT's own.")
    top_p: float | None = Field(None, gt=0, le=1, description="Default: the GPT's own.")
    max_completion_tokens: int | None = Field(None, ge=1, le=8_192, description="Default: the GPT's own.")
    max_tokens: int | None = Field(None, ge=1, le=8_192, description="The older name of max_completion_tokens.")
    stop: Text | list[Text] | None = Field(None, description="Up to four texts that end the answer.")

    def check(self) -> None:
        """Refuse what cannot be honoured. Raises ApiError with the parameter's name."""
        for name, value in (self.model_extra or {}).items():
            if name in UNSUPPORTED and value is not None and value not in UNSUPPORTED[name]:
                raise ApiError(400, f"“{name}” is not supported here; leave it out.", name, "unsupported_parameter")
        if self.messages[-1].role != "user":
            raise ApiError(400, "The last message must have the role “user”.", "messages", "invalid_value")

    def turn(self) -> tuple[str, list[Message]]:
        """The question, and the messages before it as the GPT reads them. Raises ApiError for what is not text."""
        texts = [_text(message, index) for index, message in enumerate(self.messages)]
        pairs = zip(self.messages[:-1], texts[:-1], strict=True)
        return texts[-1], [_earlier(message.role, text) for message, text in pairs if text]

    def overrides(self) -> Overrides:
        """The caller's settings of this one run. Raises ApiError for unusable stop texts."""
        stop = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if len(stop) > 4 or not all(stop):
            raise ApiError(400, "“stop” takes up to four texts, none of them empty.", "stop", "invalid_value")
        return Overrides(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            stop=stop,
        )


def _text(message: ChatMessage, index: int) -> str:
    param = f"messages.{index}"
    if message.role in ("tool", "function"):
        raise ApiError(400, "Tool messages are not supported here.", f"{param}.role", "unsupported_value")
    if message.content is None:
        raise ApiError(400, "The message has no content.", f"{param}.content", "invalid_value")
    if isinstance(message.content, str):
        return message.content
    for place, part in enumerate(message.content):
        if part.type != "text":
            kind = "Images" if part.type == "image_url" else f"Parts of type “{part.type[:40]}”"
            text = f"{kind} cannot be read here; send text."
            raise ApiError(400, text, f"{param}.content.{place}.type", "unsupported_value")
    return "\n".join(part.text for part in message.content)


def _earlier(role: str, text: str) -> Message:
    """A caller's system message speaks with the user's voice, so that it cannot outrank the GPT's instructions."""
    if role == "assistant":
        return Message(role="assistant", content=text)
    return Message(role="user", content=text if role == "user" else CALLER_INSTRUCTIONS + text)


class FileCitation(Schema):
    """The passage of a knowledge file that supports the cited text; `start`/`end` index the file's text.

    `page` counts what `unit` says. `untrusted`: the GPT's creator accepted the passage in spite of a finding.
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
    """A citation: `start_index`/`end_index` are the cited range of the answer in characters, `text` what it says."""

    type: Literal["file_citation"] = "file_citation"
    text: str
    start_index: int
    end_index: int
    file_citation: FileCitation


class Usage(Schema):
    """Tokens that the model read and wrote for this answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Extras(Schema):
    """What OpenAI's format has no place for. `support` is there once the answer is: how far files support it."""

    run_id: str
    coverage: Literal["covered", "not_covered", "no_knowledge"] | None
    support: list[SentenceSupport] = []


class AnswerMessage(Schema):
    """The answer with its citations."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(Schema):
    """The one answer."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Completion(Schema):
    """A chat completion. With `stream` it comes in `chat.completion.chunk` objects instead, as server-sent events."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    guildhall: Extras


def completion_id(run: Run) -> str:
    """The id of the completion that `run` answers."""
    return f"chatcmpl-{run.id.hex}"


def annotations(text: str, citations: tuple[Citation, ...]) -> list[Annotation]:
    """The citations of the answer `text` in the shape of OpenAI's annotations."""
    return [
        Annotation(
            text=text[c.answer_start : c.answer_end],
            start_index=c.answer_start,
            end_index=c.answer_end,
            file_citation=FileCitation(
                file_id=c.file_id,
                filename=c.file_name,
                page=c.page,
                unit=c.unit,
                heading=c.heading,
                quote=c.quote,
                start=c.start,
                end=c.end,
                index=c.tag,
                untrusted=c.untrusted,
            ),
        )
        for c in citations
    ]


def usage_of(log: Log) -> Usage:
    """The tokens of all replies in the run's log."""
    replies = [step for step in log if isinstance(step, ModelReply)]
    read, written = sum(r.prompt_tokens for r in replies), sum(r.completion_tokens for r in replies)
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def finish_reason(finish: FinishReason) -> Literal["stop", "length"]:
    """Why the answer ended, in OpenAI's words."""
    return "length" if finish in ("length", "deadline") else "stop"
