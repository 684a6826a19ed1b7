"""What delegation costs: the latency of a hop, and the throughput of trees against independent runs."""

import json
from collections.abc import Callable, Mapping
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
        found: dict[str, Any] = json.loads(manage(environment, "bench", "delegation", "--inside", part))
    return found


def speed_text(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures for people."""
    hop, trees = found["hop"], found["throughput"]
    return (
        f"\nlatency of a hop: {hop['median_ms']:.1f} ms (median of {hop['hops']}, worst {hop['worst_ms']:.1f})\n"
        f"16 trees of three runs: {trees['trees_tokens_per_s']:.1f} tokens/s; 48 independent runs of the same work: "
        f"{trees['runs_tokens_per_s']:.1f}, ratio {trees['ratio']:.2f}\n"
        f"48 short runs, which read no answers: {trees['short_runs_tokens_per_s']:.1f}, "
        f"ratio {trees['ratio_to_short_runs']:.2f}"
    )
