"""Trains the choice of GPTs: a check with whole domains held out in turn, then the weights from everything."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.routing.gpt_head import GptInputs, Weights, gpt_probabilities
from workers.routing.head import save_weights
from workers.routing.training.gpt_cases import GptCase, GptMaker
from workers.routing.training.gpt_examples import Domain, domains, nothing, overlaps
from workers.routing.training.gpt_fit import Encode, fit, fit_wish, inputs_of_cases
from workers.routing.training.train import Plan
from workers.routing.words import language_of

Say = Callable[[str], object]
Nothing = dict[str, tuple[str, ...]]

PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class GptMaterial:
    """Examples to make cases of."""

    domains: list[Domain]
    nothing: Nothing
    overlaps: dict[str, frozenset[str]]

    def cases(self, rounds: int, seed: int) -> list[GptCase]:
        """Cases for training or checking, the same for the same seed."""
        return GptMaker(self.domains, self.nothing, self.overlaps, seed).cases(rounds)


def gpt_material() -> GptMaterial:
    """All that is written under data/gpts."""
    return GptMaterial(domains(), nothing(), overlaps())


def train_gpts(encode: Encode, plan: Plan, out: Path, say: Say) -> dict[str, float]:
    """Write the weights to `out`; returns the accuracy on what was held out by kind of case, empty without check."""
    keep: dict[str, npt.NDArray[np.float32]] = {}

    def encode_once(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        new = sorted((text for text in dict.fromkeys(texts) if text not in keep), key=len)
        say(f"Encoding {len(new)} texts.")
        keep.update(zip(new, encode(new), strict=True))
        return np.stack([keep[text] for text in texts])

    everything = gpt_material()
    found = _check(everything, encode_once, plan, say) if plan.check else {}
    members = _members(everything, encode_once, plan, say)
    save_weights(members, out)
    say(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB).")
    return found


def _members(material: GptMaterial, encode: Encode, plan: Plan, say: Say) -> list[Weights]:
    cases = material.cases(plan.rounds, plan.seed)
    inputs = inputs_of_cases(cases, encode)
    wished = fit_wish(cases, inputs, plan.seed)
    return [fit(cases, inputs, wished, plan.seed + n, say) for n in range(plan.members)]


def _check(everything: GptMaterial, encode: Encode, plan: Plan, say: Say) -> dict[str, float]:
    hits: dict[str, list[bool]] = defaultdict(list)
    for kept, held in splits(everything):
        members = _members(kept, encode, plan, lambda line: None)
        cases = held.cases(1, plan.seed + 100)
        for case, inputs in zip(cases, inputs_of_cases(cases, encode), strict=True):
            _count(case, inputs, members, hits)
    found = {group: float(np.mean(values)) for group, values in sorted(hits.items())}
    for group, share in found.items():
        say(f"held out, {group}: {share:.3f} of {len(hits[group])}")
    return found


def _count(case: GptCase, inputs: GptInputs, members: list[Weights], hits: dict[str, list[bool]]) -> None:
    likely = gpt_probabilities(inputs, members)
    hit = int(likely.argmax()) == case.right
    expected = case.right < len(case.candidates)
    groups = ["all", case.kind, "a GPT expected" if expected else "none expected"]
    for group in (*groups, f"language {language_of(case.conversation[-1][1])}"):
        hits[group].append(hit)
    if expected:
        hits["the right one of all, were one needed"].append(int(likely[:-1].argmax()) == case.right)
        hits["the nearest description"].append(int(inputs.pairs[:, 0].argmax()) == case.right)


def splits(everything: GptMaterial) -> Iterator[tuple[GptMaterial, GptMaterial]]:
    """What to train on and what to hold out, PARTS times: whole domains, and lines of what belongs to none."""
    shuffled = list(everything.domains)
    random.Random(5).shuffle(shuffled)
    for n in range(PARTS):
        yield (
            _part(everything, [each for k, each in enumerate(shuffled) if k % PARTS != n], n, False),
            _part(everything, [each for k, each in enumerate(shuffled) if k % PARTS == n], n, True),
        )


def _part(everything: GptMaterial, some: list[Domain], place: int, held: bool) -> GptMaterial:
    lines = {
        kind: tuple(line for k, line in enumerate(texts) if (k % PARTS == place) == held)
        for kind, texts in everything.nothing.items()
    }
    return GptMaterial(some, lines, everything.overlaps)
