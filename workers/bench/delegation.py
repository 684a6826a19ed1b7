"""`manage.py bench delegation`: is the right GPT asked, what does a hop cost, and how fast are trees of runs."""

import json
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from workers.bench.cases import read_cases
from workers.bench.delegation_routing import (
    CASES,
    case_of,
    choose_all,
    routing_figures,
    routing_text,
    wrong_choice,
)
from workers.bench.delegation_speed import measure_hop, measure_throughput, speed_text
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.routing.router import Router

HELP = "accuracy of whom to ask on labelled messages, latency of a hop, throughput of trees"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled messages, one JSON object a line")
    parser.add_argument("--routing-only", action="store_true", help="measure the choice alone")
    parser.add_argument("--inside", choices=("hop", "throughput"), help=SUPPRESS)


def report(options: Mapping[str, Any], say: Callable[[str], object]) -> str:
    """The figures as text, or as JSON with the wrong cases. Raises RuntimeError.

    With `inside`, one part on the platform that this process was started in.
    """
    if options["inside"]:
        from workers.bench.delegation_trees import MEASURES

        return json.dumps(MEASURES[options["inside"]]())
    outcomes = choose_all(Router(shared_embedder(settings.EMBEDDER)), read_cases(options["cases"], case_of))
    routing = routing_figures(outcomes)
    speed = {} if options["routing_only"] else {"hop": measure_hop(say), "throughput": measure_throughput(say)}
    if options["json"]:
        wrong = [wrong_choice(each) for each in outcomes if not each.right]
        return json.dumps({"routing": routing, **speed, "wrong": wrong}, ensure_ascii=False)
    return "\n".join([routing_text(routing), *([speed_text(speed)] if speed else [])])
