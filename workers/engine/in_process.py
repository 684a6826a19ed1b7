"""Engines with the base model in this process: many threads feed one continuous batch.

`local.py` says which of them runs a model.
"""

import threading
import time
from abc import abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from gpts.runs.logprobs import TokenLogprob
from gpts.runs.messages import PromptMessage
from gpts.runs.steps import FinishReason
from gpts.spec.ability import ModelAbility
from gpts.spec.tools import ToolSpec
from workers.engine.base import (
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
from workers.engine.calls import CallForm, CallText
from workers.engine.checked import checked
from workers.engine.detokenize import Detokenizer
from workers.engine.encoding import ChatEncoder
from workers.engine.grammar import GrammarCompiler, GrammarState
from workers.engine.reasoning import CLOSING, OPENING, without_reasoning

# How often a waiting stream checks that the batch thread is alive, in seconds.
LIFE_CHECK_S: Final = 1.0
# At most as many at the end of a prompt are the tag that opens reasoning.
OPENING_TOKENS: Final = 8
# The end of a text that a reply continues, from which its first space is told.
LAST_TOKENS: Final = 8


# The logarithm of a token's probability, and the likeliest tokens in its place with theirs, by ids.
Likelihood = tuple[float, list[tuple[int, float]]]


@dataclass(frozen=True, slots=True)
class Progress:
    """All tokens of a reply so far, whether it ended, and what went wrong; how likely each was, if that is asked."""

    ids: Sequence[int]
    ended: bool = False
    error: str = ""
    likelihoods: Sequence[Likelihood] = ()


class Mailbox:
    """The newest progress of one request; as each contains all tokens so far, older ones are dropped."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._progress: Progress | None = None

    def put(self, progress: Progress) -> None:
        """Replaces the unread progress and wakes the reader."""
        with self._condition:
            self._progress = progress
            self._condition.notify()

    def get(self, timeout_s: float) -> Progress | None:
        """The newest progress, waiting up to `timeout_s`; None after that."""
        with self._condition:
            self._condition.wait_for(lambda: self._progress is not None, timeout_s)
            progress, self._progress = self._progress, None
            return progress


class Running(Protocol):
    """A request in a batch."""

    @property
    def cached_tokens(self) -> int:
        """How many tokens of the prompt came from the prefix cache."""

    def read(self, timeout_s: float) -> Progress | None:
        """The newest progress, waiting up to `timeout_s`; None after that."""

    def cancel(self) -> None:
        """Leave the batch within one step; nothing if it has ended."""


class Batch(Protocol):
    """The model and its thread, shared by all requests. Over after an error."""

    @property
    def n_running(self) -> int:
        """How many requests have a place."""

    def begin(self, ids: Sequence[int], max_tokens: int, sampling: Sampling, grammar: GrammarState | None) -> Running:
        """Add a prompt. Raises EngineError if the batch is over."""

    def problem(self) -> str | None:
        """Why the batch is over; None while it runs."""

    def stop(self) -> None:
        """End the thread; readers get an error."""


class Generation:
    """One generation in progress: the tokens read so far, and why it ended."""

    def __init__(self, text: Detokenizer | CallText, prompt_tokens: int, ends_at: float) -> None:
        self.ids: list[int] = []
        self.finish: FinishReason | None = None
        self.shown = ""
        self.likely: list[tuple[int, Likelihood]] = []
        self._text = text
        self._prompt_tokens = prompt_tokens
        self._ends_at = ends_at

    def remaining_s(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def advance(self, progress: Progress | None, end_ids: frozenset[int]) -> str:
        """The text that `progress` adds, if any. Sets `finish` when the reply is over, also at the deadline."""
        text = ""
        if progress is not None:
            new = progress.ids[len(self.ids) :]
            told = zip(new, progress.likelihoods[len(self.ids) :], strict=False)
            self.likely += [each for each in told if each[0] not in end_ids]
            self.ids.extend(new)
            text = self._text.push([token for token in new if token not in end_ids])
            if progress.ended:
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
        usage = Usage(self._prompt_tokens, len(self.ids), cached_tokens)
        return Token(text, self.finish, usage, stop_sequence=self._text.stopped)


class InProcessEngine(Learning):
    """What engines in this process share: prompts, grammars and replies around a batch that `_open_batch` starts."""

    def __init__(
        self,
        name: str,
        tokenizer: Any,
        *,
        n_vocabulary: int,
        end_ids: frozenset[int],
        context_tokens: int,
        fingerprint: str,
        encoder: ChatEncoder | None = None,
    ) -> None:
        self._name = name
        self._tokenizer = tokenizer
        self._fingerprint = fingerprint
        self.encoder = encoder or ChatEncoder(tokenizer)
        self._end_ids = end_ids | self.encoder.end_ids()
        self._form = self.encoder.form or CallForm()
        self._grammars = GrammarCompiler(tokenizer, n_vocabulary, self._end_ids, self._form)
        self._ability = ModelAbility(
            calls_tools=self.encoder.form is not None,
            writes_from_sources=True,
            reasons="<think>" in str(tokenizer.chat_template),
            context_tokens=context_tokens,
        )
        self._lock = threading.Lock()
        self._batch: Batch | None = None
        self._closed = False

    @abstractmethod
    def _open_batch(self) -> Batch:
        """A new running batch."""

    @property
    @abstractmethod
    def _device(self) -> str:
        """Where the model is, for people."""

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`. The call checks prompt and grammar; generation starts with the first token read."""
        ends_at = time.monotonic() + request.deadline_s
        ids = self.encoder.encode(request.messages, request.tools)
        n_tokens = len(ids) + len(self.encoder.content_ids(request.begun))
        if n_tokens + request.max_tokens > self._ability.context_tokens:
            raise PromptTooLong(
                f"The prompt of {n_tokens} tokens and a reply of {request.max_tokens} do not fit the model's context "
                f"of {self._ability.context_tokens} tokens."
            )
        streams = False
        if request.grammar is not None:  # compiles it and raises its errors
            streams = not self._grammars.start(request.grammar, request.max_tokens).is_loose
        return checked(request, lambda attempted: self._attempt(attempted, ids, ends_at), streams=streams)

    def count_tokens(self, messages: tuple[PromptMessage, ...], tools: tuple[ToolSpec, ...] = ()) -> int:
        """The exact length of the prompt, in tokens."""
        return len(self.encoder.encode(messages, tools))

    def fingerprint(self) -> str:
        """See `Engine.fingerprint`."""
        return self._fingerprint

    def health(self) -> Health:
        """Ready unless closed or the batch died (the next call opens a new one)."""
        if self._closed:
            return Health(False, self._name, "The engine was closed.")
        problem = self._batch.problem() if self._batch else None
        if problem is not None:
            return Health(False, self._name, f"The batch stopped: {problem}")
        return Health(True, self._name, self._device)

    def close(self) -> None:
        """Stops the batch; waiting streams get an EngineError. The weights go with the engine."""
        with self._lock:
            self._closed = True
            if self._batch is not None:
                self._batch.stop()

    def _attempt(self, request: GenerationRequest, ids: list[int], ends_at: float) -> Iterator[Token]:
        """One generation; with tools in the prompt or the grammar, calls are read in the model's own form.

        Under a grammar that leaves no room for reasoning, none that the prompt has opened is left open. A model that
        shall not reason gets a prompt in which it has, as the templates of such models write it; so does
        one that goes on with an answer.
        """
        is_open = str(self._tokenizer.decode(ids[-OPENING_TOKENS:])).rstrip().endswith(OPENING)
        grammar = request.grammar
        is_fixed = grammar is not None and (grammar.required or grammar.json_schema is not None)
        is_over = request.without_reasoning or bool(request.begun)
        if (is_open and is_fixed) or (self._ability.reasons and is_over):
            opening = "" if is_open else f"{OPENING}\n\n"
            closing_ids = self.encoder.skeleton_ids(f"{opening}{CLOSING}\n\n")
            ids, is_open = [*ids, *closing_ids], False
            request = replace(request, max_tokens=max(1, request.max_tokens - len(closing_ids)))
        begun = self.encoder.content_ids(request.begun)
        ids, before = [*ids, *begun], begun[-LAST_TOKENS:]
        with_calls = bool(request.tools) or (request.grammar is not None and bool(request.grammar.tools))
        text: Detokenizer | CallText = Detokenizer(self._tokenizer, request.stop, before)
        if with_calls and (self._form.style != "hermes" or self._form.opening_id is not None):
            text = CallText(self._tokenizer, self._form, before)
        tokens = self._stream(Generation(text, len(ids), ends_at), ids, request)
        return without_reasoning(tokens, is_open=is_open)

    def _stream(self, reply: Generation, ids: list[int], request: GenerationRequest) -> Generator[Token]:
        """The tokens of `reply`; closing the iterator cancels it."""
        grammar = self._grammars.start(request.grammar, request.max_tokens) if request.grammar else None
        batch, running = self._begin(ids, request, grammar)
        try:
            while reply.finish is None:
                text = self._next_text(batch, running, reply)
                if reply.finish is not None:
                    running.cancel()
                    self._remember(reply)
                    if grammar is not None and grammar.error:
                        raise GrammarError(f"The reply could not follow its schema: {grammar.error}")
                if text or reply.finish is not None:
                    token = reply.token(text, running.cached_tokens)
                    yield replace(token, logprobs=self._logprobs(reply)) if reply.likely else token
        finally:
            running.cancel()

    def _begin(
        self, ids: list[int], request: GenerationRequest, grammar: GrammarState | None
    ) -> tuple[Batch, Running]:
        """Adds the prompt `ids` of `request` to a batch. Raises EngineError."""
        batch = self._running_batch()
        return batch, batch.begin(ids, request.max_tokens, request.sampling, grammar)

    def _logprobs(self, reply: Generation) -> tuple[TokenLogprob, ...]:
        """The tokens of `reply` since the last call; control tokens are no text, but may be among the likeliest."""
        told, reply.likely = reply.likely, []
        texts = self._grammars.texts()

        def token(at: int, logprob: float, top: tuple[TokenLogprob, ...] = ()) -> TokenLogprob:
            name = texts[at] or str(self._tokenizer.convert_ids_to_tokens(at)).encode()
            return TokenLogprob.of(name, logprob, top)

        return tuple(
            token(at, logprob, tuple(token(*each) for each in top)) for at, (logprob, top) in told if texts[at]
        )

    def _next_text(self, batch: Batch, running: Running, reply: Generation) -> str:
        """The text of the next tokens; empty if there are none in time. Raises EngineError if the batch died."""
        progress = running.read(min(LIFE_CHECK_S, reply.remaining_s()))
        if progress is None and batch.problem() is not None:
            progress = running.read(0.0)
            if progress is None:
                raise EngineError(f"The batch stopped: {batch.problem()}")
        if progress is not None and progress.error:
            raise EngineError(f"The model failed: {progress.error}")
        return reply.advance(progress, self._end_ids)

    def _remember(self, reply: Generation) -> None:
        """Keeps the model's tokens of the whole reply, for when it comes back as history."""
        ids = [token for token in reply.ids if token not in self._end_ids]
        if self._tokenizer.decode(ids, clean_up_tokenization_spaces=False) == reply.shown:
            self.encoder.remember(reply.shown, ids)

    def _running_batch(self) -> Batch:
        """The batch, opened at the first call and again after a failure."""
        with self._lock:
            if self._closed:
                raise EngineError("The engine was closed.")
            if self._batch is None or self._batch.problem() is not None:
                self._batch = self._open_batch()
            return self._batch
