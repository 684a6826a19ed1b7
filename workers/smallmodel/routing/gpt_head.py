"""The trained head that chooses a GPT: one score a candidate and one for "none". Plain numpy, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.features import Dialogue
from workers.smallmodel.routing.gpt_cues import gpt_cues
from workers.smallmodel.routing.gpt_features import N_NEAR, GptKnown, gpt_pairs
from workers.smallmodel.routing.words import DATA

Vectors = npt.NDArray[np.float32]
Weights = dict[str, Vectors]

GPT_WEIGHTS: Final = DATA / "gpt-head.npz"
# For embedders that nothing was learned of.
ANY_WEIGHTS: Final = DATA / "gpt-head-any.npz"
# Unit vectors of 384 numbers are made about as large as the cues.
WISH_SCALE: Final = 6


@dataclass(frozen=True, slots=True)
class GptInputs:
    """A message against the GPTs. `pairs` `(n, N_PAIR)`, `message` `(2, dim)`, `described` `(n, dim)`."""

    pairs: Vectors
    cues: Vectors
    message: Vectors
    described: Vectors


def gpt_inputs(dialogue: Dialogue, vectors: Vectors, candidates: Sequence[GptKnown]) -> GptInputs:
    """What the head reads; `vectors` `(2, dim)` are the message's, and its after the message before."""
    described = np.stack([each.texts[0] for each in candidates])
    cues = np.concatenate([dialogue.cues, gpt_cues(dialogue.message)])
    return GptInputs(gpt_pairs(dialogue, vectors, candidates), cues, vectors, described)


def for_any(inputs: GptInputs) -> GptInputs:
    """The inputs without what depends on the embedder: vectors and how large its cosines usually are."""
    pairs = inputs.pairs.copy()
    pairs[:, :N_NEAR] = 0
    return replace(inputs, pairs=pairs, message=inputs.message[:, :0], described=inputs.described[:, :0])


def wish_row(inputs: GptInputs) -> Vectors:
    """`(2 * dim + n_cues,)` float32: what tells a wish from talk, whatever is offered."""
    return np.concatenate([WISH_SCALE * inputs.message[0], inputs.cues]).astype(np.float32)


def wish(row: Vectors, w: Weights) -> Vectors:
    """`(...,)` float32 in about -2..2: the log-odds that the message wants something, a third of them."""
    return np.asarray(np.clip(row @ w["wish"] + w["wish_bias"], -6, 6) / 3, np.float32)


def pair_rows(inputs: GptInputs, wished: float, w: Weights) -> Vectors:
    """`(n, n_pair)`: the pairs about as large as one another, and how likely it is that anything is wanted."""
    scaled = (inputs.pairs - w["mean"]) / w["scale"]
    return np.hstack([scaled, np.full((len(scaled), 1), wished, np.float32)]).astype(np.float32)


def none_row(rows: Vectors, inputs: GptInputs, wished: float) -> Vectors:
    """What "none" sees: the best of each number over the candidates, the cues and the wish."""
    return np.concatenate([rows.max(axis=0), inputs.cues, [wished, np.log1p(len(rows)) / 2]]).astype(np.float32)


def pair_scores(rows: Vectors, inputs: GptInputs, w: Weights) -> tuple[Vectors, Vectors]:
    """`(n,)` scores and `(n,)` learned likenesses of message and GPT."""
    told, meant = inputs.message[0] @ w["told"], inputs.described @ w["meant"]
    dots = (meant @ told)[:, None]
    hidden = _gelu(np.hstack([rows, dots]) @ w["pair1"] + w["pair1_bias"])
    return hidden @ w["pair2"] + rows @ w["line"], dots[:, 0]


def gpt_logits(inputs: GptInputs, w: Weights) -> Vectors:
    """`(n_candidates + 1,)`: a logit per candidate and last that of "none"."""
    wished = float(wish(wish_row(inputs), w))
    rows = pair_rows(inputs, wished, w)
    pair, dots = pair_scores(rows, inputs, w)
    order = np.sort(pair)[::-1]
    second = order[1] if len(order) > 1 else order[0] - 3
    seen = [dots.max(), order[0], order[0] - second]
    best = np.concatenate([none_row(rows, inputs, wished), seen]).astype(np.float32)
    nothing = _gelu(best @ w["none1"] + w["none1_bias"]) @ w["none2"] + best @ w["none_line"] + w["none_bias"][0]
    return np.concatenate([pair, [nothing]]).astype(np.float32)


def gpt_probabilities(inputs: GptInputs, members: Sequence[Weights]) -> Vectors:
    """`(n_candidates + 1,)`: the mean over the members, last that of "none"."""
    found = []
    for weights in members:
        raw = gpt_logits(inputs, weights).astype(np.float64)
        power = np.exp(raw - raw.max())
        found.append(power / power.sum())
    return np.asarray(np.mean(found, axis=0), np.float32)


def gpt_ranks(inputs: GptInputs, members: Sequence[Weights]) -> Vectors:
    """`(n_candidates,)` in 0..1: how well each GPT fits the message, against an average one, by the mean score."""
    scores = [pair_scores(pair_rows(inputs, float(wish(wish_row(inputs), w)), w), inputs, w)[0] for w in members]
    return np.asarray(1 / (1 + np.exp(-np.clip(np.mean(scores, axis=0), -30, 30))), np.float32)


def _gelu(x: Vectors) -> Vectors:
    return np.asarray(x / (1 + np.exp(-1.702 * np.clip(x, -40, 40))), np.float32)
