"""The engine for any OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama or a gateway.

Every failure of the server or the connection becomes an EngineError; closing a stream closes its connection, which
stops the generation. Whether text can form a control token depends on the server's encoding.
"""

import base64
import hashlib
import json
import time
from collections.abc import Generator, Iterator
from typing import Any, Final

import httpx

from gpts.runs.messages import Picture, PromptMessage
from gpts.runs.replies import written
from gpts.runs.steps import FinishReason
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from workers.engine.base import (
    EngineConfig,
    EngineError,
    GenerationRequest,
    Health,
    Learning,
    PromptTooLong,
    Token,
    Usage,
)
from workers.engine.checked import checked
from workers.engine.detokenize import StopFilter
from workers.engine.reasoning import without_reasoning
from workers.engine.schemas import checked_size, json_value

CONNECT_TIMEOUT_S: Final = 10.0
HEALTH_TIMEOUT_S: Final = 2.0
# Used when nothing is set and the server does not report it (vLLM does).
DEFAULT_CONTEXT_TOKENS: Final = 8192
# An estimate, as the exact count needs the server's tokenizer; 3 is safe for code and German.
CHARACTERS_PER_TOKEN: Final = 3
# Models that cut a picture into patches of 28 pixels need so many for the largest one (workers/runs/pictures.py).
TOKENS_PER_PICTURE: Final = 2_500
TEMPLATE_TOKENS_PER_MESSAGE: Final = 8
MAX_CONNECTIONS: Final = 256
CONTROL_TOKENS: Final = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    *("<|eot_id|>", "<|start_header_id|>", "<|end|>"),
)
# The field of a message for what the model reasoned: DeepSeek, llama.cpp and SGLang use the first, Ollama and vLLM
# the second (vLLM reads both).
REASONING_FIELDS: Final = ("reasoning_content", "reasoning")
_TOO_LONG: Final = (
    "context length",
    "context_length",
    "context size",
    "maximum context",
    "too long",
    "max_model_len",
)


