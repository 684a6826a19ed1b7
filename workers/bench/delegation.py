"""`manage.py bench delegation`: is the right GPT asked, what does a hop cost, and how fast are trees of runs."""

from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from workers.bench.cases import read_cases
from workers.bench.delegation_speed import measure_hop, measure_throughput
from workers.bench.routing import RoutingCase, choose_all, figures, wrong_choices
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.routing.router import Router
from workers.smallmodel.routing.words import DATA

HELP = "accuracy of whom to ask on labelled messages, latency of a hop, throughput of trees"

CASES: Final = DATA / "delegation-bench.jsonl"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled messages, one JSON object a line")
    parser.add_argument("--routing-only", action="store_true", help="measure the choice alone")
    parser.add_argument("--inside", choices=("hop", "throughput"), help=SUPPRESS)


def report(options: Mapping[str, Any], say: Callable[[str], object]) -> dict[str, Any]:
    """The figures and the wrong cases. Raises RuntimeError.

    With `inside`, one part on the platform that this process was started in.
    """
    if options["inside"]:
        from workers.bench.delegation_trees import MEASURES

        return MEASURES[options["inside"]]()
    outcomes = choose_all(Router(shared_embedder(settings.EMBEDDER)), read_cases(options["cases"], RoutingCase))
    speed = {} if options["routing_only"] else {"hop": measure_hop(say), "throughput": measure_throughput(say)}
    return {"routing": figures(outcomes), **speed, "wrong": wrong_choices(outcomes)}
