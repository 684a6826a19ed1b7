"""Fits the head that chooses GPTs with torch: cross-entropy over the candidates and none."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.features import read_dialogue
from workers.smallmodel.routing.gpt_features import gpt_known, gpt_texts
from workers.smallmodel.routing.gpt_head import GptInputs, Weights, gpt_inputs, none_row, pair_rows, wish, wish_row
from workers.smallmodel.routing.training.gpt_cases import GptCase

Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

N_FOLDS: Final = 5
SHRINKAGE: Final = 1e-2
RANK: Final = 1
HIDDEN: Final = 8
HIDDEN_NONE: Final = 4
BATCH: Final = 128
EPOCHS: Final = 6
LEARNING_RATE: Final = 3e-3
DECAY: Final = 0.3
DROPOUT: Final = 0.2
SMOOTHING: Final = 0.03
# As how many of all messages those count that want nobody; of what is said to a GPT that can ask others, about that.
NONE_SHARE: Final = 0.36


def inputs_of_cases(cases: Sequence[GptCase], encode: Encode) -> list[GptInputs]:
    """What the head reads of each case; each different text is encoded once."""
    dialogues = [read_dialogue(case.conversation, wide=True) for case in cases]
    candidates = {each.key(): each for case in cases for each in case.candidates}
    own = {key: gpt_texts(each) for key, each in candidates.items()}
    texts = dict.fromkeys(text for group in own.values() for text in group)
    texts |= dict.fromkeys(text for dialogue in dialogues for text in dialogue.texts()[:2])
    vectors = dict(zip(texts, encode(list(texts)), strict=True))
    known = {key: gpt_known(each, np.stack([vectors[text] for text in own[key]])) for key, each in candidates.items()}
    return [
        gpt_inputs(
            dialogue,
            np.stack([vectors[text] for text in dialogue.texts()[:2]]),
            [known[each.key()] for each in case.candidates],
        )
        for dialogue, case in zip(dialogues, cases, strict=True)
    ]


def fit_wish(cases: Sequence[GptCase], inputs: Sequence[GptInputs], seed: int) -> tuple[Weights, Vectors]:
    """The weights of `wish`, and `(n_cases,)` wishes by weights that have not seen the case's domain or line."""
    rows = np.stack([wish_row(each) for each in inputs])
    wanted = np.array([not case.kind.startswith("none") for case in cases], np.float32)
    sources = [case.domain or case.conversation[-1][1].lower()[:12] for case in cases]
    order = sorted(set(sources))
    random.Random(seed).shuffle(order)
    fold = np.array([order.index(source) % N_FOLDS for source in sources])
    unseen = np.zeros(len(cases), np.float32)
    for n in range(N_FOLDS):
        unseen[fold == n] = wish(rows[fold == n], _logistic(rows[fold != n], wanted[fold != n]))
    return _logistic(rows, wanted), unseen


def _logistic(rows: Vectors, wanted: Vectors) -> Weights:
    import torch

    told, answer = torch.tensor(rows), torch.tensor(wanted)
    weight, bias = torch.zeros(rows.shape[1], requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=30)

    def loss() -> float:
        optimizer.zero_grad()
        held = torch.nn.functional.binary_cross_entropy_with_logits(told @ weight + bias, answer)
        held = held + SHRINKAGE * (weight**2).sum()
        held.backward()
        return float(held.detach())

    optimizer.step(loss)
    return {"wish": weight.detach().numpy(), "wish_bias": bias.detach().numpy().reshape(())}


