"""`manage.py bench tools`: is the right tool chosen, does every call parse and validate, what does the grammar cost.

The choice is measured with the product's own router on labelled conversations; calls and grammar with the engine.
"""

import json
import re
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from django.conf import settings

from gpts.runs.messages import Message
from gpts.spec.tools import ToolSpec
from workers.bench.cases import Turns, read_cases, shares, turn_of
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.routing.builtin import BUILTIN
from workers.smallmodel.routing.candidates import Candidate, Choice, candidate_of_function
from workers.smallmodel.routing.router import Router
from workers.smallmodel.routing.words import DATA, language_of

HELP = "accuracy of tool choice on labelled requests, validity of calls, cost of the grammar"

CASES: Final = DATA / "bench.jsonl"
# Calls are written for this many of the cases that expect one, which takes the bundled model about a minute.
CALLS: Final = 60
CALLS_AT_ONCE: Final = 8
# The whole measurement of the grammar's cost takes several minutes on two cores; `bench engine` has its own.
GRAMMAR_STREAMS: Final = (1, 8)
GRAMMAR_ROUNDS: Final = 2
EMPTY_SCHEMA: Final[dict[str, Any]] = {"type": "object", "properties": {}}

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class ToolCase:
    """A labelled conversation: `expect` names one of `tools`, or is empty for none."""

    id: str
    conversation: Turns
    tools: tuple[Candidate, ...]
    expect: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the router chose in a case, in how many milliseconds."""

    case: ToolCase
    choice: Choice
    ms: float

    @property
    def right(self) -> bool:
        """Whether that was expected."""
        return self.choice.name == self.case.expect


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled requests, one JSON object a line")
    parser.add_argument("--no-model", action="store_true", help="measure the choice alone")
    parser.add_argument("--calls", type=int, default=CALLS, help="cases for which the model writes a call")


def report(options: Mapping[str, Any], say: Say) -> str:
    """The figures as text, or as JSON with the wrong cases. Raises BadCases, EmbedderMissing or EngineError."""
    cases = read_cases(options["cases"], case_of)
    outcomes = choose_all(Router(shared_embedder(settings.EMBEDDER)), cases)
    found: dict[str, Any] = {"choice": accuracies(outcomes)}
    if not options["no_model"]:
        found |= _with_model(sample(cases, options["calls"]), say)
    if options["json"]:
        return json.dumps(
            found | {"wrong": [_wrong(each) for each in outcomes if not each.right]}, ensure_ascii=False
        )
    return as_text(found)


def case_of(row: object, number: int) -> ToolCase:
    """The case of a row. Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError("A case is a JSON object.")
    conversation, tools, expect = row.get("conversation"), row.get("tools"), row.get("expect")
    if not isinstance(conversation, list) or not conversation:
        raise ValueError("`conversation` must be a list of messages.")
    if not isinstance(tools, list):
        raise ValueError("`tools` must be a list.")
    if "expect" not in row or not (expect is None or isinstance(expect, str)):
        raise ValueError("`expect` must be the name of a tool or null.")
    offered = tuple(_tool(each) for each in tools)
    if expect and expect not in {each.name for each in offered}:
        raise ValueError(f"`expect` is {expect}, which is not among the tools.")
    turns = tuple(map(turn_of, conversation))
    return ToolCase(str(row.get("id", number)), turns, offered, expect or "", str(row.get("note", "")))


def _tool(tool: object) -> Candidate:
    if isinstance(tool, str):
        if tool not in BUILTIN:
            raise ValueError(f"There is no built-in tool {tool}; there are {', '.join(BUILTIN)}.")
        return BUILTIN[tool]
    if not isinstance(tool, dict):
        raise ValueError("A tool is a name or a function object.")
    return candidate_of_function(tool)


def choose_all(router: Router, cases: Sequence[ToolCase]) -> list[Outcome]:
    """The router's choice in every case."""
    outcomes = []
    for case in cases:
        start = time.perf_counter()
        choice = router.choose(case.conversation, case.tools)
        outcomes.append(Outcome(case, choice, (time.perf_counter() - start) * 1000))
    return outcomes


