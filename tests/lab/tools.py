"""`python -m tests.lab tools`: accuracy of tool choice, validity of calls, cost of the grammar.

The choice is measured with the router on labelled conversations; calls and grammar with the engine.
"""

import re
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from gpts.runs.messages import PromptMessage
from gpts.spec.tools import ToolSpec
from tests.lab.cases import read_cases
from tests.lab.routing import CHOICES, RoutingCase, choose_all, figures, wrong_choices
from workers.bench import Say
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.routing.candidates import Candidate
from workers.smallmodel.routing.router import Router

HELP = "accuracy of tool choice on labelled requests, validity of calls, cost of the grammar"

CASES: Final = CHOICES / "tools.jsonl.gz"
# Cases for which a call is written; takes about a minute with the bundled model.
CALLS: Final = 60
CALLS_AT_ONCE: Final = 8
# With grammar.STREAMS and N_ROUNDS it would take several minutes on two cores.
GRAMMAR_STREAMS: Final = (1, 8)
GRAMMAR_ROUNDS: Final = 2
EMPTY_SCHEMA: Final[dict[str, Any]] = {"type": "object", "properties": {}}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled requests, one JSON object per line")
    parser.add_argument("--no-model", action="store_true", help="measure only the choice")
    parser.add_argument("--calls", type=int, default=CALLS, help="cases for which the model writes a call")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures and the wrong cases. Raises BadCases, EmbedderMissing or EngineError."""
    cases = read_cases(options["cases"], RoutingCase)
    outcomes = choose_all(Router(shared_embedder()), cases)
    found: dict[str, Any] = {"choice": figures(outcomes)}
    if not options["no_model"]:
        found |= _with_model(sample(cases, options["calls"]), say)
    return found | {"wrong": wrong_choices(outcomes)}


def sample(cases: Sequence[RoutingCase], n_calls: int) -> list[RoutingCase]:
    """About `n_calls` of the cases that expect a call, spread evenly; all of them if there are fewer."""
    calling = [case for case in cases if case.expect]
    return calling[:: max(1, -(-len(calling) // n_calls))] if n_calls > 0 else []


def _with_model(cases: Sequence[RoutingCase], say: Say) -> dict[str, Any]:
    from tests.lab.grammar import call_is_valid, grammar_cost
    from workers.configuration import services

    say(f"Writing {len(cases)} calls with the base model.")
    engine = services().engine
    calls = [(_spec(tool), _messages(case)) for case in cases for tool in case.tools if tool.name == case.expect]
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        valid = sum(pool.map(lambda each: call_is_valid(engine, *each), calls))
    say(f"Measuring the cost of a grammar with {' and '.join(map(str, GRAMMAR_STREAMS))} replies at once.")
    return {
        "calls": {"valid": valid, "total": len(calls)},
        "grammar": grammar_cost(engine, GRAMMAR_STREAMS, GRAMMAR_ROUNDS),
    }


def _messages(case: RoutingCase) -> tuple[PromptMessage, ...]:
    return tuple(
        PromptMessage(role="assistant" if role == "assistant" else "user", content=text) for role, text in case.turns
    )


def _spec(tool: Candidate) -> ToolSpec:
    parameters = tool.parameters or EMPTY_SCHEMA
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", tool.name)[:64]
    return ToolSpec(name=name, description=tool.description, parameters=parameters, title=tool.title)
