"""One batch of all conversations on a CPU: a thread that gives each its next token, and reads new prompts between.

Prompts that begin alike are read once: of several new ones, the others wait until that beginning is in the cache. If
the cache is full, the youngest conversation of whom has the most gives up its blocks and is read again later.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

import numpy as np

from workers.engine.base import EngineError, Sampling, served_person
from workers.engine.choosing import choose, likelihoods, source_of
from workers.engine.cpu.blocks import BlockCache, keys_of, next_key
from workers.engine.cpu.decoder import BLOCK_TOKENS, Decoder, Part
from workers.engine.grammar import GrammarState
from workers.engine.in_process import Likelihood, Mailbox, Progress

logger = logging.getLogger(__name__)

MAX_RUNNING: Final = 64
# Tokens of prompts that are read in one step: alone, and beside conversations that wait for their next token.
READ_ALONE: Final = 512
READ_BESIDE: Final = 128


class Conversation:
    """A prompt and its reply. For the batch's thread, except for `read` and `cancel`."""

    def __init__(
        self, ids: Sequence[int], max_tokens: int, sampling: Sampling, grammar: GrammarState | None, batch: "CpuBatch"
    ) -> None:
        self.ids = list(ids)
        self.n_prompt = len(ids)
        self.max_tokens = max_tokens
        self.sampling = sampling
        self.source = source_of(sampling.seed)
        self.grammar = grammar
        self.likelihoods: list[Likelihood] = []
        self.n_past = 0
        self.blocks: list[int] = []
        self.keys = keys_of(self.ids)
        self.cached_tokens = 0
        self.cancelled = False
        self.person = served_person.get()
        self._batch = batch
        self._box = Mailbox()

    @property
    def n_left(self) -> int:
        """Tokens that are not in the cache yet; one while the reply is written."""
        return len(self.ids) - self.n_past

    @property
    def reply(self) -> list[int]:
        """The tokens of the reply so far."""
        return self.ids[self.n_prompt :]

    def read(self, timeout_s: float) -> Progress | None:
        """What was written since the last call, waiting up to `timeout_s`; None after that."""
        return self._box.get(timeout_s)

    def cancel(self) -> None:
        """Leave the batch within one step."""
        self.cancelled = True
        self._batch.wake()

    def tell(self, *, ended: bool = False, error: str = "") -> None:
        """Wake the reader with the state of the reply."""
        self._box.put(Progress(self.reply, ended, error, self.likelihoods))


