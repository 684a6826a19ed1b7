"""The engine with the base model in this process: many threads feed one continuous batch."""

import os
import threading
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.generation.continuous_batching.requests import GenerationOutput
from transformers.utils import logging as transformers_logging

from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FinishReason
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from workers.engine.base import (
    BUNDLED,
    EngineConfig,
    EngineError,
    GenerationRequest,
    GrammarError,
    Health,
    Learning,
    PromptTooLong,
    Sampling,
    Token,
    Usage,
)
from workers.engine.batching import CpuManager, Mailbox, open_manager
from workers.engine.calls import CallForm, CallText
from workers.engine.checked import checked
from workers.engine.detokenize import Detokenizer
from workers.engine.encoding import ChatEncoder
from workers.engine.grammar import GrammarCompiler
from workers.engine.lean import make_lean, pack_linears
from workers.engine.reasoning import CLOSING, OPENING, without_reasoning
from workers.engine.weights import fingerprint_of, resolve_model

# 23 KB per token with the bundled model, 377 MB when full; unused tokens take no memory.
CPU_CACHE_TOKENS: Final = 16_384
# How often a waiting stream checks that the batch thread is alive, in seconds.
LIFE_CHECK_S: Final = 1.0
# "No top-k" for processors without such an option; the largest int32.
ALL_TOKENS: Final = 2**31 - 1
# At most as many at the end of a prompt are the tag that opens reasoning.
OPENING_TOKENS: Final = 8


