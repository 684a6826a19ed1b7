"""Accuracy of the choice of a tool or a GPT, or of none, on labelled conversations.

A case is one JSON object per line, with `expect`, the name of the right choice or null:
{"id", "conversation": [{"role", "content"}], "tools": [a built-in tool's name or an OpenAI-style function]}, or
{"id", "message", "conversation" (the turns before it), "candidates": [{"slug", "name", "description", "when",
"starters"}]}. "note" and "set" add the case to a group of that name.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from workers.smallmodel.routing.candidates import (
    Candidate,
    RoutedChoice,
    builtin,
    candidate_of_gpt,
)
from workers.smallmodel.routing.router import Router
from workers.smallmodel.routing.words import language_of

# `tools` and `delegation`, each with a set for tuning on (-dev) and one by somebody else, only scored (unseen-).
CHOICES: Final = Path(__file__).parent / "choices"


class _GptOffer(BaseModel):
    """A GPT to choose from, as a file of cases describes it."""

    slug: str = Field(min_length=1)
    name: str | None = None
    description: str | None = None
    when: str | None = None
    starters: tuple[str, ...] | None = None


def _turn(row: Any) -> tuple[str, str]:
    if not isinstance(row, dict) or not isinstance(row.get("role"), str):
        raise ValueError("A message needs a role.")
    return row["role"], row.get("content") or ""


def _tool(tool: Any) -> Candidate:
    if isinstance(tool, str):
        if tool not in builtin():
            raise ValueError(f"There is no built-in tool {tool}; there are {', '.join(builtin())}.")
        return builtin()[tool]
    if not isinstance(tool, dict):
        raise ValueError("A tool is a name or a function object.")
    return _function(tool)


def _gpt(row: Any) -> Candidate:
    gpt = _GptOffer.model_validate(row)
    return candidate_of_gpt(gpt.slug, gpt.name or "", gpt.description or "", gpt.when or "", gpt.starters or ())


def _function(function: dict[str, Any]) -> Candidate:
    """An OpenAI-style function, bare or inside {"type": "function", "function": …}. Raises ValueError."""
    inner = function.get("function", function)
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str) or not inner["name"]:
        raise ValueError("A function needs a name.")
    parameters = inner.get("parameters")
    return Candidate(
        inner["name"], "", str(inner.get("description") or ""), parameters if isinstance(parameters, dict) else {}
    )


class RoutingCase(BaseModel):
    """A labelled conversation: `expect` is the name of a tool or of a GPT (`candidates`), or None."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)

    id: str
    conversation: tuple[Annotated[tuple[str, str], BeforeValidator(_turn)], ...] = ()
    message: str = ""
    tools: tuple[Annotated[Candidate, BeforeValidator(_tool)], ...] = ()
    candidates: tuple[Annotated[Candidate, BeforeValidator(_gpt)], ...] = ()
    expect: str | None
    note: str = ""
    set: str = ""

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if not self.turns:
            raise ValueError("A case has a `message`, a `conversation`, or both.")
        if self.expect and self.expect not in {each.name for each in self.offered}:
            raise ValueError(f"`expect` is {self.expect}, which is not offered.")
        return self

    @property
    def turns(self) -> tuple[tuple[str, str], ...]:
        """Role and content of all messages; the last one is to be answered."""
        return (*self.conversation, ("user", self.message)) if self.message else self.conversation

    @property
    def offered(self) -> tuple[Candidate, ...]:
        return self.tools or self.candidates

    @property
    def language(self) -> str:
        """The language of the message to be answered."""
        last = next((text for role, text in reversed(self.turns) if role == "user"), "")
        return language_of(last)

    def groups(self) -> list[str]:
        """The groups that the case counts in."""
        kind = "GPT" if self.candidates else "tool"
        groups = ["all", f"a {kind} expected" if self.expect else "none expected"]
        groups += ["mid-conversation" if len(self.turns) > 1 else "first message", f"language {self.language}"]
        if self.expect and self.tools:
            groups.append("built-in expected" if self.expect in builtin() else "function expected")
        labels = {"set": self.set, "note": self.note}
        return [*groups, *(f"{name}: {value}" for name, value in labels.items() if value)]


@dataclass(frozen=True, slots=True)
class RoutingOutcome:
    """The router's choice for a case, and its time in milliseconds."""

    case: RoutingCase
    choice: RoutedChoice
    ms: float

    @property
    def right(self) -> bool:
        return self.choice.name == (self.case.expect or "")


def choose_all(router: Router, cases: Sequence[RoutingCase]) -> list[RoutingOutcome]:
    """The router's choice in every case; GPTs are embedded before the clock starts, as on a site."""
    outcomes = []
    for case in cases:
        if case.candidates:
            router.rank_gpts("warm", case.candidates, 1)
        choose = router.choose_gpt if case.candidates else router.choose
        started = time.perf_counter()
        choice = choose(case.turns, case.offered)
        outcomes.append(RoutingOutcome(case, choice, (time.perf_counter() - started) * 1000))
    return outcomes


def figures(outcomes: Sequence[RoutingOutcome]) -> dict[str, Any]:
    """Share of right choices by group, and the median time of a choice in ms."""
    groups: dict[str, list[bool]] = {}
    for each in outcomes:
        for name in each.case.groups():
            groups.setdefault(name, []).append(each.right)
    return {
        "groups": {name: {"accuracy": mean(right), "cases": len(right)} for name, right in sorted(groups.items())},
        "median_ms": median(each.ms for each in outcomes),
    }


def wrong_choices(outcomes: Sequence[RoutingOutcome]) -> list[dict[str, Any]]:
    """The cases where the choice differs from what was expected."""
    return [
        {
            "id": each.case.id,
            "expect": each.case.expect or None,
            "chosen": each.choice.name or None,
            "score": round(each.choice.score, 3),
            "message": each.case.turns[-1][1][:200],
        }
        for each in outcomes
        if not each.right
    ]
