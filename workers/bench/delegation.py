"""`manage.py bench delegation`: is the right GPT asked, or none where none is needed."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from workers.bench.delegation_routing import (
    CASES,
    choose_all,
    read_cases,
    routing_figures,
    routing_text,
    wrong_choice,
)
from workers.knowledge.embed import shared_embedder
from workers.routing.router import Router

HELP = "accuracy of whom to ask on labelled messages"


def add_arguments(parser: ArgumentParser) -> None:
    """The options of this subject."""
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled messages, one JSON object a line")
    parser.add_argument("--routing-only", action="store_true", help="measure the choice alone")


def report(options: Mapping[str, Any], say: Callable[[str], object]) -> str:
    """The figures as text, or as JSON with the wrong cases. Raises BadDelegationCases or EmbedderMissing."""
    cases = read_cases(options["cases"])
    outcomes = choose_all(Router(shared_embedder(settings.EMBEDDER)), cases)
    found = routing_figures(outcomes)
    if options["json"]:
        wrong = [wrong_choice(each) for each in outcomes if not each.right]
        return json.dumps({"routing": found, "wrong": wrong}, ensure_ascii=False)
    return routing_text(found)
