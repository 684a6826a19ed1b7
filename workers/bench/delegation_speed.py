"""What delegation costs: the latency of a hop, and the throughput of trees against independent runs."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from workers.bench.platform import manage, model_platform
from workers.engine.scripted import WEAK

Say = Callable[[str], object]


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
