"""OpenAI's chat completions as model servers speak them: the body of a request, and the events of a streamed reply.

Every failure that a server reports becomes an EngineError.
"""

import base64
import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import httpx

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import Picture, PromptMessage, alternating, with_numbered_calls
from gpts.runs.replies import OPENING, Written, written
from gpts.runs.steps import FinishReason
from gpts.spec.tools import ToolSpec
from workers.engine.base import EngineError, GenerationRequest, PromptTooLong, Usage

# The field of a message for what the model reasoned: DeepSeek, llama.cpp and SGLang use the first, Ollama and vLLM
# the second (vLLM reads both).
REASONING_FIELDS: Final = ("reasoning_content", "reasoning")
# What `settings_of` may return.
OPTIONAL: Final = frozenset(
    "seed presence_penalty frequency_penalty logit_bias logprobs top_logprobs reasoning_effort"
    " chat_template_kwargs".split()
)
# How servers refuse messages that their model's template does not take, and what it takes instead.
_FORMS: Final = (
    ("numbered", re.compile(r"tool.?call.?id.{0,200}(?:nine|\b9\b)", re.IGNORECASE | re.DOTALL)),
    ("no_system", re.compile(r"system (?:role|message)s? (?:is |are )?not supported", re.IGNORECASE)),
    (
        "alternating",
        re.compile(
            r"roles? must alternate|system message must be (?:at )?the (?:begin|first)"
            r"|unexpected role|only user and assistant roles",
            re.IGNORECASE,
        ),
    ),
)
_TOO_LONG: Final = (
    "context length",
    "context_length",
    "context size",
    "maximum context",
    "too long",
    "max_model_len",
)


class StreamedAnswer:
    """Collects the events of one answer. `n_top`: how many of the likeliest tokens are kept with each."""

    def __init__(self, usage: Usage, n_top: int = 0) -> None:
        self.usage = usage
        self._n_top = n_top
        self.timed_out = False
        self.reasoning = ""  # of the last event
        self.reasoning_field = ""
        self.logprobs: tuple[TokenLogprob, ...] = ()  # of the last event
        self._finish: FinishReason | None = None
        self._calls: dict[int, Written] = {}

    def take(self, event: dict[str, Any]) -> str:
        """The text of `event`; its usage and finish reason are kept. Raises EngineError for an error event."""
        if "error" in event:
            raise EngineError(f"The model server failed: {_error_text(event)}")
        text = self.reasoning = ""
        self.logprobs = ()
        for choice in event.get("choices", [])[:1]:
            delta = choice.get("delta") or {}
            text = delta.get("content") or ""
            if name := next((name for name in REASONING_FIELDS if delta.get(name)), ""):
                self.reasoning_field, self.reasoning = name, delta[name]
            self._take_calls(delta.get("tool_calls") or [])
            self.logprobs = tuple(map(self._logprob, (choice.get("logprobs") or {}).get("content") or ()))
            reason = choice.get("finish_reason")
            if reason:
                self._finish = "length" if reason == "length" else "stop"
        if not (isinstance(text, str) and isinstance(self.reasoning, str)):
            raise EngineError("The model server sent a text that is none.")
        if event.get("usage"):
            self.usage = _usage(event["usage"])
        elif text or self.reasoning:  # until the server says how many, if it comes to that
            self.usage = replace(self.usage, completion_tokens=self.usage.completion_tokens + 1)
        return text

    def _logprob(self, told: dict[str, Any]) -> TokenLogprob:
        """A token with its probability as a server tells it; some leave out the bytes."""
        data = bytes(told["bytes"]) if told.get("bytes") else str(told["token"]).encode()
        top = tuple(map(self._logprob, (told.get("top_logprobs") or ())[: self._n_top]))
        return TokenLogprob.of(data, float(told["logprob"]), top)

    def _take_calls(self, deltas: list[dict[str, Any]]) -> None:
        """Adds the pieces of calls: the name comes first, the arguments in pieces."""
        for delta in deltas:
            place, function = int(delta.get("index") or 0), delta.get("function") or {}
            call = self._calls.get(place, Written("", ""))
            name, arguments = call.name + (function.get("name") or ""), function.get("arguments") or ""
            self._calls[place] = Written(
                name, f"{call.arguments}{arguments}", call.call_id or str(delta.get("id") or "")
            )

    def calls(self) -> str:
        """The calls in the platform's form, left open if the length limit cut the reply; empty if the time did."""
        calls = [call for _, call in sorted(self._calls.items())]
        if self._finish is None or not calls:
            return ""
        return OPENING if self._finish == "length" else written(calls)

    def outcome(self, stopped: bool, late: bool) -> FinishReason:
        """Why the answer ended. Raises EngineError if the stream broke off without a reason."""
        if stopped:
            return "stop"
        if self._finish is not None:
            return self._finish
        if late or self.timed_out:
            return "deadline"
        raise EngineError("The model server closed the stream in the middle of an answer.")


def form_wanted(refusal: str) -> str:
    """What of `formed` the server's words ask for; empty if they say nothing of it."""
    return next((name for name, words in _FORMS if words.search(refusal)), "")


