"""The choice of the next token from the model's scores, on a CPU."""

from typing import Final

import numpy as np

from workers.engine.base import Sampling

# So many that top-p almost never needs the whole vocabulary sorted.
N_CANDIDATES: Final = 512
_random = np.random.default_rng()


def choose(scores: np.ndarray, sampling: Sampling, allowed: np.ndarray | None = None) -> int:
    """A token id for `scores` `(vocabulary,)` float32: the largest at temperature 0, else drawn.

    `allowed` `(vocabulary / 8,)` uint8, lowest bit first, are the only tokens that may be chosen.
    """
    if allowed is not None:
        bits = np.unpackbits(allowed, bitorder="little")[: len(scores)].astype(bool)
        scores = np.where(np.pad(bits, (0, len(scores) - len(bits))), scores, -np.inf)
    return int(scores.argmax()) if sampling.temperature == 0 else _draw(scores, sampling)


def _draw(scores: np.ndarray, sampling: Sampling) -> int:
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
    return int(_random.choice(ids, p=weights / weights.sum()))


def _largest(scaled: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The ids of the `n` largest, in falling order, and their exponentials."""
    ids = np.argpartition(-scaled, n - 1)[:n] if n < len(scaled) else np.arange(len(scaled))
    ids = ids[np.argsort(-scaled[ids])]
    return ids, np.exp(scaled[ids])