def fit(
    cases: Sequence[GptCase],
    inputs: Sequence[GptInputs],
    wished: tuple[Weights, Vectors],
    seed: int,
    say: Callable[[str], object] = print,
) -> Weights:
    """One member's weights; `wished` is from `fit_wish`."""
    import torch

    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    every = np.concatenate([each.pairs for each in inputs])
    scale = {"mean": every.mean(axis=0), "scale": every.std(axis=0) + 0.02}
    rows = [pair_rows(each, float(row), scale) for each, row in zip(inputs, wished[1], strict=True)]
    nones = [none_row(row, each, float(n)) for row, each, n in zip(rows, inputs, wished[1], strict=True)]
    tables = _tables(cases, inputs, rows, nones, torch)
    parts = _parameters(tables, torch)
    optimizer = torch.optim.AdamW(list(parts.values()), lr=LEARNING_RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(inputs) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    for epoch in range(EPOCHS):
        losses = []
        for chosen in torch.tensor(draw.permutation(len(inputs))).split(BATCH):
            loss = _loss({name: table[chosen] for name, table in tables.items()}, parts, torch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        say(f"seed {seed}, epoch {epoch + 1}: loss {np.mean(losses):.3f}")
    return wished[0] | scale | {name: part.detach().numpy() for name, part in parts.items()}


def _tables(
    cases: Sequence[GptCase], inputs: Sequence[GptInputs], rows: list[Vectors], nones: list[Vectors], torch: Any
) -> dict[str, Any]:
    """All cases as tensors, padded to the longest offer."""
    most = max(len(each) for each in rows)
    dim = inputs[0].message.shape[1]
    pairs = np.zeros((len(rows), most, rows[0].shape[1]), np.float32)
    described = np.zeros((len(rows), most, dim), np.float32)
    there = np.zeros((len(rows), most), bool)
    right = np.array([case.right if case.right < len(case.candidates) else most for case in cases])
    for n, (row, each) in enumerate(zip(rows, inputs, strict=True)):
        pairs[n, : len(row)], described[n, : len(row)], there[n, : len(row)] = row, each.described, True
    return {
        "pairs": torch.tensor(pairs),
        "described": torch.tensor(described),
        "there": torch.tensor(there),
        "none": torch.tensor(np.stack(nones)),
        "message": torch.tensor(np.stack([each.message[0] for each in inputs])),
        "right": torch.tensor(right),
        "weight": torch.tensor(_weights(right == most)),
    }


def _weights(none: npt.NDArray[np.bool_]) -> Vectors:
    """What each case counts, so that those that want nobody make up NONE_SHARE."""
    share = float(none.mean())
    return np.where(none, NONE_SHARE / share, (1 - NONE_SHARE) / (1 - share)).astype(np.float32)


def _parameters(tables: dict[str, Any], torch: Any) -> dict[str, Any]:
    n_pair, n_none, dim = tables["pairs"].shape[2], tables["none"].shape[1] + 3, tables["message"].shape[1]
    shapes = {
        "told": (dim, RANK),
        "pair1": (n_pair + 1, HIDDEN),
        "pair1_bias": (HIDDEN,),
        "pair2": (HIDDEN,),
        "line": (n_pair,),
        "none1": (n_none, HIDDEN_NONE),
        "none1_bias": (HIDDEN_NONE,),
        "none2": (HIDDEN_NONE,),
        "none_line": (n_none,),
        "none_bias": (1,),
    }
    parts = {name: torch.randn(s) * (0.0 if "bias" in name else max(1, s[0]) ** -0.5) for name, s in shapes.items()}
    # Both projections begin as the same one, so that their product begins as a cosine.
    parts["meant"] = parts["told"].clone()
    parts["line"] *= 0.1
    parts["none_line"] *= 0.1
    return {name: part.requires_grad_(True) for name, part in parts.items()}


def _loss(batch: dict[str, Any], w: dict[str, Any], torch: Any) -> Any:
    """Mean cross-entropy of the batch over the candidates and none, a little smoothed."""
    drop = torch.nn.functional.dropout
    there = batch["there"]
    told = drop(batch["message"], 0.1) @ w["told"]
    dots = ((drop(batch["described"], 0.1) @ w["meant"]) * told[:, None, :]).sum(-1, keepdim=True)
    rows = drop(batch["pairs"], 0.1)
    hidden = _gelu(torch.cat([rows, dots], 2) @ w["pair1"] + w["pair1_bias"], torch)
    pair = drop(hidden, DROPOUT) @ w["pair2"] + rows @ w["line"]
    pair = pair.masked_fill(~there, -1e4)
    top = torch.nn.functional.pad(pair, (0, 1), value=-1e4).topk(2).values
    second = torch.where(top[:, 1] > -9e3, top[:, 1], top[:, 0] - 3)
    best_dot = dots[..., 0].masked_fill(~there, -1e4).amax(1)
    seen = torch.stack([best_dot, top[:, 0], top[:, 0] - second], 1)
    best = torch.cat([drop(batch["none"], 0.1), seen], 1)
    nothing = drop(_gelu(best @ w["none1"] + w["none1_bias"], torch), DROPOUT) @ w["none2"]
    nothing = nothing + best @ w["none_line"] + w["none_bias"]
    table = torch.cat([pair, nothing[:, None]], 1)
    likely = torch.log_softmax(table, 1)
    held = -likely.gather(1, batch["right"][:, None])[:, 0]
    valid = (table > -9e3).float()
    spread = -(likely * valid).sum(1) / valid.sum(1)
    return (((1 - SMOOTHING) * held + SMOOTHING * spread) * batch["weight"]).mean()


def _gelu(x: Any, torch: Any) -> Any:
    return x * torch.sigmoid(1.702 * x)
