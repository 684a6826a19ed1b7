"""The trained head: numbers of pairs in, one score a candidate and one for "none" out. Plain numpy, no torch."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.features import KINDS, Dialogue, Known, pair_features
from workers.smallmodel.routing.words import DATA

Vectors = npt.NDArray[np.float32]
Weights = dict[str, Vectors]

WEIGHTS: Final = DATA / "head.npz"
# How many numbers "none" sees of the best candidate: cosines and what the words share.
N_BEST: Final = 50
# What a message may want by itself: one of KINDS or nothing.
N_WISHES: Final = len(KINDS) + 1
# Unit vectors of 384 numbers are made about as large as the cues.
WISH_SCALE: Final = 6


@dataclass(frozen=True, slots=True)
class Inputs:
    """A message against its candidates. `message` `(2, dim)`: its vector alone and after the one before."""

    pairs: Vectors
    kinds: npt.NDArray[np.int64]
    cues: Vectors
    message: Vectors
    described: Vectors
    acts: Vectors
    their_acts: Vectors


def inputs_of(dialogue: Dialogue, vectors: Vectors, candidates: list[Known], acts: Vectors) -> Inputs:
    """What the head reads; `vectors` `(4, dim)` belong to `dialogue.texts()`, `acts` are those of the message."""
    return Inputs(
        pair_features(dialogue, vectors, candidates),
        np.array([each.kind for each in candidates]),
        dialogue.cues,
        vectors[:2],
        np.stack([each.vectors[0] for each in candidates]),
        acts,
        np.stack([each.acts for each in candidates]),
    )


def wish_inputs(inputs: Inputs) -> Vectors:
    """`(2 * dim + n_cues,)` float32: what the kind of wish is told by, whatever is offered."""
    return np.concatenate([WISH_SCALE * inputs.message[0], WISH_SCALE * inputs.message[1], inputs.cues])


def wishes(told: Vectors, w: Weights) -> Vectors:
    """`(..., N_WISHES)` float32 in -2..0: log-likelihood of each of KINDS and last of no wish, a third of it."""
    raw = told @ w["wish"] + w["wish_bias"]
    top = raw.max(axis=-1, keepdims=True)
    likely = raw - top - np.log(np.exp(raw - top).sum(axis=-1, keepdims=True))
    return np.asarray(np.maximum(likely, -6) / 3, np.float32)


def widen(inputs: Inputs, wished: Vectors) -> tuple[Vectors, Vectors]:
    """The rows that the two small networks read besides the learned projections: a pair's and that of "none".

    `wished` `(N_WISHES,)` is from `wishes`, in training from weights that have not seen the message.
    """
    n = len(inputs.pairs)
    one_hot = np.eye(len(KINDS), dtype=np.float32)[inputs.kinds]
    seen = np.broadcast_to(inputs.cues, (n, len(inputs.cues)))
    crossed = (one_hot[:, :-1, None] * inputs.cues[None, None, :]).reshape(n, -1)
    own = wished[inputs.kinds]
    wish = np.stack([own, own - wished[-1]], axis=1)
    pairs = np.hstack([inputs.pairs, one_hot, seen, crossed, wish]).astype(np.float32)
    offered = one_hot.max(axis=0)
    sought = [wished, offered * wished[:-1], [own.max(), own.max() - wished[-1]]]
    none = np.concatenate([inputs.pairs[:, :N_BEST].max(axis=0), inputs.cues, offered, *sought])
    return pairs, none.astype(np.float32)


def logits(inputs: Inputs, w: Weights) -> Vectors:
    """`(n_candidates + 1,)`: a logit per candidate and last that of "none"."""
    rows, none = widen(inputs, wishes(wish_inputs(inputs), w))
    told = inputs.message @ w["told"]
    meant = inputs.described @ w["meant"]
    dots = meant @ told.T
    acts = (inputs.their_acts @ w["acts"] @ inputs.acts)[:, None]
    seen = np.tanh(inputs.message[0] @ w["seen"])
    seen_rows = np.broadcast_to(seen, (len(rows), len(seen)))
    hidden = _gelu(np.hstack([rows, dots, acts, seen_rows]) @ w["pair1"] + w["pair1_bias"])
    pair = hidden @ w["pair2"] + rows @ w["line"]
    best = np.concatenate([none, dots.max(axis=0), acts.max(axis=0), [pair.max()], seen])
    nothing = _gelu(best @ w["none1"] + w["none1_bias"]) @ w["none2"] + best @ w["none_line"] + w["none_bias"]
    return np.concatenate([pair, nothing]).astype(np.float32)


def probabilities(inputs: Inputs, members: list[Weights]) -> Vectors:
    """`(n_candidates + 1,)`: the mean over the members, last that of "none"."""
    found = []
    for weights in members:
        raw = logits(inputs, weights).astype(np.float64)
        power = np.exp(raw - raw.max())
        found.append(power / power.sum())
    return np.asarray(np.mean(found, axis=0), np.float32)


def _gelu(x: Vectors) -> Vectors:
    return np.asarray(x / (1 + np.exp(-1.702 * np.clip(x, -40, 40))), np.float32)


@cache
def load_weights(path: Path = WEIGHTS) -> list[Weights]:
    """The members' weights, float32. Raises FileNotFoundError; `manage.py trainrouter` makes the file."""
    members: dict[str, Weights] = {}
    with np.load(path, allow_pickle=False) as stored:
        for name in stored.files:
            member, _, part = name.partition("/")
            members.setdefault(member, {})[part] = stored[name].astype(np.float32)
    return [members[name] for name in sorted(members)]


def save_weights(members: list[Weights], path: Path = WEIGHTS) -> None:
    """Write the members' weights in half precision."""
    parts = {f"{n}/{name}": value.astype(np.float16) for n, w in enumerate(members) for name, value in w.items()}
    np.savez_compressed(path, **parts)  # type: ignore[arg-type]
