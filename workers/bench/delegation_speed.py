"""What delegation costs: the latency of a hop, and the throughput of trees against independent runs."""

import json
from collections.abc import Callable
from typing import Any

from workers.bench.platform import manage, model_platform

Say = Callable[[str], object]


def measure_hop(say: Say) -> dict[str, Any]:
    """The latency of a hop with a model that answers at once, in milliseconds. Raises RuntimeError."""
    say("Measuring a hop, with a scripted model ...")
    return _measured("hop", ENGINE="scripted", ANSWERS_FROM_FILES="quote", TOOL_CALLING="routed")


def measure_throughput(say: Say) -> dict[str, Any]:
    """Tokens a second of 16 two-child trees and of 48 independent runs, see `throughput`. Raises RuntimeError."""
    say("Measuring 16 trees of three runs against 48 runs, three rounds each ...")
    return _measured("throughput", ANSWERS_FROM_FILES="write", TOOL_CALLING="routed")


def _measured(part: str, **variables: str) -> dict[str, Any]:
    with model_platform(**variables) as environment:
        found: dict[str, Any] = json.loads(manage(environment, "bench", "delegation", "--inside", part, "--json"))
    return found
