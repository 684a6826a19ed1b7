"""Grammars in transformers' batch: each constrained row loses the tokens that its grammar forbids.

Asynchronous batching, which a GPU gets with flash attention, prepares a batch before it knows the tokens of the one
before. A row whose last token is unknown runs without a mask, and its own token is checked when it arrives. One that
the grammar forbids is dropped, with what was computed from it, and the reply has strayed: from there on it gets its
masks, for which the whole batch waits as in synchronous batching. Greedy replies are the same in both ways.

Tested with streams and events that do nothing, not yet on a GPU.
"""

from typing import Any

import numpy as np
import torch
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchProcessor
from transformers.generation.continuous_batching.input_outputs import ContinuousBatchingAsyncIOs
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState, RequestStatus

from workers.engine.grammar import GrammarState


class GrammarMask(ContinuousBatchingLogitsProcessor):
    """Masks tokens row by row, before the sampling processors; rows without a grammar allow everything.

    The masks are on the device, and a row's argument is the place of its mask, so that a captured graph reads those
    of its own batch. Place 0 allows everything; two batches in a row use different halves of the others.
    """

    supported_kwargs = {"grammar": GrammarState}
    ignored_kwargs = ()

    def __init__(self, n_rows: int, n_vocabulary: int, device: torch.device) -> None:
        n_bytes = (n_vocabulary + 31) // 32 * 4
        self._masks = torch.full((1 + 2 * n_rows, n_bytes), 255, dtype=torch.uint8, device=device)
        self._shifts = torch.arange(8, dtype=torch.uint8, device=device)
        self._first, self._other = 1, 1 + n_rows

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """The mask that allows everything."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[FutureRequestState]) -> torch.Tensor:
        """Copies the masks of the next step to the device, and returns their places, `(rows,)` int32."""
        self._first, self._other = self._other, self._first
        places = torch.zeros(len(requests_with_new_token), dtype=torch.int32)
        for row, future in enumerate(requests_with_new_token):
            if _grammar(future.state) is not None and _is_known(future.state):
                places[row] = self._first + row
                self._masks[self._first + row].copy_(torch.from_numpy(_allowed(future.state)))
        return places

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """`scores` `(rows, vocabulary)` with what each row's grammar forbids at minus infinity."""
        n_rows, n_vocabulary = scores.shape
        bits = (self._masks[tensor_arg[:n_rows].long()].unsqueeze(-1) >> self._shifts) & 1
        return scores.masked_fill(bits.flatten(1)[:, :n_vocabulary] == 0, -torch.inf)


class CheckedProcessor(ContinuousBatchProcessor):
    """Keeps the promise of grammars in asynchronous batching, and forgets the rows of cancelled requests.

    Of the two pairs of inputs and outputs, the current one is to be read, and then to be prepared; the other is the
    batch after it, which the device computes meanwhile.
    """

    def prepare_next_batch(self) -> bool:
        """Before it, reads the batch in progress if a reply in it has strayed."""
        ios = self.inputs_and_outputs
        if isinstance(ios, ContinuousBatchingAsyncIOs):
            running = ios.io_pairs[1 - ios.current_pair].host_io
            if any(_has_strayed(future.state) for future in running.requests_in_batch):
                ios.swap_io_pairs()
                self.update_batch()
                ios.swap_io_pairs()
                running.req_id_to_new_token_position = {}  # the host knows its tokens
        return super().prepare_next_batch()

    def update_batch(self) -> None:
        """Appends the tokens of a batch to their requests, but for what a grammar forbids."""
        ios = self.inputs_and_outputs
        if not isinstance(ios, ContinuousBatchingAsyncIOs):
            super().update_batch()
            return
        requests, tokens, _ = ios.prepare_batch_update()
        active = self.scheduler.active_requests
        for future in requests:
            # The library marks the blocks of a cancelled request, which are gone.
            if active.get(future.state.request_id) is not future.state:
                future.state = _nobody()
        with_token = (future for future in requests if future.has_new_token)
        for future, token in zip(with_token, tokens, strict=False):
            if not _allows(future.state, token):
                self._take_back(future.state, ios)
        super().update_batch()
        ios.io_pairs[ios.current_pair].host_io.requests_in_batch = []

    def _take_back(self, state: RequestState, ios: ContinuousBatchingAsyncIOs) -> None:
        """Removes the request from both batches, as if its last known token had not been read yet."""
        state.logit_processor_kwargs["grammar"].strayed = True
        later = ios.io_pairs[1 - ios.current_pair].host_io
        for future in (*ios.io_pairs[ios.current_pair].host_io.requests_in_batch, *later.requests_in_batch):
            if future.state is state:
                state.position_offset -= future.query_length
                future.state = _nobody()
        state.tokens_to_process = state.generated_tokens[-1:]
        # Its next token is not carried over on the device. The order of the others counts.
        places = later.req_id_to_new_token_position.items()
        later.req_id_to_new_token_position = {
            f"{name} (dropped)" if name == state.request_id else name: place for name, place in places
        }


def _nobody() -> RequestState:
    """A request whose tokens nobody gets."""
    return RequestState("", [], _status=RequestStatus.FINISHED)


def _grammar(state: RequestState) -> GrammarState | None:
    grammar: Any = state.logit_processor_kwargs.get("grammar")
    return grammar


def _has_strayed(state: RequestState) -> bool:
    grammar = _grammar(state)
    return grammar is not None and grammar.strayed


def _is_known(state: RequestState) -> bool:
    """Whether all tokens that the request reads, with the step being prepared, are known."""
    return bool(state.position_offset == len(state.initial_tokens) + len(state.generated_tokens))


def _allows(state: RequestState, token: int) -> bool:
    """Whether the request may continue with the token; the first one always had its mask."""
    if _grammar(state) is None or not state.generated_tokens:
        return True
    return bool(_allowed(state)[token // 8] >> token % 8 & 1)


def _allowed(state: RequestState) -> np.ndarray:
    """The bits of the allowed next tokens of a request with a grammar."""
    grammar: GrammarState = state.logit_processor_kwargs["grammar"]
    # A restarted request has its earlier reply at the end of its prompt.
    earlier = state.initial_tokens[state._true_initial_tokens :] if state._true_initial_tokens else []
    grammar.read([*earlier, *state.generated_tokens])
    return grammar.allowed()
