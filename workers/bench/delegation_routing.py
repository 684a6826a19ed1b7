"""Whom to ask: is the right GPT chosen for labelled messages, or none where none is needed.

A case is one JSON object a line: {"id", "message", "candidates": [{"slug", "name", "description", "when",
"starters"}], "expect": a slug or null}, and, if it is not the first message, "conversation": the turns before it as
[{"role", "content"}]. "note" puts a case into a group of its own.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Final

from workers.bench.cases import Turns, shares, turn_of
from workers.smallmodel.routing.candidates import Candidate, Choice, candidate_of_gpt
from workers.smallmodel.routing.router import Router
from workers.smallmodel.routing.words import DATA, language_of

CASES: Final = DATA / "delegation-bench.jsonl"


@dataclass(frozen=True, slots=True)
class DelegationCase:
    """A labelled conversation: `expect` is the slug of one of `candidates`, or empty for "answer it yourself"."""

    id: str
    conversation: Turns
    candidates: tuple[Candidate, ...]
    expect: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DelegationOutcome:
    """Whom the router chose in a case, in how many milliseconds."""

    case: DelegationCase
    choice: Choice
    ms: float

    @property
    def right(self) -> bool:
        """Whether that was expected."""
        return self.choice.name == self.case.expect


def case_of(row: object, number: int) -> DelegationCase:
    """The case of a row. Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError("A case is a JSON object.")
    if not isinstance(row.get("message"), str):
        raise ValueError("`message` must be text.")
    if not isinstance(row.get("candidates"), list):
        raise ValueError("`candidates` must be a list of GPTs.")
    candidates = tuple(_gpt(each) for each in row["candidates"])
    expect = row.get("expect")
    if "expect" not in row or not (expect is None or isinstance(expect, str)):
        raise ValueError("`expect` must be the slug of a GPT or null.")
    if expect and expect not in {each.name for each in candidates}:
        raise ValueError(f"`expect` is {expect}, which is not among the candidates.")
    turns = (*_turns(row.get("conversation")), ("user", row["message"]))
    return DelegationCase(str(row.get("id", number)), turns, candidates, expect or "", str(row.get("note") or ""))


def _gpt(row: object) -> Candidate:
    if not isinstance(row, dict) or not isinstance(row.get("slug"), str) or not row["slug"]:
        raise ValueError("A candidate is an object with a slug.")
    name, description, when = (row.get(key) or "" for key in ("name", "description", "when"))
    if not all(isinstance(each, str) for each in (name, description, when)):
        raise ValueError(f"The name, description and `when` of {row['slug']} must be text.")
    starters = row.get("starters") or []
    if not isinstance(starters, list) or not all(isinstance(each, str) for each in starters):
        raise ValueError(f"The starters of {row['slug']} must be a list of texts.")
    return candidate_of_gpt(row["slug"], name, description, when, tuple(starters))


def _turns(rows: object) -> Turns:
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise ValueError("`conversation` must be a list of messages.")
    return tuple(map(turn_of, rows))


def choose_all(router: Router, cases: Sequence[DelegationCase]) -> list[DelegationOutcome]:
    """The router's choice in every case; the GPTs are known before the clock starts, as in the product."""
    outcomes = []
    for case in cases:
        router.rank_gpts("warm", case.candidates, 1)
        start = time.perf_counter()
        choice = router.choose_gpt(case.conversation, case.candidates)
        outcomes.append(DelegationOutcome(case, choice, (time.perf_counter() - start) * 1000))
    return outcomes


def routing_figures(outcomes: Sequence[DelegationOutcome]) -> dict[str, Any]:
    """Share of right choices over all and by group, the number of cases, and the median time in ms."""
    return {
        "accuracy": mean(each.right for each in outcomes),
        "cases": len(outcomes),
        "groups": shares((each.right, _groups(each.case)) for each in outcomes),
        "median_ms": median(each.ms for each in outcomes),
    }


def _groups(case: DelegationCase) -> list[str]:
    groups = ["a GPT expected" if case.expect else "none expected"]
    groups.append("mid-conversation" if len(case.conversation) > 1 else "first message")
    groups.append(f"language {language_of(case.conversation[-1][1], wide=True)}")
    return [*groups, f"note: {case.note}"] if case.note else groups


def wrong_choice(outcome: DelegationOutcome) -> dict[str, Any]:
    """What was expected and what was chosen in a case."""
    return {
        "id": outcome.case.id,
        "expect": outcome.case.expect or None,
        "chosen": outcome.choice.name or None,
        "score": round(outcome.choice.score, 3),
        "message": outcome.case.conversation[-1][1][:200],
    }


def routing_text(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"{'whom to ask':28}{'accuracy':>10}{'cases':>8}",
        f"{'all':28}{found['accuracy']:10.3f}{found['cases']:8}",
    ]
    lines += [f"{name:28}{each['accuracy']:10.3f}{each['cases']:8}" for name, each in found["groups"].items()]
    return "\n".join([*lines, f"{'median time of a choice':28}{found['median_ms']:8.1f} ms"])
