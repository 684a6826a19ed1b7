"""Fits the head with torch: cross-entropy over the candidates and none."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tests.lab.training.cases import TrainingCase
from workers.bench import Say
from workers.knowledge.embed import Vectors
from workers.smallmodel.routing.dialogue import read_dialogue
from workers.smallmodel.routing.features import prepared, texts_of
from workers.smallmodel.routing.head import N_WISHES, Inputs, Weights, inputs_of, scores, wish_row, wishes

Encode = Callable[[Sequence[str]], Vectors]
WishFit = tuple[Weights, Vectors]

N_FOLDS: Final = 5
WISH_STEPS: Final = 30
SHRINKAGE: Final = 1e-3
RANK: Final = 1
HIDDEN: Final = 10
HIDDEN_NONE: Final = 6
BATCH: Final = 128
EPOCHS: Final = 5
LEARNING_RATE: Final = 3e-3
DECAY: Final = 0.3
DROPOUT: Final = 0.15
SMOOTHING: Final = 0.03
# The total weight of the messages for nothing.
NONE_SHARE: Final = 0.4


def inputs_of_cases(cases: Sequence[TrainingCase], encode: Encode, any_embedder: bool = False) -> list[Inputs]:
    """The head's inputs for each case; each different text is encoded once."""
    talks = [read_dialogue(case.conversation) for case in cases]
    candidates = {each.key(): each for case in cases for each in case.candidates}
    own = {key: texts_of(each) for key, each in candidates.items()}
    texts = dict.fromkeys(text for group in own.values() for text in group)
    texts |= dict.fromkeys(text for talk in talks for text in talk.texts())
    vectors = dict(zip(texts, encode(list(texts)), strict=True))
    ready = {key: prepared(each, np.stack([vectors[text] for text in own[key]])) for key, each in candidates.items()}
    return [
        inputs_of(
            talk,
            np.stack([vectors[text] for text in talk.texts()]),
            [ready[each.key()] for each in case.candidates],
            any_embedder,
        )
        for talk, case in zip(talks, cases, strict=True)
    ]


def fit_wishes(cases: Sequence[TrainingCase], inputs: Sequence[Inputs], seed: int) -> WishFit:
    """The weights "wish" and "wish_bias", and `(n_cases, N_WISHES)` from weights fitted without a case's source.

    The rest of the head is trained on the second, or it would rely too much on this part.
    """
    rows = np.stack([wish_row(each) for each in inputs])
    wanted = np.array([case.wish for case in cases])
    sources = sorted({case.source for case in cases})
    random.Random(seed).shuffle(sources)
    place = {source: n % N_FOLDS for n, source in enumerate(sources)}
    fold = np.array([place[case.source] for case in cases])
    unseen = np.zeros((len(cases), N_WISHES), np.float32)
    for n in range(N_FOLDS):
        unseen[fold == n] = wishes(rows[fold == n], _regression(rows[fold != n], wanted[fold != n]))
    return _regression(rows, wanted), unseen


def _regression(rows: Vectors, wanted: npt.NDArray[np.int64]) -> Weights:
    """Multinomial logistic regression, shrunk towards zero."""
    import torch

    inputs, answer = torch.tensor(rows), torch.tensor(wanted)
    weight = torch.zeros(rows.shape[1], N_WISHES, requires_grad=True)
    bias = torch.zeros(N_WISHES, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=WISH_STEPS)

    def loss() -> float:
        optimizer.zero_grad()
        held = torch.nn.functional.cross_entropy(inputs @ weight + bias, answer) + SHRINKAGE * (weight**2).sum()
        held.backward()
        return float(held.detach())

    optimizer.step(loss)
    return {"wish": weight.detach().numpy(), "wish_bias": bias.detach().numpy()}


def fit(cases: Sequence[TrainingCase], inputs: Sequence[Inputs], wish: WishFit, seed: int, say: Say) -> Weights:
    """One member's weights; `inputs` of the `cases` are from `inputs_of_cases`, `wish` is from `fit_wishes`."""
    import torch

    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    every = np.concatenate([each.pairs for each in inputs])
    scale = {"mean": every.mean(axis=0), "scale": every.std(axis=0) + 0.02}
    tables = _tables(cases, inputs, wish[1], scale, torch)
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
    return wish[0] | scale | {name: part.detach().numpy() for name, part in parts.items()}