class Generation:
    """One generation in progress: the tokens read so far, and why it ended."""

    def __init__(self, text: Detokenizer | CallText, prompt_tokens: int, ends_at: float) -> None:
        self.request_id = uuid.uuid4().hex
        self.ids: list[int] = []
        self.finish: FinishReason | None = None
        self.shown = ""
        self._text = text
        self._prompt_tokens = prompt_tokens
        self._ends_at = ends_at

    def remaining_s(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def advance(self, output: GenerationOutput | None, end_ids: frozenset[int]) -> str:
        """The text that `output` adds, if any. Sets `finish` when the reply is over, also at the deadline."""
        text = ""
        if output is not None:
            new = output.generated_tokens[len(self.ids) :]
            self.ids.extend(new)
            text = self._text.push([token for token in new if token not in end_ids])
            if output.is_finished():
                self.finish = "stop" if self.ids and self.ids[-1] in end_ids else "length"
        if self._text.stopped:
            self.finish = "stop"
        if self.finish is None and self.remaining_s() == 0.0:
            self.finish = "deadline"
        if self.finish is not None:
            text += self._text.flush()
            self.finish = "stop" if self._text.stopped else self.finish
        self.shown += text
        return text

    def token(self, text: str, cached_tokens: int) -> Token:
        """`text` as a token; the last one has the finish reason and the usage."""
        if self.finish is None:
            return Token(text)
        return Token(text, self.finish, Usage(self._prompt_tokens, len(self.ids), cached_tokens))


class HfEngine(Learning):
    """A model from disk with transformers' continuous batching. The constructor loads it."""

    def __init__(self, config: EngineConfig) -> None:
        folder = resolve_model(config)
        set_compute_threads(config.threads)
        self._name = BUNDLED if config.base_model == BUNDLED else folder.name
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        self._model = load_model(folder, config)
        self.encoder = ChatEncoder(self._tokenizer)
        on_cpu = self._model.device.type == "cpu"
        if on_cpu:
            make_lean(self._model)
            pack_linears(self._model)
        self._cache_tokens = config.cache_tokens or (CPU_CACHE_TOKENS if on_cpu else 0)
        self._fingerprint = fingerprint_of(folder, self._tokenizer.chat_template)
        self._end_ids = _end_ids(self._model, self._tokenizer) | self.encoder.end_ids()
        n_vocabulary = self._model.config.get_text_config().vocab_size
        self._form = self.encoder.form or CallForm()
        self._grammars = GrammarCompiler(self._tokenizer, n_vocabulary, self._end_ids, self._form)
        self._ability = ModelAbility(
            calls_tools=self.encoder.form is not None,
            writes_from_sources=True,
            reasons="<think>" in str(self._tokenizer.chat_template),
            context_tokens=_context_tokens(self._model, config.context_tokens, self._cache_tokens),
        )
        self._lock = threading.Lock()
        self._manager: Any = None
        self._closed = False

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`. The call checks prompt and grammar; generation starts with the first token read."""
        ends_at = time.monotonic() + request.deadline_s
        ids = self.encoder.encode(request.messages, request.tools)
        if len(ids) + request.max_tokens > self._ability.context_tokens:
            raise PromptTooLong(
                f"The prompt of {len(ids)} tokens and a reply of {request.max_tokens} do not fit the model's context "
                f"of {self._ability.context_tokens} tokens."
            )
        if request.grammar is not None:
            self._grammars.start(request.grammar, request.max_tokens)  # compiles it and raises its errors
        return checked(request, lambda attempted: self._attempt(attempted, ids, ends_at))

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """The exact length of the prompt, in tokens."""
        return len(self.encoder.encode(messages, tools))

    def fingerprint(self) -> str:
        """See `fingerprint_of`."""
        return self._fingerprint

    def health(self) -> Health:
        """Ready unless closed or the batch died (the next call opens a new one)."""
        manager = self._manager
        if self._closed:
            return Health(False, self._name, "The engine was closed.")
        if manager is not None and not _is_alive(manager):
            detail = f"The batch stopped: {manager.background_thread_status.fatal_error}"
            return Health(False, self._name, detail)
        return Health(True, self._name, f"on {self._model.device}")

    def close(self) -> None:
        """Stops the batch; waiting streams get an EngineError. The weights go with the engine."""
        with self._lock:
            self._closed = True
            if self._manager is not None and self._manager.is_running():
                self._manager.stop(block=True, timeout=30.0, hard_stop=True)

    def _attempt(self, request: GenerationRequest, ids: list[int], ends_at: float) -> Iterator[Token]:
        """One generation; with tools in the prompt or the grammar, calls are read in the model's own form.

        Under a grammar that leaves no room for reasoning, none that the prompt has opened is left open.
        """
        is_open = str(self._tokenizer.decode(ids[-OPENING_TOKENS:])).rstrip().endswith(OPENING)
        if is_open and request.grammar and (request.grammar.required or request.grammar.json_schema is not None):
            closing_ids = self.encoder.skeleton_ids(f"{CLOSING}\n\n")
            ids, is_open = [*ids, *closing_ids], False
            request = replace(request, max_tokens=max(1, request.max_tokens - len(closing_ids)))
        with_calls = bool(request.tools) or (request.grammar is not None and bool(request.grammar.tools))
        text: Detokenizer | CallText = Detokenizer(self._tokenizer, request.stop)
        if with_calls and (self._form.style != "hermes" or self._form.opening_id is not None):
            text = CallText(self._tokenizer, self._form)
        tokens = self._stream(Generation(text, len(ids), ends_at), ids, request)
        return without_reasoning(tokens, is_open=is_open)

    def _stream(self, reply: Generation, ids: list[int], request: GenerationRequest) -> Generator[Token]:
        """The tokens of `reply`; closing the iterator cancels it."""
        grammar = self._grammars.start(request.grammar, request.max_tokens) if request.grammar else None
        manager = self._running_manager()
        box = manager.output_router.open(reply.request_id)
        try:
            added = manager.add_request(
                ids,
                reply.request_id,
                request.max_tokens,
                streaming=True,
                eos_token_id=sorted(self._end_ids),
                **_sampling_options(manager, request.sampling),
                **({"grammar": grammar} if grammar is not None else {}),
            )
            if added is None:
                raise EngineError("The batch stopped before the request was added; try again.")
            while reply.finish is None:
                text = self._next_text(manager, box, reply)
                if reply.finish is not None:
                    manager.cancel_request(reply.request_id)
                    self._remember(reply)
                    if grammar is not None and grammar.error:
                        raise GrammarError(f"The reply could not follow its schema: {grammar.error}")
                if text or reply.finish is not None:
                    yield reply.token(text, _cached_tokens(manager).get(reply.request_id, 0))
        finally:
            manager.cancel_request(reply.request_id)
            manager.output_router.close(reply.request_id)
            _cached_tokens(manager).pop(reply.request_id, None)

    def _next_text(self, manager: Any, box: Mailbox, reply: Generation) -> str:
        """The text of the next output; empty if there is none in time. Raises EngineError if the batch died."""
        output = box.get(min(LIFE_CHECK_S, reply.remaining_s()))
        if output is None and not _is_alive(manager):
            output = box.get(0.0)
            if output is None:
                raise EngineError(f"The batch stopped: {manager.background_thread_status.fatal_error}")
        if output is not None and output.error is not None:
            raise EngineError(f"The model failed: {output.error}")
        return reply.advance(output, self._end_ids)

    def _remember(self, reply: Generation) -> None:
        """Keeps the model's tokens of the whole reply, for when it comes back as history."""
        ids = [token for token in reply.ids if token not in self._end_ids]
        if self._tokenizer.decode(ids, clean_up_tokenization_spaces=False) == reply.shown:
            self.encoder.remember(reply.shown, ids)

    def _running_manager(self) -> Any:
        """The manager of the batch, opened at the first call and again after a failure."""
        with self._lock:
            if self._closed:
                raise EngineError("The engine was closed.")
            if self._manager is None or not _is_alive(self._manager):
                self._manager = open_manager(self._model, self._cache_tokens)
            return self._manager


def set_compute_threads(wanted: int) -> None:
    """Sets torch's threads to `wanted`, or for 0 to all cores but one (at least one).

    Two threads that spin at barriers on two cores collapse as soon as anything else runs.
    """
    torch.set_num_threads(wanted or max(1, len(os.sched_getaffinity(0)) - 1))


def load_model(folder: Path, config: EngineConfig) -> PreTrainedModel:
    """The model in `folder` on its device, from safetensors only. Raises EngineError if it cannot be loaded."""
    transformers_logging.disable_progress_bar()
    device = config.device if config.device != "auto" else ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype="auto" if config.dtype == "auto" else getattr(torch, config.dtype),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EngineError(f"The base model in {folder} could not be loaded: {error}") from error
    return model.eval().requires_grad_(False).to(device)


def _context_tokens(model: PreTrainedModel, wanted: int, cache_tokens: int) -> int:
    """The longest prompt plus reply: the model's own limit, the operator's, and three quarters of the cache."""
    limits = [
        int(getattr(model.config.get_text_config(), "max_position_embeddings", 0)),
        wanted,
        cache_tokens * 3 // 4,
    ]
    return min(limit for limit in limits if limit) if any(limits) else 4096


def _end_ids(model: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    """The ids that end a reply, from the model's files."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)


def _sampling_options(manager: Any, sampling: Sampling) -> dict[str, Any]:
    """The manager's arguments for `sampling`; the stock manager is greedy by keeping one candidate."""
    if isinstance(manager, CpuManager):
        return {"sampling": sampling}
    if sampling.temperature == 0:
        return {"temperature": 1.0, "top_k": 1, "top_p": 1.0}
    return {"temperature": sampling.temperature, "top_k": sampling.top_k or ALL_TOKENS, "top_p": sampling.top_p}


def _is_alive(manager: Any) -> bool:
    """Whether the manager's thread runs and takes requests."""
    return bool(manager.is_running()) and manager.background_thread_status.can_accept_new_requests() is None


def _cached_tokens(manager: Any) -> dict[str, int]:
    """The number of cached prompt tokens by request; empty for the stock manager."""
    return getattr(getattr(manager.batch_processor, "cache", None), "cached_tokens", {})
