"""Replies that transformers' continuous batching cannot write, as those to pictures: one after the other.

It is slow for many people: a reply waits for those before it, those of whom was served last at the end. A model
server such as vLLM batches them.
"""

import copy
import itertools
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from transformers import GenerationConfig, PreTrainedModel

from workers.engine.base import EngineError, Sampling, served_person
from workers.engine.batching import on_device
from workers.engine.choosing import choose, source_of
from workers.engine.grammar import GrammarState
from workers.engine.in_process import Mailbox, Progress

logger = logging.getLogger(__name__)
CLOSED: Final = "The engine was closed."

Inputs = Callable[[], Mapping[str, torch.Tensor]]


class Viewing:
    """One request; see `in_process.Running`. Called by `generate` to choose each token, and whether to stop."""

    cached_tokens = 0

    def __init__(self, inputs: Inputs, max_tokens: int, sampling: Sampling, grammar: GrammarState | None) -> None:
        self.inputs = inputs
        self.max_tokens = max_tokens
        self.person = served_person.get()
        self.is_cancelled = False
        self._sampling = sampling
        self._source = source_of(sampling.seed)
        self._grammar = grammar
        self._reply: list[int] = []
        self._box = Mailbox()

    def read(self, timeout_s: float) -> Progress | None:
        """See `in_process.Running.read`."""
        return self._box.get(timeout_s)

    def cancel(self) -> None:
        """See `in_process.Running.cancel`."""
        self.is_cancelled = True

    def tell(self, *, ended: bool = False, error: str = "") -> None:
        """Wakes the reader with the state of the reply."""
        self._box.put(Progress(tuple(self._reply), ended, error))

    def choose(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """`scores` `(1, vocabulary)` in which only the next token is possible."""
        allowed = self._grammar.allowed() if self._grammar else None
        token = choose(scores[0].float().cpu().numpy(), self._sampling, allowed, self._reply, self._source)
        self._reply.append(token)
        if self._grammar:
            self._grammar.read(self._reply)
        self.tell()
        chosen = torch.full_like(scores, -torch.inf)
        chosen[0, token] = 0
        return chosen

    def stops(self, ids: torch.Tensor, scores: Any) -> torch.Tensor:
        """Whether the reply is no longer wanted, `(1,)`."""
        return torch.tensor([self.is_cancelled], device=ids.device)


class Viewer:
    """A thread that writes replies with `model`; see `in_process.Batch`. A reply that fails ends only itself.

    The model gets a copy of its modules, whose state others then cannot change; the weights are the same.
    """

    cache_tokens: Final = 2**31  # each reply has a cache of its own

    def __init__(self, model: PreTrainedModel, end_ids: frozenset[int]) -> None:
        weights = {id(each): each for each in itertools.chain(model.parameters(), model.buffers())}
        self._model: Any = copy.deepcopy(model, weights)
        self._model.generation_config = GenerationConfig()
        self._end_ids = sorted(end_ids)
        self._waiting: list[Viewing] = []
        self._current: Viewing | None = None
        self._served: dict[int, int] = {}
        self._is_stopped = False
        self._work = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name="viewer", daemon=True)
        self._thread.start()

    @property
    def n_running(self) -> int:
        """How many replies are being written."""
        return int(self._current is not None)

    def begin(self, ids: Sequence[int], max_tokens: int, sampling: Sampling, grammar: GrammarState | None) -> Viewing:
        """See `in_process.Batch.begin`."""
        given = torch.tensor([list(ids)])
        return self.view(lambda: {"input_ids": given}, max_tokens, sampling, grammar)

    def view(self, inputs: Inputs, max_tokens: int, sampling: Sampling, grammar: GrammarState | None) -> Viewing:
        """Adds a prompt, whose `inputs` are made when its turn comes. Raises EngineError."""
        request = Viewing(inputs, max_tokens, sampling, grammar)
        with self._work:
            if self._is_stopped:
                raise EngineError(CLOSED)
            self._waiting.append(request)
            self._work.notify()
        return request

    def problem(self) -> str | None:
        """See `in_process.Batch.problem`."""
        return CLOSED if self._is_stopped else None

    def stop(self) -> None:
        """See `in_process.Batch.stop`."""
        with self._work:
            self._is_stopped = True
            over = [*self._waiting, *([self._current] if self._current else [])]
            self._work.notify()
        for request in over:
            request.cancel()
            request.tell(error=CLOSED)
        self._thread.join(30.0)

    def _loop(self) -> None:
        while request := self._next():
            if not request.is_cancelled:
                self._write(request)

    def _next(self) -> Viewing | None:
        """The next request, of the person who was served longest ago; None once stopped."""
        with self._work:
            self._current = None
            self._work.wait_for(lambda: self._is_stopped or self._waiting)
            if self._is_stopped:
                return None
            request = min(self._waiting, key=lambda each: self._served.get(each.person, 0))
            self._waiting.remove(request)
            self._served[request.person] = max(self._served.values(), default=0) + 1
            self._current = request
            return request

    def _write(self, request: Viewing) -> None:
        try:
            with torch.inference_mode(), on_device(self._model.device):
                self._model.generate(
                    **{name: self._placed(each) for name, each in request.inputs().items()},
                    logits_processor=[request.choose],
                    stopping_criteria=[request.stops],
                    max_new_tokens=request.max_tokens,
                    eos_token_id=self._end_ids,
                    pad_token_id=self._end_ids[0],
                )
        except Exception as error:
            logger.exception("a reply failed")
            request.tell(error=str(error) or type(error).__name__)
        else:
            request.tell(ended=True, error=CLOSED if self._is_stopped else "")

    def _placed(self, given: torch.Tensor) -> torch.Tensor:
        """`given` on the model's device, with the model's kind of numbers."""
        dtype = self._model.dtype if given.is_floating_point() else given.dtype
        return given.to(self._model.device, dtype)
