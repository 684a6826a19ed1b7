"""Trains the router: the heads that choose tools and GPTs, for the tuned embedder and for any other.

The change of the embedder is learned from the examples for GPTs, and only with --tune. The heads are fitted on the
same messages: with another change, learned without some of the GPTs, they were no better on unseen messages (80 %
both, 2026-11-25). The heads for any other embedder see only how the candidates compare.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.lab.training.cases import CaseMaker, TrainingCase
from tests.lab.training.examples import Examples, gpts, tools
from tests.lab.training.fit import Encode, fit, fit_wishes, inputs_of_cases, save_weights
from tests.lab.training.learning import Plan
from tests.lab.training.tune import tune
from workers.bench import Say
from workers.knowledge.embed import Embedder, Vectors
from workers.knowledge.tuned import TunedEmbedder
from workers.smallmodel.routing.head import Inputs, Weights, probabilities, weights_file
from workers.smallmodel.routing.router import TUNING
from workers.smallmodel.routing.words import language_of

CasesWithInputs = tuple[list[TrainingCase], list[Inputs]]

# One in so many groups and lines is held out for the check.
HELD_OUT: Final = 5


def train_router(embedder: Embedder, plan: Plan, folder: Path, say: Say) -> dict[str, Any]:
    """Write all weights into `folder`; returns the held-out accuracy by group, empty without `check`."""
    tuning = TUNING
    if plan.tune:
        tuning = folder / TUNING.name
        np.savez_compressed(tuning, embedder=np.array(embedder.id), **tune(embedder, gpts(), plan.seed, say))
    encode = CachedEncoder(TunedEmbedder(embedder.folder, tuning).encode, say)
    found: dict[str, Any] = {}
    for examples in (tools(), gpts()):
        if plan.check:
            found |= check(examples, encode, plan, say)
        for any_embedder in (False, True):
            out = folder / weights_file(examples.kind, any_embedder).name
            save_weights(members(read(examples, encode, plan, any_embedder), plan, say), out)
            say(f"Wrote {out} ({out.stat().st_size / 1e3:.0f} kB).")
    return found


class CachedEncoder:
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


def read(examples: Examples, encode: Encode, plan: Plan, any_embedder: bool = False) -> CasesWithInputs:
    """Cases made of the examples, with the head's inputs."""
    cases = CaseMaker(examples, plan.seed).cases(plan.rounds)
    return cases, inputs_of_cases(cases, encode, any_embedder)


def members(cases: CasesWithInputs, plan: Plan, say: Say) -> list[Weights]:
    """The weights of the heads whose probabilities are averaged."""
    wish = fit_wishes(*cases, plan.seed)
    return [fit(*cases, wish, plan.seed + n, say) for n in range(plan.members)]


def check(examples: Examples, encode: Encode, plan: Plan, say: Say) -> dict[str, dict[str, float]]:
    """Accuracy by kind of case on held-out groups and lines."""
    kept, held = (examples.part(HELD_OUT, 0, side) for side in (False, True))
    fitted = members(read(kept, encode, plan), plan, say)
    cases = CaseMaker(held, plan.seed + 100).cases(1)
    hits: dict[str, list[bool]] = defaultdict(list)
    for case, inputs in zip(cases, inputs_of_cases(cases, encode), strict=True):
        expected = "one" if case.right < len(case.candidates) else "none"
        language = language_of(case.conversation[-1][1])
        for group in ("all", case.kind, f"{expected} expected", f"language {language}"):
            hits[f"{examples.kind}, {group}"].append(int(probabilities(inputs, fitted).argmax()) == case.right)
    return {group: {"right": float(np.mean(each)), "cases": len(each)} for group, each in sorted(hits.items())}
