"""Grammars and sampling in the batch: each constrained row loses the tokens that its grammar forbids, then each row
with a temperature draws its token."""

import numpy as np
import torch
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState

from workers.engine.base import Sampling
from workers.engine.grammar import GrammarState

# So many that top-p almost never needs the whole vocabulary sorted.
N_CANDIDATES = 512


class GrammarMask(ContinuousBatchingLogitsProcessor):
    """Masks tokens row by row; rows without a grammar cost nothing. Must come before the sampler.

    Keeps the rows between the two calls of one step, so it is for synchronous batching without graphs (CPU).
    """

    supported_kwargs = {"grammar": GrammarState}
    ignored_kwargs = ()

    def __init__(self) -> None:
        self._rows: list[tuple[int, torch.Tensor]] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Zeros: the masks are not in the tensor."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[FutureRequestState]) -> torch.Tensor:
        """Computes the masks of the next step; the returned zeros `(rows,)` int32 are unused."""
        self._rows = [
            (row, torch.from_numpy(bits))
            for row, future in enumerate(requests_with_new_token)
            if (bits := _allowed(future.state)) is not None
        ]
        return torch.zeros(len(requests_with_new_token), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """`scores` `(rows, vocabulary)` float32 with what each row's grammar forbids at minus infinity."""
        for row, bits in self._rows:
            allowed = torch.from_numpy(np.unpackbits(bits.numpy(), bitorder="little")[: scores.shape[-1]])
            scores[row, : len(allowed)].masked_fill_(allowed == 0, -torch.inf)
            scores[row, len(allowed) :] = -torch.inf
        return scores


class StaticGrammarMask(GrammarMask):
    """GrammarMask with one buffer of bits on the device, so that a captured graph reads the current masks."""

    def __init__(self, n_rows: int, n_vocabulary: int, device: torch.device) -> None:
        super().__init__()
        self._bits = torch.full((n_rows, (n_vocabulary + 31) // 32 * 4), 255, dtype=torch.uint8, device=device)
        self._shifts = torch.arange(8, dtype=torch.uint8, device=device)

    def prepare_tensor_args(self, requests_with_new_token: list[FutureRequestState]) -> torch.Tensor:
        """Copies the masks of the next step to the device; rows without a grammar allow everything."""
        for row, _ in self._rows:
            self._bits[row] = 255
        zeros = super().prepare_tensor_args(requests_with_new_token)
        for row, bits in self._rows:
            self._bits[row].copy_(bits)
        return zeros

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


class RequestSampler(ContinuousBatchingLogitsProcessor):
    """Samples a token for each row with a temperature and makes it the largest, so that argmax picks it.

    The manager's own per-request processors sort the whole vocabulary for every row at every step, and cannot mix
    greedy rows with sampled ones. Keeps the batch's settings between the two calls of one step, so it is for
    synchronous batching (CPU) only.
    """

    supported_kwargs = {"sampling": Sampling}
    ignored_kwargs = ()

    def __init__(self) -> None:
        self._rows: list[tuple[int, Sampling]] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Zeros: the settings are not in the tensor."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[FutureRequestState]) -> torch.Tensor:
        """Collects the sampled rows of the next step; the returned zeros `(rows,)` int32 are unused."""
        settings = [future.state.logit_processor_kwargs["sampling"] for future in requests_with_new_token]
        self._rows = [(row, sampling) for row, sampling in enumerate(settings) if sampling.temperature > 0]
        return torch.zeros(len(settings), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """`scores` `(rows, vocabulary)` float32 with the drawn token of each sampled row made the largest."""
        for row, sampling in self._rows:
            scores[row, draw(scores[row], sampling)] = torch.inf
        return scores


def draw(scores: torch.Tensor, sampling: Sampling) -> int:
    """A token id drawn from `scores` `(vocabulary,)` after temperature, top-k and top-p."""
    vocabulary = scores.shape[-1]
    n_candidates = min(sampling.top_k or N_CANDIDATES, vocabulary)
    whole = torch.logsumexp(scores / sampling.temperature, -1)
    values, ids = torch.topk(scores, n_candidates)
    weights = torch.exp(values / sampling.temperature - whole)
    if not sampling.top_k and weights.sum() < sampling.top_p:
        values, ids = torch.sort(scores, descending=True)
        weights = torch.exp(values / sampling.temperature - whole)
    if sampling.top_k:
        weights = weights / weights.sum()
    if sampling.top_p < 1:
        before = weights.cumsum(-1) - weights
        weights = torch.where(before < sampling.top_p, weights, 0)
        weights[0] = weights[0].clamp(min=torch.finfo(weights.dtype).tiny)
    return int(ids[torch.multinomial(weights, 1)])