class CpuBatch:
    """A running batch. After an error in a step it is over, and `problem` says why."""

    def __init__(self, decoder: Decoder, end_ids: frozenset[int]) -> None:
        self._decoder = decoder
        self._end_ids = end_ids
        self._cache = BlockCache(decoder.n_blocks)
        self._waiting: deque[Conversation] = deque()
        self.running: list[Conversation] = []
        self._problem: str | None = None
        self._is_stopped = False
        self._work = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name="batch", daemon=True)
        self._thread.start()

    @property
    def n_running(self) -> int:
        """How many conversations have a place."""
        return len(self.running)

    def begin(
        self, ids: Sequence[int], max_tokens: int, sampling: Sampling, grammar: GrammarState | None
    ) -> Conversation:
        """Add a prompt. Raises EngineError if the batch is over."""
        sequence = Conversation(ids, max_tokens, sampling, grammar, self)
        with self._work:
            if self._is_stopped or self._problem is not None:
                raise EngineError("The batch stopped before the request was added; try again.")
            self._waiting.append(sequence)
            self._work.notify()
        return sequence

    def problem(self) -> str | None:
        """Why the batch is over; None while it runs."""
        return self._problem

    def wake(self) -> None:
        """Look at the sequences again."""
        with self._work:
            self._work.notify()

    def stop(self) -> None:
        """End the thread; readers get an error."""
        with self._work:
            self._is_stopped = True
            self._work.notify()
        self._thread.join(30.0)

    def _loop(self) -> None:
        try:
            while self._wait_for_work():
                self._step()
            self._problem = "The engine was closed."
        except Exception as error:
            logger.exception("the batch stopped")
            self._problem = str(error) or type(error).__name__
        with self._work:
            over = [*self.running, *self._waiting]
        for sequence in over:
            sequence.tell(error=self._problem)

    def _wait_for_work(self) -> bool:
        """Drops cancelled sequences, then waits until there are others. False once stopped."""
        with self._work:
            while not self._is_stopped:
                self._drop_cancelled()
                if self.running or self._waiting:
                    return True
                self._work.wait()
            return False

    def _drop_cancelled(self) -> None:
        for sequence in [one for one in self.running if one.cancelled]:
            self._leave(sequence)
        if any(one.cancelled for one in self._waiting):
            self._waiting = deque(one for one in self._waiting if not one.cancelled)

    def _step(self) -> None:
        """One run of the model: a token for each reply, and a piece of new prompts."""
        self._admit()
        parts = self._plan()
        if not parts:
            return
        logits = self._decoder.run([part for _, part in parts])
        for (sequence, part), scores in zip(parts, logits, strict=True):
            self._advance(sequence, len(part.ids))
            if sequence.n_left == 0:
                self._write(sequence, scores)

    def _plan(self) -> list[tuple[Conversation, Part]]:
        """The parts of the next run; sequences for which there is no room leave."""
        writing = sum(one.n_left == 1 for one in self.running)
        budget = READ_BESIDE if writing else READ_ALONE
        planned: list[tuple[Conversation, int]] = []
        for sequence in list(self.running):
            n_tokens = 1 if sequence.n_left == 1 else min(sequence.n_left, budget)
            if n_tokens and sequence in self.running and self._make_room(sequence, n_tokens):
                planned.append((sequence, n_tokens))
                budget -= n_tokens if sequence.n_left > 1 else 0
        return [
            (one, Part(one.ids[one.n_past : one.n_past + n_tokens], one.n_past, one.blocks))
            for one, n_tokens in planned
            if one in self.running
        ]

    def _make_room(self, sequence: Conversation, n_tokens: int) -> bool:
        """Takes the blocks for the next tokens, from others if necessary."""
        missing = -(-(sequence.n_past + n_tokens) // BLOCK_TOKENS) - len(sequence.blocks)
        while (taken := self._cache.take(max(0, missing))) is None:
            leaving = max(reversed(self.running), key=self._n_beside)
            self._leave(leaving)
            self._waiting.appendleft(leaving)
            if leaving is sequence:
                return False
        sequence.blocks.extend(taken)
        return True

    def _admit(self) -> None:
        """Moves waiting sequences into the batch, except those whose beginning is just being read.

        Those of people with the fewest in the batch go first.
        """
        being_read = {key for one in self.running if one.n_left > 1 for key in one.keys[one.n_past // BLOCK_TOKENS :]}
        with self._work:
            candidates, self._waiting = self._waiting, deque()
        while candidates:
            sequence = min(candidates, key=self._n_beside)
            candidates.remove(sequence)
            first_missing = next((key for key in sequence.keys if not self._cache.has(key)), None)
            needed = -(-(len(sequence.ids) + 1) // BLOCK_TOKENS)
            is_full = len(self.running) >= MAX_RUNNING or (self.running and needed > self._cache.n_available)
            if is_full:
                candidates.appendleft(sequence)
                break
            if first_missing in being_read:
                with self._work:
                    self._waiting.append(sequence)
                continue
            self._enter(sequence)
            being_read.update(sequence.keys[len(sequence.blocks) :])
        with self._work:
            self._waiting.extendleft(reversed(candidates))

    def _n_beside(self, sequence: Conversation) -> int:
        """How many of the same person are in the batch."""
        return sum(one.person == sequence.person for one in self.running)

    def _enter(self, sequence: Conversation) -> None:
        # At least one token must be read, as its logits are needed.
        sequence.blocks = self._cache.find(sequence.keys[: (len(sequence.ids) - 1) // BLOCK_TOKENS])
        sequence.n_past = len(sequence.blocks) * BLOCK_TOKENS
        sequence.cached_tokens = min(sequence.n_past, sequence.n_prompt)
        self.running.append(sequence)

    def _leave(self, sequence: Conversation) -> None:
        self.running.remove(sequence)
        self._cache.release(sequence.blocks)
        sequence.blocks, sequence.n_past = [], 0

    def _advance(self, sequence: Conversation, n_tokens: int) -> None:
        """The tokens are in the cache now; full blocks can be shared."""
        first = sequence.n_past // BLOCK_TOKENS
        sequence.n_past += n_tokens
        for at in range(first, sequence.n_past // BLOCK_TOKENS):
            if at == len(sequence.keys):
                before = sequence.keys[-1] if sequence.keys else b""
                ids = sequence.ids[at * BLOCK_TOKENS : (at + 1) * BLOCK_TOKENS]
                sequence.keys.append(next_key(before, ids))
            self._cache.name(sequence.blocks[at], sequence.keys[at])

    def _write(self, sequence: Conversation, scores: np.ndarray) -> None:
        """Appends the next token of the reply, and ends the reply if it was the last."""
        grammar = sequence.grammar
        allowed = grammar.allowed() if grammar is not None else None
        reply = sequence.reply if sequence.sampling.shifts_scores else ()
        token = choose(scores, sequence.sampling, allowed, reply, sequence.source)
        if (n_top := sequence.sampling.top_logprobs) is not None:
            sequence.likelihoods.append(likelihoods(scores, token, n_top))
        sequence.ids.append(token)
        if grammar is not None:
            grammar.read(sequence.reply)
        ended = token in self._end_ids or len(sequence.ids) - sequence.n_prompt >= sequence.max_tokens
        if ended:
            self._leave(sequence)
        sequence.tell(ended=ended)
