"""The choice of the next token from the model's scores, on a CPU."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from workers.engine.base import Sampling

# So many that top-p almost never needs the whole vocabulary sorted.
N_CANDIDATES: Final = 512
_random = np.random.default_rng()


def source_of(seed: int | None) -> np.random.Generator:
    """What chance comes from: for the same seed, the same."""
    return _random if seed is None else np.random.default_rng(abs(seed))


def choose(
    scores: np.ndarray,
    sampling: Sampling,
    allowed: np.ndarray | None = None,
    reply: Sequence[int] = (),
    source: np.random.Generator = _random,
) -> int:
    """A token id for `scores` `(vocabulary,)` float32: the largest at temperature 0, else drawn from `source`.

    `allowed` `(vocabulary / 8,)` uint8, lowest bit first, are the only tokens that may be chosen. `reply` are the
    tokens so far.
    """
    if sampling.shifts_scores:
        scores = _shifted(scores, sampling, reply)
    if allowed is not None:
        bits = np.unpackbits(allowed, bitorder="little")[: len(scores)].astype(bool)
        scores = np.where(np.pad(bits, (0, len(scores) - len(bits))), scores, -np.inf)
    return int(scores.argmax()) if sampling.temperature == 0 else _draw(scores, sampling, source)


def likelihoods(scores: np.ndarray, token: int, n: int) -> tuple[float, list[tuple[int, float]]]:
    """The logarithm of the probability of `token` by the model's `scores`, and the `n` likeliest with theirs."""
    logs = scores.astype(np.float64) - scores.max()
    logs -= np.log(np.exp(logs).sum())
    top = np.argpartition(-logs, n - 1)[:n] if n else np.arange(0)
    found = [(int(each), float(logs[each])) for each in top]
    return float(logs[token]), sorted(found, key=lambda each: -each[1])


def _shifted(scores: np.ndarray, sampling: Sampling, reply: Sequence[int]) -> np.ndarray:
    """`scores` with bias and penalties, by the formula of OpenAI's reference (`frequency_penalty`)."""
    shifted = scores.astype(np.float32)  # a copy
    for token, bias in sampling.logit_bias:
        if 0 <= token < len(shifted):
            shifted[token] += bias
    if reply:
        tokens, counts = np.unique(np.asarray(reply), return_counts=True)
        shifted[tokens] -= sampling.presence_penalty + sampling.frequency_penalty * counts
    return shifted


def _draw(scores: np.ndarray, sampling: Sampling, source: np.random.Generator) -> int:
    """A token id drawn after temperature, top-k and top-p."""
    scaled = scores.astype(np.float64) / sampling.temperature
    scaled -= scaled.max()
    total = np.exp(scaled).sum()
    n_candidates = min(sampling.top_k or N_CANDIDATES, len(scaled))
    ids, weights = _largest(scaled, n_candidates)
    if not sampling.top_k and weights.sum() < sampling.top_p * total:
        ids, weights = _largest(scaled, len(scaled))
    weights /= weights.sum() if sampling.top_k else total
    if sampling.top_p < 1:
        before = np.cumsum(weights) - weights
        weights = np.where(before < sampling.top_p, weights, 0)
        weights[0] = max(weights[0], np.finfo(np.float64).tiny)
    return int(source.choice(ids, p=weights / weights.sum()))


def _largest(scaled: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The ids of the `n` largest, in falling order, and their exponentials."""
    ids = np.argpartition(-scaled, n - 1)[:n] if n < len(scaled) else np.arange(len(scaled))
    ids = ids[np.argsort(-scaled[ids])]
    return ids, np.exp(scaled[ids])
