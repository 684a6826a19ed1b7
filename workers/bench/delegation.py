"""`manage.py bench delegation`: is the right GPT asked, what does a hop cost, and how fast are trees of runs."""

import json
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.conf import settings

from workers.bench.cases import read_cases
from workers.bench.platform import manage, model_platform
from workers.bench.routing import RoutingCase, choose_all, figures, wrong_choices
from workers.engine.scripted import WEAK
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.routing.router import Router
from workers.smallmodel.routing.words import DATA

Say = Callable[[str], object]
HELP = "accuracy of whom to ask on labelled messages, latency of a hop, throughput of trees"

CASES: Final = DATA / "delegation-bench.jsonl"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled messages, one JSON object a line")
    parser.add_argument("--routing-only", action="store_true", help="measure the choice alone")
    parser.add_argument("--inside", choices=("hop", "throughput"), help=SUPPRESS)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures and the wrong cases. Raises RuntimeError.

    With `inside`, one part on the platform that this process was started in.
    """
    if options["inside"]:
        from workers.bench.delegation_trees import MEASURES

        return MEASURES[options["inside"]]()
    outcomes = choose_all(Router(shared_embedder(settings.EMBEDDER)), read_cases(options["cases"], RoutingCase))
    speed = {} if options["routing_only"] else {"hop": measure_hop(say), "throughput": measure_throughput(say)}
    return {"routing": figures(outcomes), **speed, "wrong": wrong_choices(outcomes)}


def measure_hop(say: Say) -> dict[str, Any]:
    """The latency of a hop with a model that answers at once, in milliseconds. Raises RuntimeError."""
    say("Measuring a hop, with a scripted model ...")
    with TemporaryDirectory() as folder:
        script = Path(folder) / "script.json"
        script.write_text(json.dumps({"replies": ["Done."], "ability": WEAK.model_dump()}))
        return _measured("hop", "", ENGINE="scripted", ENGINE_SCRIPT=str(script))


def measure_throughput(say: Say) -> dict[str, Any]:
    """Tokens a second of 16 two-child trees and of 48 independent runs, see `throughput`. Raises RuntimeError."""
    say("Measuring 16 trees of three runs against 48 runs, three rounds each ...")
    return _measured("throughput", "writes_from_sources=yes")


def _measured(part: str, ability: str, **variables: str) -> dict[str, Any]:
    with model_platform(ability, **variables) as environment:
        found: dict[str, Any] = json.loads(manage(environment, "bench", "delegation", "--inside", part, "--json"))
    return found
