"""The engine for any OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama or a gateway.

Every failure of the server or the connection becomes an EngineError; closing a stream closes its connection, which
stops the generation. Whether text can form a control token depends on the server's encoding.
"""

import hashlib
import json
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any, Final

import httpx

from gpts.runs.messages import PromptMessage
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from workers.egress import GuardedTransport
from workers.engine.base import (
    EngineConfig,
    EngineError,
    GenerationRequest,
    Grammar,
    GrammarError,
    Health,
    Learning,
    PromptTooLong,
    Token,
    Usage,
)
from workers.engine.chat_completions import (
    OPTIONAL,
    REASONING_FIELDS,
    StreamedAnswer,
    constraints,
    events_of,
    form_wanted,
    formed,
    message_of,
    raise_for_status,
    settings_of,
    tool_of,
)
from workers.engine.checked import calls_problem, checked
from workers.engine.continuing import CONTINUING, continues
from workers.engine.detokenize import StopFilter
from workers.engine.reasoning import without_reasoning
from workers.engine.schemas import checked_size, loosened

CONNECT_TIMEOUT_S: Final = 10.0
HEALTH_TIMEOUT_S: Final = 2.0
# A list of models, which comes in pieces, has come by then; the largest have half a megabyte.
LIST_TIMEOUT_S: Final = 10.0
# The longest reply, with each token in an event of its own and twenty others beside it, takes about half of it.
MAX_BODY_BYTES: Final = 200_000_000
# Used when nothing is set and the server does not report it (vLLM, llama.cpp and Ollama do).
DEFAULT_CONTEXT_TOKENS: Final = 8192
MAX_CONTEXT_TOKENS: Final = 10_000_000
# An estimate, as the exact count needs the server's tokenizer; 3 is safe for code, German, and a Chinese character.
BYTES_PER_TOKEN: Final = 3
# Models that cut a picture into patches of 28 pixels need so many for the largest one (workers/runs/pictures.py).
TOKENS_PER_PICTURE: Final = 2_500
TEMPLATE_TOKENS_PER_MESSAGE: Final = 8
MAX_CONNECTIONS: Final = 256
# Shorter replies are not shortened where a server says that they do not fit.
LEAST_RETRIED: Final = 1_024
CONTROL_TOKENS: Final = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>"),
    *("<|eot_id|>", "<|start_header_id|>", "<|end|>"),
)


# What comes of an answer in no known shape.
_NONSENSE: Final = (RuntimeError, ValueError, TypeError, AttributeError, LookupError)


def api_of(url: str) -> str:
    """The base URL of the API of the server at `url`, which may end in /v1."""
    return url.rstrip("/").removesuffix("/v1") + "/v1/"