def _tables(
    cases: Sequence[TrainingCase], inputs: Sequence[Inputs], wished: Vectors, scale: Weights, torch: Any
) -> dict[str, Any]:
    """All cases as tensors, padded to the most candidates."""
    most = max(len(each.pairs) for each in inputs)

    def padded(rows: list[Vectors]) -> Any:
        table = np.zeros((len(rows), most, rows[0].shape[-1]), np.float32)
        for n, row in enumerate(rows):
            table[n, : len(row)] = row
        return torch.tensor(table)

    sizes = np.array([len(each.pairs) for each in inputs])
    none = np.array([case.right == len(case.candidates) for case in cases])
    share = float(none.mean())
    return {
        "pairs": padded([(each.pairs - scale["mean"]) / scale["scale"] for each in inputs]),
        "kinds": padded([each.kinds for each in inputs]),
        "described": padded([each.described for each in inputs]),
        "there": torch.tensor(np.arange(most) < sizes[:, None]),
        "cues": torch.tensor(np.stack([each.cues for each in inputs])),
        "message": torch.tensor(np.stack([each.message for each in inputs])),
        "wished": torch.tensor(wished),
        "right": torch.tensor(np.where(none, most, [case.right for case in cases])),
        "weight": torch.tensor(np.where(none, NONE_SHARE / share, (1 - NONE_SHARE) / (1 - share)).astype(np.float32)),
    }


def _parameters(tables: dict[str, Any], torch: Any) -> dict[str, Any]:
    """Small random initial weights. Both projections start equal, so that their product starts as a cosine."""
    n_pair, n_cues, n_kinds, dim = (tables[name].shape[-1] for name in ("pairs", "cues", "kinds", "message"))
    n_dots = tables["message"].shape[1]
    n_row = n_pair + n_kinds + n_kinds * n_cues + 2
    n_none = n_pair + n_dots + 1 + n_cues + n_kinds + N_WISHES + 1 + 3
    shapes: dict[str, tuple[int, ...]] = {
        "told": (dim, RANK),
        "pair1": (n_row + n_dots, HIDDEN),
        "pair1_bias": (HIDDEN,),
        "pair2": (HIDDEN,),
        "line": (n_row,),
        "none1": (n_none, HIDDEN_NONE),
        "none1_bias": (HIDDEN_NONE,),
        "none2": (HIDDEN_NONE,),
        "none_line": (n_none,),
        "none_bias": (1,),
    }
    size = {name: 0.0 if "bias" in name else max(1, shape[0]) ** -0.5 for name, shape in shapes.items()}
    size |= {"line": 0.1 * size["line"], "none_line": 0.1 * size["none_line"]}
    parts = {name: torch.randn(shape) * size[name] for name, shape in shapes.items()}
    parts["meant"] = parts["told"].clone()
    return {name: part.requires_grad_(True) for name, part in parts.items()}


def _loss(batch: dict[str, Any], w: dict[str, Any], torch: Any) -> Any:
    """Mean cross-entropy of the batch over the candidates and none, with label smoothing."""
    table = scores(batch, w, torch, lambda values: torch.nn.functional.dropout(values, DROPOUT))
    likely = torch.log_softmax(table, 1)
    held = -likely.gather(1, batch["right"][:, None])[:, 0]
    valid = (table > -9e3).float()
    spread = -(likely * valid).sum(1) / valid.sum(1)
    return (((1 - SMOOTHING) * held + SMOOTHING * spread) * batch["weight"]).mean()


def save_weights(members: Sequence[Weights], path: Path) -> None:
    """Write the members' weights in half precision."""
    parts = {f"{n}/{name}": value.astype(np.float16) for n, w in enumerate(members) for name, value in w.items()}
    np.savez_compressed(path, **parts)  # type: ignore[arg-type]