def accuracies(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Share of right choices over all, by what was expected, by place, language and note; medians of time in ms."""
    return {
        "groups": shares((each.right, _groups(each.case)) for each in outcomes),
        "median_ms": median(each.ms for each in outcomes),
    }


def _groups(case: ToolCase) -> list[str]:
    groups = ["all", "a tool expected" if case.expect else "none expected"]
    groups.append("mid-conversation" if len(case.conversation) > 1 else "first message")
    last = next((text for role, text in reversed(case.conversation) if role == "user"), "")
    groups.append(f"language {language_of(last)}")
    if case.expect:
        groups.append("built-in expected" if case.expect in BUILTIN else "function expected")
    return [*groups, f"note: {case.note}"] if case.note else groups


def sample(cases: Sequence[ToolCase], n_calls: int) -> list[ToolCase]:
    """About `n_calls` of the cases that expect a call, spread evenly; all of them if there are fewer."""
    calling = [case for case in cases if case.expect]
    return calling[:: max(1, -(-len(calling) // n_calls))] if n_calls > 0 else []


def _with_model(cases: Sequence[ToolCase], say: Say) -> dict[str, Any]:
    from workers.bench.grammar import call_validity, grammar_cost
    from workers.configuration import runtime

    say(f"Writing {len(cases)} calls with the base model.")
    engine = runtime().engine
    asked = [(_spec(tool), _messages(case)) for case in cases for tool in case.tools if tool.name == case.expect]
    valid = total = 0
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        counts = pool.map(lambda each: call_validity(engine, [each[0]], [each[1]]), asked)
        for n_valid, n_written in counts:
            valid, total = valid + n_valid, total + n_written
            if total % 10 == 0:
                say(f"{total} calls written, {valid} valid.")
    say(f"Measuring the cost of a grammar with {' and '.join(map(str, GRAMMAR_STREAMS))} replies at once.")
    return {
        "calls": {"valid": valid, "total": total},
        "grammar": grammar_cost(engine, GRAMMAR_STREAMS, GRAMMAR_ROUNDS),
    }


def _messages(case: ToolCase) -> tuple[Message, ...]:
    turns = case.conversation
    return tuple(Message(role="assistant" if role == "assistant" else "user", content=text) for role, text in turns)


def _spec(tool: Candidate) -> ToolSpec:
    parameters = tool.parameters or EMPTY_SCHEMA
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", tool.name)[:64]
    return ToolSpec(name=name, description=tool.description, parameters=parameters, title=tool.title)


def _wrong(outcome: Outcome) -> dict[str, Any]:
    last = outcome.case.conversation[-1][1]
    chosen = outcome.choice.name or None
    return {
        "id": outcome.case.id,
        "expect": outcome.case.expect or None,
        "chosen": chosen,
        "score": round(outcome.choice.score, 3),
        "message": last[:200],
    }


def as_text(found: Mapping[str, Any]) -> str:
    """The figures for people."""
    choice = found["choice"]
    lines = [f"{'tool choice':28}{'accuracy':>10}{'cases':>8}"]
    lines += [f"{name:28}{each['accuracy']:10.3f}{each['cases']:8}" for name, each in choice["groups"].items()]
    lines += [f"{'median time of a choice':28}{choice['median_ms']:8.1f} ms"]
    if "calls" in found:
        valid, total = found["calls"]["valid"], found["calls"]["total"]
        lines += ["", f"calls that parse and validate: {valid / max(1, total):.3f} ({valid} of {total})"]
        lines += [_cost(name, each) for name, each in found["grammar"].items()]
    return "\n".join(lines)


def _cost(n_streams: str, speeds: Mapping[str, float]) -> str:
    free, constrained = speeds["free"], speeds["constrained"]
    return (
        f"grammar, replies at once: {n_streams}: {constrained:.1f} tokens/s, without {free:.1f}, "
        f"ratio {speeds['ratio']:.2f}"
    )