class RemoteEngine(Learning):
    """Chat completions of the server at `config.remote_url` (with or without `/v1`)."""

    takes_pictures = True

    def __init__(self, config: EngineConfig) -> None:
        if not config.remote_url:
            raise EngineError("ENGINE is remote but ENGINE_URL is empty; set it to the server's address.")
        self._model = config.remote_model
        self._knows_limit = config.context_tokens > 0
        self._reasoning_field = REASONING_FIELDS[0]
        # Optional settings that the server does not know, or that its model does not take.
        self._refused: set[str] = set()
        # How its template wants messages, where it is stricter than the API.
        self._forms: set[str] = set()
        # Whether a demanded call comes as demanded; Ollama and llama.cpp answer in prose instead.
        self._forces_calls = True
        self._follows_schemas = False
        self._continues: bool | None = None  # None: not asked yet
        self._ability = ModelAbility(
            calls_tools=True,
            writes_from_sources=True,
            context_tokens=config.context_tokens or DEFAULT_CONTEXT_TOKENS,
        )
        headers = {"Authorization": f"Bearer {config.remote_key}"} if config.remote_key else {}
        self._client = httpx.Client(
            base_url=api_of(config.remote_url),
            headers=headers,
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            transport=GuardedTransport(config.egress, MAX_CONNECTIONS) if config.egress else None,
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            trust_env=False,
        )

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`. The server gets the grammar, but its reply is validated all the same."""
        ends_at = time.monotonic() + request.deadline_s
        n_prompt = self.count_tokens(request.messages, request.tools) + len(request.begun) // BYTES_PER_TOKEN
        if request.grammar is not None and request.grammar.json_schema is not None:
            checked_size(request.grammar.json_schema)
        room = self._ability.context_tokens
        if n_prompt // 2 + request.max_tokens > room:  # the estimate is less than twice too high
            raise PromptTooLong(f"The prompt (about {n_prompt} tokens) does not fit {room} tokens.")
        streams = self._follows_schemas
        return self._learns(
            request, checked(request, lambda attempted: self._attempt(attempted, ends_at, n_prompt), streams=streams)
        )

    def _learns(self, request: GenerationRequest, tokens: Iterator[Token]) -> Iterator[Token]:
        """The tokens. Whether the server follows schemas is known from the last reply under one."""
        if request.grammar is None or request.grammar.json_schema is None:
            yield from tokens
            return
        try:
            yield from tokens
        except GrammarError:
            self._follows_schemas = False
            raise
        self._follows_schemas = True

    def fingerprint(self) -> str:
        """Of the server's entry for the model: name, weights and context limit."""
        model = self._model_card()
        facts = {name: model.get(name) for name in ("id", "root", "max_model_len", "owned_by")}
        return hashlib.sha256(json.dumps([self._model, facts], sort_keys=True).encode()).hexdigest()

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """An estimate from the number of bytes, too high rather than too low."""
        texts = [text for message in messages for text in (message.content, message.reasoning)]
        texts += [json.dumps(tool_of(tool), ensure_ascii=False) for tool in tools]
        texts += [json.dumps(call.arguments, ensure_ascii=False) for each in messages for call in each.tool_calls]
        n_bytes = sum(len(text.encode(errors="replace")) for text in texts)
        n_pictures = sum(len(message.pictures) for message in messages)
        n_tokens = n_bytes // BYTES_PER_TOKEN + TEMPLATE_TOKENS_PER_MESSAGE * len(messages)
        return n_tokens + TOKENS_PER_PICTURE * n_pictures

    def health(self) -> Health:
        """Ready when the server lists its models; its context limit is adopted once."""
        try:
            card = self._model_card()
        except EngineError as error:
            return Health(False, self._model, str(error))
        if not self._knows_limit and (limit := self._context_limit(card)):
            self._ability = self._ability.model_copy(update={"context_tokens": limit})
            self._knows_limit = True
        return Health(True, self._model)

    def _model_card(self) -> dict[str, Any]:
        """The server's entry for the model; empty if it lists only others. Raises EngineError."""
        try:
            listed = self._listed("models").get("data") or []
        except (httpx.HTTPError, RuntimeError, ValueError, AttributeError) as error:
            raise EngineError(f"The model server does not answer: {type(error).__name__}: {error}") from error
        names = (self._model, f"{self._model}:latest")  # as Ollama lists a model without a tag
        return next((card for card in listed if isinstance(card, dict) and card.get("id") in names), {})

    def _context_limit(self, card: dict[str, Any]) -> int:
        """The longest prompt and reply in tokens as the server reports it; 0 if it does not."""
        meta = card.get("meta")
        limit = card.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
        if not limit and card.get("owned_by") == "library":
            limit = self._ollama_limit(card["id"])
        return limit if type(limit) is int and 0 < limit <= MAX_CONTEXT_TOKENS else 0

    def _ollama_limit(self, name: str) -> int | None:
        """The context that Ollama has loaded the model with; None until then. It drops what does not fit silently."""
        try:
            loaded = self._listed(self._client.base_url.join("../api/ps"))["models"]
            return next((each.get("context_length") for each in loaded if each.get("name") == name), None)
        except (httpx.HTTPError, RuntimeError, ValueError, KeyError, AttributeError, TypeError):
            return None

    def _listed(self, url: httpx.URL | str) -> Any:
        """The JSON at `url`. Raises httpx.HTTPError or ValueError."""
        ends_at = time.monotonic() + LIST_TIMEOUT_S
        with self._client.stream("GET", url, timeout=HEALTH_TIMEOUT_S) as response:
            response.raise_for_status()
            response.stream = _Limited(response.stream, ends_at)
            response.read()
            return response.json()

    def can_continue(self) -> bool:
        """See `Engine.can_continue`. Asks the model once: many servers begin anew, or refuse."""
        if self._continues is None:
            try:
                self._continues = continues(self.stream(CONTINUING))
            except EngineError:
                self._continues = False
        return self._continues

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
        answer = StreamedAnswer(Usage(n_prompt, 0), request.sampling.top_logprobs or 0)
        remaining_s = max(0.001, ends_at - time.monotonic())
        wait = httpx.Timeout(remaining_s, connect=min(CONNECT_TIMEOUT_S, remaining_s))
        try:
            with self._client.stream("POST", "chat/completions", json=self._body(request), timeout=wait) as response:
                response.stream = _Limited(response.stream, ends_at)
                learns = request if self._learns_refusal(response) else None
                if again := learns or _loosened(request, response) or _shortened(request, response):
                    yield from self._stream(again, ends_at, n_prompt)
                    return
                raise_for_status(response)
                for event in events_of(response):
                    text = visible.push(answer.take(event))
                    self._reasoning_field = answer.reasoning_field or self._reasoning_field
                    if text or answer.reasoning or answer.logprobs:
                        yield Token(text, reasoning=answer.reasoning, logprobs=answer.logprobs)
                    if visible.stopped or time.monotonic() >= ends_at:
                        break
        except httpx.ReadTimeout:
            answer.timed_out = True
        except (httpx.HTTPError, *_NONSENSE) as error:
            raise EngineError(f"The model server failed: {type(error).__name__}: {error}") from error
        finish = answer.outcome(bool(visible.stopped), time.monotonic() >= ends_at)
        calls = answer.calls()
        if request.grammar and request.grammar.required and finish == "stop":
            demanded = {tool.name: tool for tool in request.grammar.tools}
            self._forces_calls = not calls_problem(calls, demanded, required=True)
        stopped = visible.stopped if visible.stopped in request.stop else ""
        yield Token(visible.flush() + calls, finish, answer.usage, stop_sequence=stopped)

    def _body(self, request: GenerationRequest) -> dict[str, Any]:
        """The request as the API takes it."""
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [message_of(each, self._reasoning_field) for each in formed(request.messages, self._forms)],
            "max_tokens": request.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        # Stop strings are applied here: a server would stop at them in the reasoning too, the API allows four, and
        # llama.cpp loses what may begin one at the end of a reply that reaches its limit.
        if sampling.top_k:
            body["top_k"] = sampling.top_k
        if request.begun:
            body["messages"].append({"role": "assistant", "content": request.begun})
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        wanted = {name: value for name, value in settings_of(request).items() if name not in self._refused}
        return {**body, **wanted, **constraints(request, self._forces_calls)}

    def _learns_refusal(self, response: httpx.Response) -> bool:
        """Whether the server refuses a setting that it need not take, or a form of messages that it need not get.

        It gets the request again without. Errors of templates are the server's own for some (llama.cpp, older vLLM).
        """
        if response.status_code not in (400, 422, 500):
            return False
        response.read()
        if (form := form_wanted(response.text)) and form not in self._forms:
            self._forms.add(form)
            return True
        if response.status_code == 500:
            return False
        new = {name for name in OPTIONAL if name in response.text and name not in self._refused}
        self._refused |= new
        return bool(new)


class _Limited(httpx.SyncByteStream):
    """A body of MAX_BODY_BYTES that comes before `ends_at`, whatever the server sends to keep its client waiting."""

    def __init__(self, body: Any, ends_at: float) -> None:
        self._body, self._ends_at = body, ends_at

    def __iter__(self) -> Iterator[bytes]:
        n_left = MAX_BODY_BYTES
        for piece in self._body:
            n_left -= len(piece)
            if n_left < 0:
                raise httpx.ReadError("It sends too much.")
            if time.monotonic() >= self._ends_at:
                raise httpx.ReadTimeout("It sends nothing of use.")
            yield piece

    def close(self) -> None:
        self._body.close()


def _shortened(request: GenerationRequest, response: httpx.Response) -> GenerationRequest | None:
    """The request for a shorter reply, if it is refused as too long: the length of its prompt is an estimate."""
    try:
        raise_for_status(response)
    except PromptTooLong:
        return replace(request, max_tokens=request.max_tokens // 4) if request.max_tokens >= LEAST_RETRIED else None
    except EngineError:
        return None
    return None


def _loosened(request: GenerationRequest, response: httpx.Response) -> GenerationRequest | None:
    """The request with less of its answer's schema, which a server may refuse; None if that is not why it fails."""
    schema = request.grammar.json_schema if request.grammar else None
    if response.status_code not in (400, 422) or schema is None or (loose := loosened(schema)) == schema:
        return None
    return replace(request, grammar=Grammar(json_schema=loose))
