"""Learns the small change of the embedder for choosing GPTs: what is said to a GPT comes nearer to its description.

Contrastive: in each step, of the GPTs of a few domains, each message must be nearest to its own; a message that wants
none must be no nearer to any than a learned threshold.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from workers.knowledge.embed import Embedder
from workers.smallmodel.routing.gpt_features import gpt_texts
from workers.smallmodel.routing.training.gpt_cases import GptMaker
from workers.smallmodel.routing.training.gpt_examples import Domain
from workers.smallmodel.routing.tuned import LAYERS
from workers.smallmodel.routing.words import gloss

Change = dict[str, Any]

RANK: Final = 8
STEPS: Final = 240
LEARNING_RATE: Final = 1e-3
TEMPERATURE: Final = 0.05
# Chosen on domains that were held out (2026-11-25).
DOMAINS_A_STEP: Final = 3
SAID_OF_EACH: Final = 2
NOTHING_A_STEP: Final = 10
STRANGERS_A_STEP: Final = 6
# How often one of a domain's GPTs is missing, so that what is said to it wants none of the others.
MISSING_SHARE: Final = 0.7
MOST_TOKENS: Final = 64
# How much less it counts that a message is near to a GPT that would do as well.
FORGIVEN: Final = 1.5


def tune(
    embedder: Embedder,
    domains: Sequence[Domain],
    nothing: dict[str, tuple[str, ...]],
    overlaps: dict[str, frozenset[str]],
    seed: int,
    say: Callable[[str], object],
) -> Change:
    """The change, to be added by `tuned.add_change`."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(str(embedder.folder))
    model = AutoModel.from_pretrained(str(embedder.folder), dtype=torch.float32)
    for part in model.parameters():
        part.requires_grad_(False)
    change = _insert(model, torch)
    threshold = torch.tensor(0.3, requires_grad=True)
    optimizer = torch.optim.AdamW([*change.values(), threshold], lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS, pct_start=0.1)
    draw = _Draw(domains, nothing, overlaps, seed)
    model.train()
    losses = []
    for step in range(STEPS):
        messages, texts, right, forgiven = draw.batch()
        with torch.autocast("cpu", torch.bfloat16):
            vectors = _embed(model, tokenizer, [*messages, *texts], torch)
        near = vectors[: len(messages)] @ vectors[len(messages) :].T
        table = torch.cat([near, threshold.expand(len(messages), 1)], 1) / TEMPERATURE
        loss = torch.nn.functional.cross_entropy(table - torch.tensor(forgiven), torch.tensor(right))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(change.values()), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 20 == 0:
            say(f"tuning, step {step + 1} of {STEPS}: loss {np.mean(losses[-20:]):.3f}")
    return {name: part.detach().numpy().astype(np.float16) for name, part in change.items()}


def _insert(model: Any, torch: Any) -> dict[str, Any]:
    """Put a trainable change of low rank beside each of LAYERS; returns its parts by name."""
    parts: dict[str, Any] = {}
    for path, layer in list(model.named_modules()):
        if path.endswith(LAYERS) and "encoder.layer" in path:
            down = (torch.randn(RANK, layer.in_features) * layer.in_features**-0.5).requires_grad_(True)
            up = torch.zeros(layer.out_features, RANK).requires_grad_(True)
            name = path[path.index("encoder.layer") :]
            parts |= {f"{name}/down": down, f"{name}/up": up}

            def changed(module: Any, given: Any, out: Any, down: Any = down, up: Any = up) -> Any:
                return out + (given[0] @ down.T) @ up.T

            layer.register_forward_hook(changed)
    return parts


def _embed(model: Any, tokenizer: Any, texts: list[str], torch: Any) -> Any:
    told = tokenizer(texts, padding=True, truncation=True, max_length=MOST_TOKENS, return_tensors="pt")
    hidden = model(**told).last_hidden_state.float()
    there = told["attention_mask"][..., None].float()
    return torch.nn.functional.normalize((hidden * there).sum(1) / there.sum(1), dim=-1)


class _Draw:
    """Draws batches: messages, texts of GPTs, the place of each message's GPT (the last is none)."""

    def __init__(
        self,
        domains: Sequence[Domain],
        nothing: dict[str, tuple[str, ...]],
        overlaps: dict[str, frozenset[str]],
        seed: int,
    ) -> None:
        self._domains = list(domains)
        self._overlaps = overlaps
        self._maker = GptMaker(domains, nothing, overlaps, seed)
        self._idle = [text for kind, texts in nothing.items() if kind != "after" for text in texts]
        self._random = random.Random(seed)

    def batch(self) -> tuple[list[str], list[str], list[int], Any]:
        """One step's messages and texts, with `forgiven` `(n_messages, n_texts + 1)` float32."""
        draw = self._random
        chosen = draw.sample(self._domains, min(DOMAINS_A_STEP, len(self._domains)))
        missing = [draw.choice(each.gpts) for each in chosen if draw.random() < MISSING_SHARE]
        gpts = [gpt for domain in chosen for gpt in domain.gpts if gpt not in missing]
        others = [gpt for domain in self._domains if domain not in chosen for gpt in domain.gpts]
        strangers = draw.sample(others, min(STRANGERS_A_STEP, len(others)))
        names = [gpt.candidate.name for gpt in gpts]
        said: list[tuple[str, int, str]] = []
        for n, gpt in [*enumerate(gpts), *((len(gpts), each) for each in [*missing, *strangers])]:
            said += [(text, n, gpt.candidate.name) for text in draw.sample(gpt.says, SAID_OF_EACH)]
        idle = draw.sample([*self._idle, *(text for each in chosen for text in each.none)], NOTHING_A_STEP)
        said += [(text, len(gpts), "") for text in idle]
        forgiven = np.zeros((len(said), len(gpts) + 1), np.float32)
        for row, (_, _, slug) in enumerate(said):
            near = self._overlaps.get(slug, frozenset())
            forgiven[row, :-1] = [FORGIVEN * (name in near) for name in names]
        texts = [self._text(gpt_texts(gpt.candidate)) for gpt in gpts]
        messages = [gloss(self._maker.styled(text), wide=True) for text, _, _ in said]
        return messages, texts, [n for _, n, _ in said], forgiven

    def _text(self, texts: list[str]) -> str:
        return texts[0] if self._random.random() < 0.6 else self._random.choice(texts[1:])