def formed(messages: Sequence[PromptMessage], forms: Collection[str]) -> Sequence[PromptMessage]:
    """The messages as a model's template takes them, of which `form_wanted` told the `forms`."""
    if "numbered" in forms:
        messages = with_numbered_calls(messages)
    if "alternating" in forms or "no_system" in forms:
        messages = alternating(messages, has_system="no_system" not in forms)
    return messages


def message_of(message: PromptMessage, reasoning_field: str) -> dict[str, Any]:
    """`message` as the API takes it; a tool's message without a call id is sent as the user's."""
    if message.role == "tool" and not message.call_id:
        return {"role": "user", "content": message.content}
    if message.role == "tool":
        return {"role": "tool", "content": message.content, "tool_call_id": message.call_id}
    if message.pictures:
        text = [{"type": "text", "text": message.content}] if message.content else []
        return {"role": message.role, "content": [*map(_picture, message.pictures), *text]}
    if not message.tool_calls:
        return {"role": message.role, "content": message.content}
    calls = [
        {
            "id": call.call_id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        for call in message.tool_calls
    ]
    reasoning = {reasoning_field: message.reasoning} if message.reasoning else {}
    return {"role": message.role, "content": message.content or None, **reasoning, "tool_calls": calls}


def _picture(picture: Picture) -> dict[str, Any]:
    url = f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def settings_of(request: GenerationRequest) -> dict[str, Any]:
    """The settings that servers need not know, as far as the request has them."""
    sampling = request.sampling
    values = {
        "seed": sampling.seed,
        "presence_penalty": sampling.presence_penalty or None,
        "frequency_penalty": sampling.frequency_penalty or None,
        "logit_bias": {str(token): bias for token, bias in sampling.logit_bias} or None,
        "logprobs": True if sampling.top_logprobs is not None else None,
        # With 0, llama.cpp tells nothing at all.
        "top_logprobs": None if sampling.top_logprobs is None else max(1, sampling.top_logprobs),
        "reasoning_effort": request.reasoning_effort,
        # Read by vLLM, SGLang and llama.cpp, whose models can leave reasoning out but take no effort.
        "chat_template_kwargs": {"enable_thinking": False} if request.without_reasoning else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def tool_of(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.model_description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def constraints(request: GenerationRequest, forces_calls: bool) -> dict[str, Any]:
    """The tools and the grammar for the body. vLLM reads `structured_outputs` too; others ignore it.

    Where the server does not force calls, a demanded one is a JSON value like another, which `checked` reads.
    """
    grammar = request.grammar
    # The grammar may demand a call of fewer tools than those in the prompt.
    demanded = grammar.tools if grammar and grammar.required else ()
    tools = demanded or request.tools or (grammar.tools if grammar else ())
    body: dict[str, Any] = {}
    if tools:
        body["tools"] = [tool_of(tool) for tool in tools]
        body["tool_choice"] = _tool_choice(request)
    schema = dict(grammar.json_schema) if grammar and grammar.json_schema is not None else None
    if demanded and not forces_calls:
        body["tool_choice"], schema = "none", {"anyOf": [_call_schema(tool) for tool in demanded]}
    if schema is not None:
        # What OpenAI calls strict needs closed objects.
        answer = {"name": "answer", "schema": schema, "strict": "additionalProperties" in schema}
        body["response_format"] = {"type": "json_schema", "json_schema": answer}
        body["structured_outputs"] = {"json": schema}
    return body


def _call_schema(tool: ToolSpec) -> dict[str, Any]:
    call = {"name": {"const": tool.name}, "arguments": tool.parameters}
    return {"type": "object", "properties": call, "required": [*call], "additionalProperties": False}


def _tool_choice(request: GenerationRequest) -> Any:
    grammar = request.grammar
    if grammar is None or not grammar.tools:
        return "none" if grammar is not None else "auto"
    if not grammar.required:
        return "auto"
    # vLLM follows the schema of a tool that is named, and not always that of one among several.
    return (
        {"type": "function", "function": {"name": grammar.tools[0].name}} if len(grammar.tools) == 1 else "required"
    )


def events_of(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The JSON events of a server-sent stream, up to `[DONE]`. Raises EngineError for what is not JSON."""
    for line in response.iter_lines():
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
        except ValueError as error:
            raise EngineError(f"The model server sent something that is not JSON: {data[:80]!r}") from error
        if isinstance(event, dict):
            yield event


def raise_for_status(response: httpx.Response) -> None:
    """Raises PromptTooLong or EngineError with the server's message for any status but success."""
    if response.is_success:
        return
    response.read()
    try:
        text = _error_text(response.json())
    except ValueError:
        text = response.text[:300]
    if response.status_code in (400, 413, 422) and any(hint in text.lower() for hint in _TOO_LONG):
        raise PromptTooLong(f"The model server refused the prompt: {text}")
    raise EngineError(f"The model server answered HTTP {response.status_code}: {text}")


def _error_text(body: Any) -> str:
    """The message in an error of OpenAI's shape, or the whole of it."""
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)[:300]


def _usage(usage: dict[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    written = usage.get("completion_tokens_details") or {}
    return Usage(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
        int(details.get("cached_tokens") or 0),
        int(written.get("reasoning_tokens") or 0),
    )
