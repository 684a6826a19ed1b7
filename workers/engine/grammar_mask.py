"""Grammars in transformers' batch: each constrained row loses the tokens that its grammar forbids."""

import numpy as np
import torch
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState

from workers.engine.grammar import GrammarState


class GrammarMask(ContinuousBatchingLogitsProcessor):
    """Masks tokens row by row, before the sampling processors; rows without a grammar allow everything.

    One buffer of bits is on the device, so that a captured graph reads the current masks. For synchronous batching.
    """

    supported_kwargs = {"grammar": GrammarState}
    ignored_kwargs = ()

    def __init__(self, n_rows: int, n_vocabulary: int, device: torch.device) -> None:
        self._rows: list[int] = []
        self._bits = torch.full((n_rows, (n_vocabulary + 31) // 32 * 4), 255, dtype=torch.uint8, device=device)
        self._shifts = torch.arange(8, dtype=torch.uint8, device=device)

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Zeros: the masks are not in the tensor."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[FutureRequestState]) -> torch.Tensor:
        """Copies the masks of the next step to the device; the returned zeros `(rows,)` int32 are unused."""
        for row in self._rows:
            self._bits[row] = 255
        self._rows = []
        for row, future in enumerate(requests_with_new_token):
            bits = _allowed(future.state)
            if bits is not None:
                self._rows.append(row)
                self._bits[row].copy_(torch.from_numpy(bits))
        return torch.zeros(len(requests_with_new_token), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """`scores` `(rows, vocabulary)` with what each row's grammar forbids at minus infinity."""
        n_rows, n_vocabulary = scores.shape
        bits = (self._bits[:n_rows].unsqueeze(-1) >> self._shifts) & 1
        return scores.masked_fill(bits.flatten(1)[:, :n_vocabulary] == 0, -torch.inf)


def _allowed(state: RequestState) -> np.ndarray | None:
    """The bits of the request's allowed next tokens; None if it has no grammar."""
    grammar: GrammarState | None = state.logit_processor_kwargs.get("grammar")
    if grammar is None:
        return None
    # A restarted request has its earlier reply at the end of its prompt.
    earlier = state.initial_tokens[state._true_initial_tokens :] if state._true_initial_tokens else []
    grammar.read([*earlier, *state.generated_tokens])
    return grammar.allowed()
