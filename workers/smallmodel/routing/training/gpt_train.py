"""Trains the choice of GPTs: the change of the embedder, the head that reads it, and a head for any other embedder.

The head must learn from vectors of messages that the change was not learned from, or it would trust the vectors as
on what they know by heart. So the change is learned twice: once without some domains, on which the head is fitted and
checked, and once from everything, which is what is kept.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.knowledge.embed import Embedder
from workers.smallmodel.routing.gpt_head import (
    ANY_WEIGHTS,
    GPT_WEIGHTS,
    GptInputs,
    Weights,
    for_any,
    gpt_probabilities,
)
from workers.smallmodel.routing.head import save_weights
from workers.smallmodel.routing.training.gpt_cases import GptCase, GptMaker
from workers.smallmodel.routing.training.gpt_examples import Domain, domains, nothing, overlaps
from workers.smallmodel.routing.training.gpt_fit import fit, fit_wish, inputs_of_cases
from workers.smallmodel.routing.training.gpt_tune import Change, tune
from workers.smallmodel.routing.training.train import Plan
from workers.smallmodel.routing.tuned import TUNING, TunedEmbedder
from workers.smallmodel.routing.words import language_of

Say = Callable[[str], object]
Vectors = npt.NDArray[np.float32]
Read = tuple[list[GptCase], list[GptInputs]]

# Every so many-th domain is held out from the first change.
HELD_OUT: Final = 3
CHECK_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class GptMaterial:
    """Examples to make cases of."""

    domains: list[Domain]
    nothing: dict[str, tuple[str, ...]]
    overlaps: dict[str, frozenset[str]]

    def cases(self, rounds: int, seed: int) -> list[GptCase]:
        """Cases for training or checking, the same for the same seed."""
        return GptMaker(self.domains, self.nothing, self.overlaps, seed).cases(rounds)


def gpt_material() -> GptMaterial:
    """All that is written under data/gpts."""
    return GptMaterial(domains(), nothing(), overlaps())


def train_gpts(embedder: Embedder, plan: Plan, folder: Path, say: Say) -> dict[str, float]:
    """Write the weights into `folder`; returns the accuracy on what was held out, empty without check."""
    everything = gpt_material()
    kept, held = split(everything, HELD_OUT, 0)
    first = folder / f"half-{TUNING.name}"
    _tune(embedder, kept, plan, first, say)
    encode = Remembered(TunedEmbedder(embedder.folder, first).encode, say)
    found = check(held, kept, encode, plan, say) if plan.check else {}
    seen, unseen = _read(kept, encode, plan), _read(held, encode, plan)
    save_weights(members(unseen, seen, plan), folder / GPT_WEIGHTS.name)
    first.unlink()
    plain = _read(everything, Remembered(embedder.encode, say), plan)
    save_weights(members((plain[0], [for_any(each) for each in plain[1]]), ([], []), plan), folder / ANY_WEIGHTS.name)
    _tune(embedder, everything, plan, folder / TUNING.name, say)
    return found


class Remembered:
    """Encodes each different text once."""

    def __init__(self, encode: Callable[[Sequence[str]], Vectors], say: Say) -> None:
        self._encode, self._say = encode, say
        self._have: dict[str, Vectors] = {}

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """The vectors of `texts`, `(n_texts, dim)`."""
        new = sorted((text for text in dict.fromkeys(texts) if text not in self._have), key=len)
        self._say(f"Encoding {len(new)} texts.")
        self._have.update(zip(new, self._encode(new), strict=True))
        return np.stack([self._have[text] for text in texts])


def _tune(embedder: Embedder, material: GptMaterial, plan: Plan, out: Path, say: Say) -> None:
    change: Change = tune(embedder, material.domains, material.nothing, material.overlaps, plan.seed, say)
    np.savez_compressed(out, embedder=np.array(embedder.id), **change)
    say(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB).")


def _read(material: GptMaterial, encode: Remembered, plan: Plan) -> Read:
    cases = material.cases(plan.rounds, plan.seed)
    return cases, inputs_of_cases(cases, encode)


def members(unseen: Read, seen: Read, plan: Plan, say: Say = lambda line: None) -> list[Weights]:
    """The weights of the heads whose answers are averaged; `seen` is what the change was learned from."""
    cases, inputs = unseen[0] + seen[0], unseen[1] + seen[1]
    wished = fit_wish(cases, inputs, plan.seed)
    return [fit(cases, inputs, wished, plan.seed + n, say) for n in range(plan.members)]


def check(held: GptMaterial, kept: GptMaterial, encode: Remembered, plan: Plan, say: Say) -> dict[str, float]:
    """Accuracy by kind of case on the held-out domains, each chosen by heads fitted without it."""
    hits: dict[str, list[bool]] = defaultdict(list)
    seen = _read(kept, encode, plan)
    for n in range(CHECK_PARTS):
        others, some = split(held, CHECK_PARTS, n)
        fitted = members(_read(others, encode, plan), seen, plan)
        cases = some.cases(1, plan.seed + 100)
        for case, inputs in zip(cases, inputs_of_cases(cases, encode), strict=True):
            count(case, inputs, fitted, hits)
    found = {group: float(np.mean(values)) for group, values in sorted(hits.items())}
    for group, share in found.items():
        say(f"held out, {group}: {share:.3f} of {len(hits[group])}")
    return found


def count(case: GptCase, inputs: GptInputs, fitted: list[Weights], hits: dict[str, list[bool]]) -> None:
    """Add to `hits` whether the choice was right, for each group that the case belongs to."""
    likely = gpt_probabilities(inputs, fitted)
    expected = case.right < len(case.candidates)
    groups = ["all", case.kind, "a GPT expected" if expected else "none expected"]
    for group in (*groups, f"language {language_of(case.conversation[-1][1], wide=True)}"):
        hits[group].append(int(likely.argmax()) == case.right)
    if expected:
        hits["the best one, were one needed"].append(int(likely[:-1].argmax()) == case.right)
        hits["the nearest description"].append(int(inputs.pairs[:, 0].argmax()) == case.right)


def split(material: GptMaterial, parts: int, place: int) -> tuple[GptMaterial, GptMaterial]:
    """What to train on and what to hold out: whole domains, and lines of what belongs to none."""
    shuffled = list(material.domains)
    random.Random(5).shuffle(shuffled)

    def part(held: bool) -> GptMaterial:
        lines = {
            kind: tuple(line for n, line in enumerate(texts) if (n % parts == place) == held)
            for kind, texts in material.nothing.items()
        }
        some = [each for n, each in enumerate(shuffled) if (n % parts == place) == held]
        return GptMaterial(some, lines, material.overlaps)

    return part(False), part(True)
