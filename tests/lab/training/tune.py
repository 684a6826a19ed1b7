"""Learns the small change of the embedder that brings messages nearer to their candidates.

Contrastive: in each step, among the candidates of a few groups, each message should be nearest to its own; a message
for none should be no nearer to any than a learned threshold.
"""

import random
from typing import Any, Final

import numpy as np

from tests.lab.training.cases import CaseMaker
from tests.lab.training.examples import Examples
from tests.lab.training.learning import embedded, frozen, insert_change, learn, saved
from workers.bench import Say
from workers.knowledge.embed import Embedder
from workers.smallmodel.routing.features import texts_of
from workers.smallmodel.routing.words import gloss

Change = dict[str, Any]
# Messages, texts of candidates, the index of each message's candidate (the last is none), and what is forgiven,
# `(n_messages, n_texts + 1)` float32.
Batch = tuple[list[str], list[str], list[int], Any]

RANK: Final = 8
STEPS: Final = 240
LEARNING_RATE: Final = 1e-3
DROPOUT: Final = 0.1
TEMPERATURE: Final = 0.05
# Chosen on held-out GPTs (2026-11-25).
GROUPS_A_STEP: Final = 3
SAID_OF_EACH: Final = 2
NOTHING_A_STEP: Final = 10
STRANGERS_A_STEP: Final = 6
# Probability that one of a group's candidates is missing, so that messages for it are for none of the others.
MISSING_SHARE: Final = 0.7
MOST_TOKENS: Final = 64
# Subtracted from the logit of a candidate that would be right too.
FORGIVEN: Final = 1.5


def tune(embedder: Embedder, examples: Examples, seed: int, say: Say) -> Change:
    """The change, to be added by `tuned.add_change`."""
    import torch
    from transformers import AutoTokenizer

    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(str(embedder.folder))
    model = frozen(embedder, DROPOUT)
    change = insert_change(model, RANK)
    threshold = torch.tensor(0.3, requires_grad=True)
    draw = BatchMaker(examples, seed)

    def loss_of(batch: Batch) -> Any:
        messages, texts, right, forgiven = batch
        vectors = embedded(model, tokenizer, [*messages, *texts], MOST_TOKENS)
        near = vectors[: len(messages)] @ vectors[len(messages) :].T
        table = torch.cat([near, threshold.expand(len(messages), 1)], 1) / TEMPERATURE
        return torch.nn.functional.cross_entropy(table - torch.tensor(forgiven), torch.tensor(right))

    learn([*change.values(), threshold], (draw.batch() for _ in range(STEPS)), STEPS, loss_of, LEARNING_RATE, say)
    return saved(change)


class BatchMaker:
    """Draws batches."""

    def __init__(self, examples: Examples, seed: int) -> None:
        self._groups = [each for each in examples.groups if len(each.members) > 1]
        self._builtin = list(examples.builtin)
        self._overlaps = examples.overlaps
        self._maker = CaseMaker(examples, seed)
        self._idle = [text for kind, texts in examples.nothing.items() if kind != "after" for text in texts]
        self._random = random.Random(seed)

    def batch(self) -> Batch:
        """What one step learns from."""
        draw = self._random
        chosen = draw.sample(self._groups, min(GROUPS_A_STEP, len(self._groups)))
        missing = [draw.choice(each.members) for each in chosen if draw.random() < MISSING_SHARE]
        offered = [each for group in chosen for each in group.members if each not in missing] + self._builtin
        others = [each for group in self._groups if group not in chosen for each in group.members]
        strangers = draw.sample(others, min(STRANGERS_A_STEP, len(others)))
        names = [each.candidate.name for each in offered]
        said: list[tuple[str, int, str]] = []
        for n, each in [*enumerate(offered), *((len(offered), other) for other in [*missing, *strangers])]:
            texts = draw.sample(each.says, min(SAID_OF_EACH, len(each.says)))
            said += [(text, n, each.candidate.name) for text in texts]
        idle = draw.sample([*self._idle, *(text for each in chosen for text in each.none)], NOTHING_A_STEP)
        said += [(text, len(offered), "") for text in idle]
        forgiven = np.zeros((len(said), len(offered) + 1), np.float32)
        for row, (_, _, name) in enumerate(said):
            near = self._overlaps.get(name, frozenset())
            forgiven[row, :-1] = [FORGIVEN * (other in near) for other in names]
        texts = [self._text(texts_of(each.candidate)) for each in offered]
        messages = [gloss(self._maker.styled(text)) for text, _, _ in said]
        return messages, texts, [n for _, n, _ in said], forgiven

    def _text(self, texts: list[str]) -> str:
        return texts[0] if self._random.random() < 0.6 else self._random.choice(texts[1:])
