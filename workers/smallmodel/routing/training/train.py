"""Trains the head: a check with whole families and every fifth line held out, then the weights from everything."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.smallmodel.routing.head import probabilities, save_weights
from workers.smallmodel.routing.training.cases import Case, Maker
from workers.smallmodel.routing.training.examples import Family, Function, builtin_functions, families, nothing
from workers.smallmodel.routing.training.fit import Encode, fit, inputs_of_cases
from workers.smallmodel.routing.training.wishes import fit_wishes
from workers.smallmodel.routing.words import language_of

Say = Callable[[str], object]

HELD_OUT: Final = 5
CHECK_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to train. `check`: train once more before, with a fifth held out, and say how well that is routed."""

    rounds: int = 4
    members: int = 3
    seed: int = 1
    check: bool = True


@dataclass(frozen=True, slots=True)
class Material:
    """Examples to make cases of."""

    families: list[Family]
    builtin: list[Function]
    nothing: dict[str, tuple[str, ...]]

    def cases(self, rounds: int, seed: int) -> list[Case]:
        """Cases for training or checking, the same for the same seed."""
        return Maker(self.families, self.builtin, self.nothing, language_of, seed).cases(rounds)


def train(encode: Encode, plan: Plan, out: Path, say: Say) -> dict[str, float]:
    """Write the weights to `out`; returns the accuracy on what was held out by kind of case, empty without check."""
    keep: dict[str, npt.NDArray[np.float32]] = {}

    def encode_once(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        new = sorted((text for text in dict.fromkeys(texts) if text not in keep), key=len)
        say(f"Encoding {len(new)} texts.")
        keep.update(zip(new, encode(new), strict=True))
        return np.stack([keep[text] for text in texts])

    everything = Material(families(), builtin_functions(), nothing())
    found = _check(everything, encode_once, plan, say) if plan.check else {}
    cases = everything.cases(plan.rounds, plan.seed)
    inputs = inputs_of_cases(cases, encode_once)
    told = fit_wishes(cases, inputs, plan.seed)
    save_weights([fit(cases, inputs, told, plan.seed + n, say) for n in range(plan.members)], out)
    say(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB) from {len(cases)} cases.")
    return found


def _check(everything: Material, encode: Encode, plan: Plan, say: Say) -> dict[str, float]:
    kept, held = split(everything)
    cases, unseen = kept.cases(plan.rounds, plan.seed), held.cases(CHECK_ROUNDS, plan.seed + 1)
    inputs = inputs_of_cases(cases, encode)
    weights = fit(cases, inputs, fit_wishes(cases, inputs, plan.seed), plan.seed, say)
    hits: dict[str, list[bool]] = defaultdict(list)
    for case, each in zip(unseen, inputs_of_cases(unseen, encode), strict=True):
        hit = int(probabilities(each, [weights]).argmax()) == case.right
        for kind in ("all", case.kind, language_of(case.conversation[-1][1])):
            hits[kind].append(hit)
    found = {kind: float(np.mean(values)) for kind, values in sorted(hits.items())}
    for kind, share in found.items():
        say(f"held out, {kind}: {share:.3f} of {len(hits[kind])}")
    return found


def split(everything: Material) -> tuple[Material, Material]:
    """What to train on and what to hold out: every fifth family as a whole, every fifth other line."""
    shuffled = list(everything.families)
    random.Random(3).shuffle(shuffled)
    cut = len(shuffled) // HELD_OUT

    def part(held: bool) -> Material:
        return Material(
            shuffled[:cut] if held else shuffled[cut:],
            [
                replace(each, says=_fifth(each.says, held), then=_fifth(each.then, held))
                for each in everything.builtin
            ],
            {kind: _fifth(lines, held) for kind, lines in everything.nothing.items()},
        )

    return part(False), part(True)


def _fifth(lines: tuple[str, ...], held: bool) -> tuple[str, ...]:
    return tuple(line for n, line in enumerate(lines) if (n % HELD_OUT == 2) == held)
