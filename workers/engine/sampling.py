"""Sampling per request in the batch: greedy rows cost nothing, the others only their own sort."""

import torch
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor
from transformers.generation.continuous_batching.requests import FutureRequestState

from workers.engine.base import Sampling

# So many that top-p almost never needs the whole vocabulary sorted.
N_CANDIDATES = 512


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
