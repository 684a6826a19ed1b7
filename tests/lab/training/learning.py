"""Learns a small change of the embedder, of low rank (LoRA, Hu et al. 2021), which `tuned.add_change` adds to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from workers.bench import Say
from workers.knowledge.embed import Embedder

Batch = TypeVar("Batch")
DATA: Final = Path(__file__).parent / "data"

# Names of the changed layers in each of the encoder's blocks.
LAYERS: Final = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
_DECAY: Final = 0.01
_WARM_UP: Final = 0.1
# Batches in which texts are read one after the other, the short ones apart from the long ones.
_BATCHES: Final = 3
_SAID_EVERY: Final = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to train. `check`: measure on held-out examples, too; `tune`: learn the router's change anew."""

    rounds: int = 2
    members: int = 3
    seed: int = 1
    check: bool = True
    tune: bool = False


def frozen(embedder: Embedder, dropout: float = 0.0) -> Any:
    """The embedder's model as it is; its layers are kept in 16 bits, in which they are computed."""
    import torch
    from transformers import AutoModel

    # "eager": with torch's own attention a step takes twice as long on a CPU in 16 bits (2026-11).
    model = AutoModel.from_pretrained(
        str(embedder.folder),
        dtype=torch.float32,
        attn_implementation="eager",
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    for part in model.parameters():
        part.requires_grad_(False)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.to(torch.bfloat16)
    return model.train()


def insert_change(model: Any, rank: int) -> dict[str, Any]:
    """Put a trainable change of rank `rank` beside each of LAYERS; returns its parts by name."""
    import torch

    parts: dict[str, Any] = {}
    for path, layer in list(model.named_modules()):
        if path.endswith(LAYERS) and "encoder.layer" in path:
            down = (torch.randn(rank, layer.in_features) * layer.in_features**-0.5).requires_grad_(True)
            up = torch.zeros(layer.out_features, rank).requires_grad_(True)
            name = path[path.index("encoder.layer") :]
            parts |= {f"{name}/down": down, f"{name}/up": up}

            def changed(module: Any, given: Any, out: Any, down: Any = down, up: Any = up) -> Any:
                return out + (given[0] @ down.T) @ up.T

            layer.register_forward_hook(changed)
    return parts


def learn(
    learned: Sequence[Any],
    batches: Iterable[Batch],
    n_steps: int,
    loss_of: Callable[[Batch], Any],
    rate: float,
    say: Say,
) -> None:
    """Take `n_steps` steps of AdamW, one for each of `batches`, at a rate that rises to `rate` and falls to 0."""
    import torch

    optimizer = torch.optim.AdamW(learned, lr=rate, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=n_steps, pct_start=_WARM_UP)
    losses: list[float] = []
    for step, batch in enumerate(batches, 1):
        loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % _SAID_EVERY == 0:
            say(f"step {step} of {n_steps}: loss {np.mean(losses[-_SAID_EVERY:]):.3f}")


def in_batches(texts: Sequence[Any], length: Callable[[Any], int], read: Callable[[list[Any]], Any]) -> Any:
    """What `read` makes of `texts`, those of similar length together, in the order of `texts`: less padding."""
    import torch

    order = sorted(range(len(texts)), key=lambda n: length(texts[n]))
    found = [read([texts[n] for n in some]) for some in np.array_split(order, _BATCHES) if len(some)]
    return torch.cat(found)[np.argsort(order)]


def embedded(model: Any, tokenizer: Any, texts: Sequence[str], most_tokens: int) -> Any:
    """The vectors of `texts`, `(n_texts, dim)`, L2-normalised; of longer ones, the beginning."""
    import torch

    def read(some: list[str]) -> Any:
        batch = tokenizer(some, padding=True, truncation=True, max_length=most_tokens, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(**batch).last_hidden_state.float()
        there = batch["attention_mask"][..., None].float()
        return torch.nn.functional.normalize((hidden * there).sum(1) / there.sum(1), dim=-1)

    return in_batches(texts, len, read)


def saved(change: dict[str, Any]) -> dict[str, Any]:
    """The parts of a change as they are kept."""
    return {name: part.detach().numpy().astype(np.float16) for name, part in change.items()}