class RemoteEngine(Learning):
    """Chat completions of the server at `config.remote_url` (with or without `/v1`)."""

    takes_pictures = True

    def __init__(self, config: EngineConfig) -> None:
        if not config.remote_url:
            raise EngineError("ENGINE is remote but ENGINE_URL is empty; set it to the server's address.")
        self._model = config.remote_model
        self._knows_limit = config.context_tokens > 0
        self._reasoning_field = REASONING_FIELDS[0]
        self._ability = ModelAbility(
            calls_tools=True,
            writes_from_sources=True,
            context_tokens=config.context_tokens or DEFAULT_CONTEXT_TOKENS,
        )
        headers = {"Authorization": f"Bearer {config.remote_key}"} if config.remote_key else {}
        self._client = httpx.Client(
            base_url=config.remote_url.rstrip("/").removesuffix("/v1") + "/v1/",
            headers=headers,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
        )

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`. The server gets the grammar, but its reply is validated all the same."""
        ends_at = time.monotonic() + request.deadline_s
        n_prompt = self.count_tokens(request.messages, request.tools)
        if request.grammar is not None and request.grammar.json_schema is not None:
            checked_size(request.grammar.json_schema)
        room = self._ability.context_tokens
        if n_prompt // 2 + request.max_tokens > room:  # the estimate is less than twice too high
            raise PromptTooLong(f"The prompt (about {n_prompt} tokens) does not fit {room} tokens.")
        return checked(request, lambda attempted: self._attempt(attempted, ends_at, n_prompt))

    def fingerprint(self) -> str:
        """Of the server's entry for the model: name, weights and context limit."""
        model = self._model_card()
        facts = {name: model.get(name) for name in ("id", "root", "max_model_len", "owned_by")}
        return hashlib.sha256(json.dumps([self._model, facts], sort_keys=True).encode()).hexdigest()

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """An estimate from the number of characters, too high rather than too low."""
        n_characters = sum(len(message.content) + len(message.reasoning) for message in messages)
        n_characters += sum(len(json.dumps(_tool(tool))) for tool in tools)
        n_characters += sum(len(json.dumps(call.arguments)) for message in messages for call in message.tool_calls)
        n_pictures = sum(len(message.pictures) for message in messages)
        n_tokens = n_characters // CHARACTERS_PER_TOKEN + TEMPLATE_TOKENS_PER_MESSAGE * len(messages)
        return n_tokens + TOKENS_PER_PICTURE * n_pictures

    def health(self) -> Health:
        """Ready when the server lists its models; its context limit is adopted once."""
        try:
            limit = self._model_card().get("max_model_len")
        except EngineError as error:
            return Health(False, self._model, str(error))
        if isinstance(limit, int) and limit > 0 and not self._knows_limit:
            self._ability = self._ability.model_copy(update={"context_tokens": limit})
            self._knows_limit = True
        return Health(True, self._model)

    def _model_card(self) -> dict[str, Any]:
        """The server's entry for the model; empty if it lists only others. Raises EngineError."""
        try:
            response = self._client.get("models", timeout=HEALTH_TIMEOUT_S)
            response.raise_for_status()
            listed = response.json().get("data") or []
        except (httpx.HTTPError, RuntimeError, ValueError, AttributeError) as error:
            raise EngineError(f"The model server does not answer: {type(error).__name__}: {error}") from error
        return next((card for card in listed if isinstance(card, dict) and card.get("id") == self._model), {})

    def close(self) -> None:
        """Closes all connections, which cancels running generations."""
        self._client.close()

    def _attempt(self, request: GenerationRequest, ends_at: float, n_prompt: int) -> Iterator[Token]:
        """One reply. That the model reasons is known from the first one in which it does."""
        for token in without_reasoning(self._stream(request, ends_at, n_prompt)):
            if token.reasoning and not self._ability.reasons:
                self._ability = self._ability.model_copy(update={"reasons": True})
            yield token

    def _stream(self, request: GenerationRequest, ends_at: float, n_prompt: int) -> Generator[Token]:
        """The server's pieces as tokens; leaving early closes the connection."""
        # With tools, servers write control tokens as text; what follows one is not part of the reply.
        visible = StopFilter((*request.stop, *CONTROL_TOKENS) if request.tools else request.stop)
        answer = _StreamedAnswer(Usage(n_prompt, 0))
        remaining_s = max(0.001, ends_at - time.monotonic())
        wait = httpx.Timeout(remaining_s, connect=min(CONNECT_TIMEOUT_S, remaining_s))
        try:
            with self._client.stream("POST", "chat/completions", json=self._body(request), timeout=wait) as response:
                _raise_for_status(response)
                for event in _events(response):
                    text = visible.push(answer.take(event))
                    self._reasoning_field = answer.reasoning_field or self._reasoning_field
                    if text or answer.reasoning:
                        yield Token(text, reasoning=answer.reasoning)
                    if visible.stopped or time.monotonic() >= ends_at:
                        break
        except httpx.ReadTimeout:
            answer.timed_out = True
        except (httpx.HTTPError, RuntimeError) as error:
            raise EngineError(f"The model server failed: {type(error).__name__}: {error}") from error
        yield Token(
            visible.flush() + answer.calls(),
            answer.outcome(visible.stopped, time.monotonic() >= ends_at),
            answer.usage,
        )

    def _body(self, request: GenerationRequest) -> dict[str, Any]:
        """The request as the API takes it."""
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [_message(message, self._reasoning_field) for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.stop and not self.ability().reasons:  # a server stops at them in the reasoning too
            body["stop"] = list(request.stop[:4])  # the API allows four; the others are applied here
        if sampling.top_k:
            body["top_k"] = sampling.top_k
        return {**body, **_constraints(request)}


class _StreamedAnswer:
    """Collects the events of one answer."""

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self.timed_out = False
        self.reasoning = ""  # of the last event
        self.reasoning_field = ""
        self._finish: FinishReason | None = None
        self._calls: dict[int, tuple[str, str]] = {}

    def take(self, event: dict[str, Any]) -> str:
        """The text of `event`; its usage and finish reason are kept. Raises EngineError for an error event."""
        if "error" in event:
            raise EngineError(f"The model server failed: {_error_text(event)}")
        if event.get("usage"):
            self.usage = _usage(event["usage"])
        text = self.reasoning = ""
        for choice in event.get("choices", [])[:1]:
            delta = choice.get("delta") or {}
            text = delta.get("content") or ""
            if name := next((name for name in REASONING_FIELDS if delta.get(name)), ""):
                self.reasoning_field, self.reasoning = name, delta[name]
            self._take_calls(delta.get("tool_calls") or [])
            reason = choice.get("finish_reason")
            if reason:
                self._finish = "length" if reason == "length" else "stop"
        return text

    def _take_calls(self, deltas: list[dict[str, Any]]) -> None:
        """Adds the pieces of calls: the name comes first, the arguments in pieces."""
        for delta in deltas:
            place, function = int(delta.get("index") or 0), delta.get("function") or {}
            name, arguments = self._calls.get(place, ("", ""))
            self._calls[place] = name + (function.get("name") or ""), arguments + (function.get("arguments") or "")

    def calls(self) -> str:
        """The calls in the platform's form; empty if the reply was cut. Raises EngineError."""
        if self._finish in (None, "length"):
            return ""
        try:
            return written([(name, _arguments(text)) for _, (name, text) in sorted(self._calls.items())])
        except ValueError as error:
            raise EngineError(f"The model server sent a call that is not JSON: {error}") from error

    def outcome(self, stopped: bool, late: bool) -> FinishReason:
        """Why the answer ended. Raises EngineError if the stream broke off without a reason."""
        if stopped:
            return "stop"
        if self._finish is not None:
            return self._finish
        if late or self.timed_out:
            return "deadline"
        raise EngineError("The model server closed the stream in the middle of an answer.")


def _message(message: PromptMessage, reasoning_field: str) -> dict[str, Any]:
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


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.model_description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def _constraints(request: GenerationRequest) -> dict[str, Any]:
    """The tools and the grammar for the body. vLLM reads `structured_outputs` too; others ignore it."""
    grammar = request.grammar
    # The grammar may demand a call of fewer tools than those in the prompt.
    demanded = grammar.tools if grammar and grammar.required else ()
    tools = demanded or request.tools or (grammar.tools if grammar else ())
    body: dict[str, Any] = {}
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
        body["tool_choice"] = _tool_choice(request)
    if grammar is not None and grammar.json_schema is not None:
        schema = dict(grammar.json_schema)
        answer = {"name": "answer", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": answer}
        body["structured_outputs"] = {"json": schema}
    return body


def _tool_choice(request: GenerationRequest) -> Any:
    grammar = request.grammar
    if grammar is None or not grammar.tools:
        return "none" if grammar is not None else "auto"
    if not grammar.required:
        return "auto"
    if len(grammar.tools) == 1:
        return {"type": "function", "function": {"name": grammar.tools[0].name}}
    return "required"


def _arguments(text: str) -> dict[str, Any]:
    """The arguments of a call. Raises ValueError if they are not a JSON object."""
    value = json_value(text or "{}")
    if not isinstance(value, dict):
        raise ValueError("the arguments are not an object")
    return value


def _events(response: httpx.Response) -> Iterator[dict[str, Any]]:
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


def _raise_for_status(response: httpx.Response) -> None:
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
