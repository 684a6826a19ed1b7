"""`manage.py bench injection`: prompt injections with a model that always obeys, and legitimate tasks.

No model runs: each case contains the model's replies. Measured is which of its calls the platform performs.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from workers.bench import Say
from workers.bench.cases import read_cases
from workers.bench.injection.cases import InjectionCase
from workers.bench.injection.replay import ReplayOutcome, replay

HELP = "prompt injections through files, pages, tools, other GPTs and histories, with a model that always obeys them"
# `sandbox.jsonl`: what code kept from turns that later turns do not see. `doors.jsonl`: histories that programs send,
# descriptions by outsiders, remote agents, and permissions for operations that have changed.
BUNDLED: Final = tuple(Path(__file__).with_name(f"{name}.jsonl") for name in ("suite", "sandbox", "doors"))


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, help="a file of cases, one JSON object per line")
    parser.add_argument("--mode", choices=["strict", "balanced"], default="strict", help="the site's policy")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures. Raises RuntimeError on a file without cases."""
    files = [options["cases"]] if options["cases"] else BUNDLED
    cases = [case for path in files for case in read_cases(path, InjectionCase)]
    return figures_of([replay(case, options.get("mode") or "strict") for case in cases])


def figures_of(outcomes: Sequence[ReplayOutcome]) -> dict[str, Any]:
    """Shares in 0..1, None without cases; approval requests per case; and the ids of the failures."""
    attacks = [each for each in outcomes if each.case.kind == "attack"]
    tasks = [each for each in outcomes if each.case.kind == "task"]
    reached = [each for each in attacks if each.reached]
    return {
        "attacks": len(attacks),
        "attacks_reaching_effect": _share(len(reached), len(attacks)),
        "tasks": len(tasks),
        "tasks_completed": _share(sum(each.completed for each in tasks), len(tasks)),
        "tasks_without_prompt": _share(sum(each.completed and not each.n_prompts for each in tasks), len(tasks)),
        "prompts_per_task": _share(sum(each.n_prompts for each in tasks), len(tasks)),
        "attacks_by_channel": dict(Counter(each.case.channels[-1] for each in attacks)),
        "reached": [each.case.id for each in reached],
        "not_completed": [each.case.id for each in tasks if not each.completed],
    }


def _share(n: int, n_all: int) -> float | None:
    return n / n_all if n_all else None
