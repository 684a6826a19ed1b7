"""Fits the part of the head that tells by the message alone what kind of thing it wants, if anything."""

import random
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.head import N_WISHES, Inputs, Weights, wish_inputs, wishes
from workers.smallmodel.routing.training.cases import Case

Vectors = npt.NDArray[np.float32]
Told = tuple[Weights, Vectors]

N_FOLDS: Final = 5
STEPS: Final = 30
# Chosen on the cases in data/dev-hard.jsonl (2026-11-24).
SHRINKAGE: Final = 1e-3


def fit_wishes(cases: Sequence[Case], inputs: Sequence[Inputs], seed: int) -> Told:
    """The weights "wish" and "wish_bias", and `(n_cases, N_WISHES)` from weights that have not seen a case's source.

    What comes after is trained on the second, or it would trust this part as on cases learned by heart.
    """
    told = np.stack([wish_inputs(each) for each in inputs]).astype(np.float32)
    wanted = np.array([case.wish for case in cases])
    fold = _folds(cases, seed)
    unseen = np.zeros((len(cases), N_WISHES), np.float32)
    for n in range(N_FOLDS):
        unseen[fold == n] = wishes(told[fold == n], _regression(told[fold != n], wanted[fold != n]))
    return _regression(told, wanted), unseen


def _folds(cases: Sequence[Case], seed: int) -> npt.NDArray[np.int64]:
    sources = sorted({case.source for case in cases})
    random.Random(seed).shuffle(sources)
    place = {source: n % N_FOLDS for n, source in enumerate(sources)}
    return np.array([place[case.source] for case in cases])


def _regression(told: Vectors, wanted: npt.NDArray[np.int64]) -> Weights:
    """Multinomial logistic regression, shrunk towards zero."""
    import torch

    rows, answer = torch.tensor(told), torch.tensor(wanted)
    weight = torch.zeros(told.shape[1], N_WISHES, requires_grad=True)
    bias = torch.zeros(N_WISHES, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS)

    def loss() -> float:
        optimizer.zero_grad()
        held = torch.nn.functional.cross_entropy(rows @ weight + bias, answer) + SHRINKAGE * (weight**2).sum()
        held.backward()
        return float(held.detach())

    optimizer.step(loss)
    return {"wish": weight.detach().numpy(), "wish_bias": bias.detach().numpy()}
