"""Measures a model's ability with a few dozen questions, through the prompts and paths of real runs.

A part ends early once its answers decide it. That is Wald's sequential test of a model that is right in `GOOD` of
such cases against one that stays `POOR_BY` below what is enough, which takes 5 % of either for the other; or the
cases left cannot change the outcome. Where the cases end first, the share of right ones decides, as it does anyway.
"""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, field_validator

from gpts.runs.steps import UserMessage
from gpts.spec.ability import ModelAbility
from workers.engine.ability_cases import Case, Examinee, Judged, Reply, Verify, cases, judge
from workers.engine.long_reading import read_lengths

# Shipped measurements by fingerprint, so that the bundled model is not measured on every machine.
KNOWN: Final = Path(__file__).parent / "data" / "known_models.json"
# Concurrent replies, which the engine batches.
AT_ONCE: Final = 4
# A. Wald, Sequential Tests of Statistical Hypotheses (1945): both error rates are 5 %.
GOOD: Final = 0.95
POOR_BY: Final = 0.2
_BOUND: Final = math.log(0.95 / 0.05)
# The longest answer that is kept with a wrong case, in characters.
SHOWN_CHARS: Final = 400

# The parts that a model must be good at to write answers.
_WRITING: Final = {"sources", "abstention", "format"}
# The parts that the cases of a kind count for; every other kind has one.
_PARTS: Final = {
    "choice": ("tool_needed", "arguments"),
    "chat": ("no_tool_needed",),
    "tie": ("ties",),
    "sources": ("sources",),
    "abstain": ("abstention",),
    "format": ("format",),
    "hard": ("hard_sources",),
    "claim": ("verifying",),
    "sight": ("sight",),
}


class WrongCase(BaseModel):
    """A case that the model got wrong: what it was given, and its answer. Old measurements have only the id."""

    model_config = ConfigDict(frozen=True)

    id: str
    message: str = ""
    answer: str = ""


class PartScore(BaseModel):
    """How many of a part's cases were put to the model and right, and the wrong ones."""

    model_config = ConfigDict(frozen=True)

    right: int
    cases: int
    wrong: tuple[WrongCase, ...] = ()

    @field_validator("wrong", mode="before")
    @classmethod
    def _of_ids(cls, wrong: Iterable[Any]) -> list[Any]:
        return [{"id": each} if isinstance(each, str) else each for each in wrong]

    @property
    def share(self) -> float:
        """The share that was right, in 0..1."""
        return self.right / self.cases if self.cases else 0.0


class Measurement(BaseModel):
    """A model's scores by part, whether it reasons before an answer, and the seconds it took to measure it.

    `reads_tokens`: the longest file that it read right; None if that was not found out.
    """

    model_config = ConfigDict(frozen=True)

    figures: dict[str, PartScore]
    reasons: bool = False
    reads_tokens: int | None = None
    seconds: float

    def fields(self) -> dict[str, int]:
        """The measured fields of ModelAbility."""
        good = _good(self.figures)
        sight = {"sees_images": "sight" in good} if "sight" in self.figures else {}
        reasons = {"reasons": True} if self.reasons else {}
        reads = {} if self.reads_tokens is None else {"reads_tokens": self.reads_tokens}
        return {
            "calls_tools": {"tool_needed", "no_tool_needed", "arguments"} <= good,
            "writes_from_sources": good >= _WRITING,
            "keeps_to_sources": good >= {*_WRITING, "hard_sources"},
            "breaks_ties": "ties" in good,
            "verifies": good >= {*_WRITING, "verifying"},
            **sight,
            **reasons,
            **reads,
        }


