"""The trained head: from the features of a message and its candidates to a score per candidate and one for "none".

Tools and GPTs have one each, of the same architecture. The weights are small numpy files; the same code runs in numpy
for a choice and in torch for training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from workers.knowledge.embed import Vectors
from workers.smallmodel.routing.dialogue import Dialogue
from workers.smallmodel.routing.features import N_NEAR, PreparedCandidate, pair_features
from workers.smallmodel.routing.words import DATA

Weights = dict[str, Vectors]

# The wish of a message, whatever is offered: one of these kinds of tool, something else, or (last) nothing.
KINDS: Final = ("code_interpreter", "web_search", "open_page", "make_image", "")
N_WISHES: Final = len(KINDS) + 1
# Scales unit vectors of 384 numbers to about the size of the cues.
WISH_SCALE: Final = 6
_NEVER: Final = -1e4


@dataclass(frozen=True, slots=True)
class Inputs:
    """The features of a message and its `n` candidates.

    `pairs` `(n, n_features)`; `kinds` `(n, len(KINDS))` of 0 and 1; `cues` `(n_cues,)`; `message` `(2, dim)`: its
    vectors alone and after the one before; `described` `(n, dim)`: the candidates' vectors.
    """

    pairs: Vectors
    kinds: Vectors
    cues: Vectors
    message: Vectors
    described: Vectors


def inputs_of(
    dialogue: Dialogue, vectors: Vectors, candidates: Sequence[PreparedCandidate], any_embedder: bool = False
) -> Inputs:
    """The head's inputs; `vectors` `(5, dim)` are those of `dialogue.texts()`.

    For `any_embedder`, without what depends on the embedder of the training: vectors and absolute cosines.
    """
    pairs, message = pair_features(dialogue, vectors, candidates), vectors[:2]
    described = np.stack([each.vectors[0] for each in candidates])
    if any_embedder:
        pairs[:, :N_NEAR], message, described = 0, message[:, :0], described[:, :0]
    kinds = np.array([[each.kind == kind for kind in KINDS] for each in candidates], np.float32)
    return Inputs(pairs, kinds, dialogue.cues, message, described)


def wish_row(inputs: Inputs) -> Vectors:
    """`(2 * dim + n_cues,)` float32: the inputs for the kind of wish."""
    return np.concatenate([WISH_SCALE * inputs.message[0], WISH_SCALE * inputs.message[1], inputs.cues])


def wishes(rows: Vectors, w: Weights) -> Vectors:
    """`(..., N_WISHES)` float32 in -2..0: a third of the log-likelihood of each of KINDS and (last) of no wish."""
    raw = rows @ w["wish"] + w["wish_bias"]
    top = raw.max(axis=-1, keepdims=True)
    likely = raw - top - np.log(np.exp(raw - top).sum(axis=-1, keepdims=True))
    return np.asarray(np.maximum(likely, -6) / 3, np.float32)


def scores(case: dict[str, Any], w: dict[str, Any], xp: Any, drop: Callable[[Any], Any] = lambda x: x) -> Any:
    """`(n_cases, n_candidates + 1)`: a logit per candidate and (last) of "none"; `xp` is numpy or torch.

    `case` has the fields of Inputs for several cases, padded to the same number of candidates, with `there`
    `(n_cases, n_candidates)` where they exist, and `wished` `(n_cases, N_WISHES)` from `wishes`. `drop` is the
    dropout of the training.
    """
    pairs, kinds, cues, wished = (drop(case["pairs"]), case["kinds"], drop(case["cues"]), case["wished"])
    n_cases, n = pairs.shape[0], pairs.shape[1]
    seen = xp.broadcast_to(cues[:, None, :], (n_cases, n, cues.shape[1]))
    crossed = (kinds[:, :, :-1, None] * cues[:, None, None, :]).reshape(n_cases, n, -1)
    own = (kinds * wished[:, None, :-1]).sum(-1)
    wish = xp.stack([own, own - wished[:, -1:]], -1)
    rows = xp.concatenate([pairs, kinds, seen, crossed, wish], axis=-1)
    dots = xp.einsum("bnr,bmr->bnm", drop(case["described"]) @ w["meant"], drop(case["message"]) @ w["told"])
    hidden = _gelu(xp.concatenate([rows, dots], axis=-1) @ w["pair1"] + w["pair1_bias"], xp)
    pair = xp.where(case["there"], drop(hidden) @ w["pair2"] + rows @ w["line"], _NEVER)
    top = xp.amax(pair, axis=-1)
    second = xp.maximum(xp.amax(xp.where(pair == top[:, None], _NEVER, pair), axis=-1), top - 3)
    there = case["there"][..., None]
    best = [xp.amax(xp.where(there, each, _NEVER), axis=1) for each in (pairs, dots, own[..., None])]
    offered = xp.amax(kinds, axis=1)
    alone = xp.stack([top, top - second, xp.log(1.0 + case["there"].sum(-1)) / 2], -1)
    none = xp.concatenate([*best, cues, offered, wished, best[-1] - wished[:, -1:], alone], axis=-1)
    nothing = drop(_gelu(none @ w["none1"] + w["none1_bias"], xp)) @ w["none2"] + none @ w["none_line"]
    return xp.concatenate([pair, (nothing + w["none_bias"])[:, None]], axis=-1)


def _gelu(x: Any, xp: Any) -> Any:
    return x / (1 + xp.exp(-1.702 * xp.clip(x, -40, 40)))


def logits(inputs: Inputs, w: Weights) -> Vectors:
    """`(n_candidates + 1,)`: a logit per candidate and (last) of "none"."""
    case = {
        "pairs": (inputs.pairs - w["mean"]) / w["scale"],
        "kinds": inputs.kinds,
        "cues": inputs.cues,
        "message": inputs.message,
        "described": inputs.described,
        "there": np.ones(len(inputs.pairs), bool),
        "wished": wishes(wish_row(inputs), w),
    }
    found: Vectors = scores({name: part[None] for name, part in case.items()}, w, np)[0]
    return found.astype(np.float32)


def probabilities(inputs: Inputs, members: Sequence[Weights]) -> Vectors:
    """`(n_candidates + 1,)`: the mean over the members, last of "none"."""
    found = []
    for weights in members:
        raw = logits(inputs, weights).astype(np.float64)
        power = np.exp(raw - raw.max())
        found.append(power / power.sum())
    return np.asarray(np.mean(found, axis=0), np.float32)


def weights_file(kind: str, any_embedder: bool) -> Path:
    """The file of the weights for "tools" or "gpts"."""
    return DATA / f"{kind}{'-any' if any_embedder else ''}.npz"


@cache
def load_weights(path: Path) -> list[Weights]:
    """The members' weights, float32. Raises FileNotFoundError; `python -m tests.lab train` writes the file."""
    members: dict[str, Weights] = {}
    with np.load(path, allow_pickle=False) as stored:
        for name in stored.files:
            member, _, part = name.partition("/")
            members.setdefault(member, {})[part] = stored[name].astype(np.float32)
    return [members[name] for name in sorted(members)]
