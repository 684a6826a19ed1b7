"""Fits the head with torch: cross-entropy over the candidates and none, a few members with different seeds."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing import cues
from workers.smallmodel.routing.candidates import Candidate
from workers.smallmodel.routing.features import Known, known_of, read_dialogue, texts_of
from workers.smallmodel.routing.head import Inputs, Weights, inputs_of, widen
from workers.smallmodel.routing.training.cases import Case
from workers.smallmodel.routing.training.wishes import Told

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

RANK: Final = 1
SEEN: Final = 1
HIDDEN: Final = 12
HIDDEN_NONE: Final = 8
BATCH: Final = 128
SMOOTHING: Final = 0.03
# Starting size of the learned projections' part in the score.
DOTS: Final = 2
# Settings chosen on the families that were held out (2026-11-24).
EPOCHS: Final = 4
LEARNING_RATE: Final = 3e-3
DECAY: Final = 0.3
DROPOUT: Final = 0.2


def inputs_of_cases(cases: Sequence[Case], encode: Encode) -> list[Inputs]:
    """What the head reads of each case; each different text is encoded once."""
    dialogues = [read_dialogue(case.conversation) for case in cases]
    candidates = {each.key(): each for case in cases for each in case.candidates}
    own = {key: texts_of(each) for key, each in candidates.items()}
    texts = dict.fromkeys(text for group in own.values() for text in group)
    texts |= dict.fromkeys(text for dialogue in dialogues for text in dialogue.texts())
    vectors = dict(zip(texts, encode(list(texts)), strict=True))
    known: dict[str, Known] = {
        key: known_of(each, np.stack([vectors[text] for text in own[key]])) for key, each in candidates.items()
    }

    def known_in(offered: Sequence[Candidate]) -> list[Known]:
        return [known[each.key()] for each in offered]

    return [
        inputs_of(
            dialogue,
            np.stack([vectors[text] for text in dialogue.texts()]),
            known_in(case.candidates),
            cues.acts(dialogue.message),
        )
        for dialogue, case in zip(dialogues, cases, strict=True)
    ]


def fit(
    cases: Sequence[Case], inputs: Sequence[Inputs], told: Told, seed: int, say: Callable[[str], object]
) -> Weights:
    """One member's weights; `inputs` of the `cases` are from `inputs_of_cases`, `told` is from `fit_wishes`."""
    import torch

    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    wish, wished = told
    wide = [widen(each, row) for each, row in zip(inputs, wished, strict=True)]
    right = [case.right for case in cases]
    parts = _parameters(inputs[0], wide[0], torch)
    optimizer = torch.optim.AdamW(list(parts.values()), lr=LEARNING_RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(inputs) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        order, losses = draw.permutation(len(inputs)), []
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH].tolist()
            loss = _loss([inputs[n] for n in rows], [wide[n] for n in rows], [right[n] for n in rows], parts, torch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        say(f"seed {seed}, epoch {epoch + 1}: loss {np.mean(losses):.3f}")
    return wish | {name: part.detach().numpy() for name, part in parts.items()}


def _parameters(one: Inputs, wide: tuple[Vectors, Vectors], torch: Any) -> dict[str, Any]:
    dim = one.message.shape[1]
    rows, none = wide
    n_pair, n_none = rows.shape[1] + DOTS + 1 + SEEN, none.shape[0] + DOTS + 2 + SEEN
    shapes = {
        "told": (dim, RANK),
        "meant": (dim, RANK),
        "acts": (cues.N_ACTS, cues.N_ACTS),
        "seen": (dim, SEEN),
        "pair1": (n_pair, HIDDEN),
        "pair1_bias": (HIDDEN,),
        "pair2": (HIDDEN,),
        "line": (rows.shape[1],),
        "none1": (n_none, HIDDEN_NONE),
        "none1_bias": (HIDDEN_NONE,),
        "none2": (HIDDEN_NONE, 1),
        "none_line": (n_none, 1),
        "none_bias": (1,),
    }
    parts = {
        name: torch.randn(shape) * (0.0 if "bias" in name else shape[0] ** -0.5) for name, shape in shapes.items()
    }
    # Both projections begin as the same one, so that their product begins as a cosine.
    parts["meant"] = parts["told"].clone()
    parts["acts"] *= 0.1
    parts["line"] *= 0.1
    parts["none_line"] *= 0.1
    return {name: part.requires_grad_(True) for name, part in parts.items()}


def _loss(
    batch: list[Inputs], wide: list[tuple[Vectors, Vectors]], right: list[int], w: dict[str, Any], torch: Any
) -> Any:
    """Mean cross-entropy of the batch; the candidates of all its cases are computed together."""
    sizes = [len(each.pairs) for each in batch]
    owner = torch.tensor(np.repeat(np.arange(len(batch)), sizes))
    rows = torch.tensor(np.concatenate([pairs for pairs, _ in wide]))
    messages = torch.tensor(np.stack([each.message for each in batch]))
    described = torch.tensor(np.concatenate([each.described for each in batch]))
    acts = torch.tensor(np.stack([each.acts for each in batch]))
    theirs = torch.tensor(np.concatenate([each.their_acts for each in batch]))
    drop = torch.nn.functional.dropout
    told = drop(messages, 0.1) @ w["told"]
    dots = ((drop(described, 0.1) @ w["meant"])[:, None, :] * told[owner]).sum(-1)
    act = ((theirs @ w["acts"]) * acts[owner]).sum(-1, keepdim=True)
    seen = drop(torch.tanh(drop(messages[:, 0], 0.3) @ w["seen"]), 0.3)
    rows = drop(rows, 0.1)
    hidden = _gelu(torch.cat([rows, dots, act, seen[owner]], 1) @ w["pair1"] + w["pair1_bias"], torch)
    pair = drop(hidden, DROPOUT) @ w["pair2"] + rows @ w["line"]
    table = torch.full((len(batch), max(sizes) + 1), -1e4)
    place = torch.tensor(np.concatenate([np.arange(size) for size in sizes]))
    table = table.index_put((owner, place), pair)

    def best(values: Any) -> Any:
        grid = torch.full((len(batch), max(sizes), values.shape[1]), -1e4)
        return grid.index_put((owner, place), values).amax(1)

    none = drop(torch.tensor(np.stack([none for _, none in wide])), 0.1)
    heads = torch.cat([none, best(dots), best(act), best(pair[:, None]), seen], 1)
    nothing = drop(_gelu(heads @ w["none1"] + w["none1_bias"], torch), DROPOUT) @ w["none2"]
    nothing = (nothing + heads @ w["none_line"] + w["none_bias"])[:, 0]
    ends = torch.tensor(sizes)
    table = table.index_put((torch.arange(len(batch)), ends), nothing)
    answer = torch.tensor(right)
    likely = torch.log_softmax(table, 1)
    held = -likely.gather(1, answer[:, None])[:, 0]
    valid = (table > -9e3).float()
    spread = -(likely * valid).sum(1) / valid.sum(1)
    return ((1 - SMOOTHING) * held + SMOOTHING * spread).mean()


def _gelu(x: Any, torch: Any) -> Any:
    return x * torch.sigmoid(1.702 * x)