def measure(
    reply: Reply,
    ability: ModelAbility,
    say: Callable[[str], object] = lambda text: None,
    *,
    verify: Verify | None = None,
    takes_pictures: bool = False,
) -> Measurement:
    """The scores of the model behind `reply`; `ability` has its other fields. Raises EngineError.

    Whether it can tell what its files say is measured through `verify`, its sight if its engine `takes_pictures`.
    """
    started = time.monotonic()
    reasons = ability.reasons or _reasons(ability, reply)
    trusted = dict.fromkeys(("calls_tools", "writes_from_sources", "keeps_to_sources"), True)
    able = ability.model_copy(update={**trusted, "reasons": reasons})
    model = Examinee(reply, able, verify) if verify else Examinee(reply, able)
    figures: dict[str, PartScore] = {}
    reads_tokens = None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for kind in ("choice", "chat", "tie", "sources", "abstain", "format"):
            figures |= _scores(kind, model, pool, say)
        if _good(figures) >= _WRITING:
            for kind in ("hard", *(["claim"] if verify else ())):
                figures |= _scores(kind, model, pool, say)
            reads_tokens, given = read_lengths(model, say)
            figures["long_reading"] = _score("long_reading", given)
        if takes_pictures:
            figures |= _scores("sight", model, pool, say)
    seconds = round(time.monotonic() - started, 1)
    return Measurement(figures=figures, reasons=reasons, reads_tokens=reads_tokens, seconds=seconds)


def _scores(
    kind: str, model: Examinee, pool: ThreadPoolExecutor, say: Callable[[str], object]
) -> dict[str, PartScore]:
    """The scores of the parts of this kind of case, of which as many are put to the model as decide them."""
    planned: list[Case] = cases()[kind]
    given: list[tuple[str, Case, Judged]] = []
    figures: dict[str, PartScore] = {}
    while len(given) < len(planned):
        few = planned[len(given) : len(given) + AT_ONCE]
        judged = pool.map(lambda case: judge(kind, case, model), few)
        given += [(f"{kind}-{n}", *each) for n, each in enumerate(zip(few, judged, strict=True), len(given))]
        figures = {part: _score(part, given) for part in _PARTS[kind]}
        decided = {part for part in figures if _is_decided(part, figures[part], planned)}
        if decided == figures.keys() or decided - _good(figures):
            break
    for part, figure in figures.items():
        say(f"{part}: {figure.right} of {figure.cases} right")
    return {part: figure for part, figure in figures.items() if figure.cases}


def _score(part: str, given: Iterable[tuple[str, Case, Judged]]) -> PartScore:
    counted = [(name, case, judged) for name, case, judged in given if part in judged.parts]
    wrong = tuple(
        WrongCase(id=name, message=case.get("text") or case["message"], answer=judged.answer[:SHOWN_CHARS])
        for name, case, judged in counted
        if not judged.parts[part]
    )
    return PartScore(right=len(counted) - len(wrong), cases=len(counted), wrong=wrong)


def _is_decided(part: str, figure: PartScore, planned: Sequence[Case]) -> bool:
    """Whether the part's outcome is known from those of the `planned` cases that were put to the model."""
    enough = cases()["enough"][part]
    n_planned = sum("holds" in case for case in planned) if part == "arguments" else len(planned)
    n_wrong, n_needed = figure.cases - figure.right, math.ceil(round(enough * n_planned, 6))
    if figure.right >= n_needed or n_wrong > n_planned - n_needed:
        return True
    poor = enough - POOR_BY
    evidence = figure.right * math.log(GOOD / poor) + n_wrong * math.log((1 - GOOD) / (1 - poor))
    return abs(evidence) >= _BOUND


def _good(figures: Mapping[str, PartScore]) -> set[str]:
    """The parts of which enough is right."""
    enough = cases()["enough"]
    return {name for name, figure in figures.items() if figure.share >= enough.get(name, math.inf)}


@cache
def known_measurement(fingerprint: str) -> Measurement | None:
    """The shipped measurement of the model with this fingerprint, if any."""
    known = json.loads(KNOWN.read_text(encoding="utf-8")).get(fingerprint)
    return Measurement.model_validate(known) if known else None


def _reasons(ability: ModelAbility, reply: Reply) -> bool:
    """Whether the model reasons before an answer, which takes room that it would lack in the cases."""
    model = Examinee(reply, ability)
    given = model.answers(model.turn(UserMessage(text="Hello!")))
    return given is not None and bool(given.reasoning)
