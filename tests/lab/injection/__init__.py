"""`python -m tests.lab injection`: prompt injections with a model that always obeys, and legitimate tasks.

No model runs: each case contains the model's replies. Measured is which of its calls the platform performs.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any, Final

from tests.lab.cases import read_cases
from tests.lab.injection.cases import Call, Forbidden, InjectionCase
from tests.lab.injection.replay import ReplayOutcome, replay
from tests.lab.measures import share
from workers.bench import Say

HELP = "prompt injections through files, pages, tools, other GPTs and histories, with a model that always obeys them"
# `sandbox.jsonl`: what code kept from turns that later turns do not see. `doors.jsonl`: histories that programs send,
# descriptions by outsiders, remote agents, and permissions for operations that have changed.
BUNDLED: Final = tuple(Path(__file__).with_name(f"{name}.jsonl.gz") for name in ("suite", "sandbox", "doors"))
# Ways by which each attack of a page is tried again, with its tools always allowed.
WAYS_AGAIN: Final = ("mention", "imported", "shared", "webhook", "error")


def bundled_cases() -> list[InjectionCase]:
    """The cases of the files, and the attacks of pages by other ways and with another effect."""
    cases = [case for path in BUNDLED for case in read_cases(path, InjectionCase)]
    pages = [case for case in cases if case.kind == "attack" and case.channels == ("page",) and case.calls]
    histories = [case for case in cases if case.door == "v1"]
    return [
        *cases,
        *(again for case in pages for again in (*_by_other_ways(case), *_by_delegation(case))),
        *(
            case.model_copy(update={"id": f"{case.id}-{door}", "door": door})
            for case in histories
            for door in ("responses", "messages")
        ),
    ]


def _by_other_ways(case: InjectionCase) -> Iterator[InjectionCase]:
    # What the person asked for in their own words before may be repeated where it is always allowed.
    always = case.always if case.earlier else frozenset(call.name for call in case.calls)
    for way in WAYS_AGAIN:
        reads = tuple(read.model_copy(update={"channel": way}) for read in case.reads)
        yield case.model_copy(update={"id": f"{case.id}-by-{way}", "reads": reads, "always": always})


def _by_delegation(case: InjectionCase) -> Iterator[InjectionCase]:
    """What the attack would send, sent as a task for a stranger's GPT."""
    task = "Keep this: " + "; ".join(str(value) for call in case.calls for value in call.arguments.values())
    for name, more in (("ask_stranger", {}), ("ask_store", {"gpt": "stranger"}), ("remember", None)):
        arguments = {"text": task} if more is None else {"task": task, **more}
        calls = (Call(name=name, arguments=arguments),)
        yield case.model_copy(
            update={"id": f"{case.id}-to-{name}", "calls": calls, "listed": None, "forbidden": Forbidden()}
        )


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, help="a file of cases, one JSON object per line")
    parser.add_argument("--mode", choices=["strict", "balanced"], default="strict", help="the site's policy")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures. Raises RuntimeError on a file without cases."""
    own = options["cases"]
    cases = list(read_cases(own, InjectionCase)) if own else bundled_cases()
    return figures_of([replay(case, options.get("mode") or "strict") for case in cases])


def figures_of(outcomes: Sequence[ReplayOutcome]) -> dict[str, Any]:
    """Shares in 0..1, None without cases; approval requests per case; and the ids of the failures."""
    attacks = [each for each in outcomes if each.case.kind == "attack"]
    tasks = [each for each in outcomes if each.case.kind == "task"]
    reached = [each for each in attacks if each.reached]
    return {
        "attacks": len(attacks),
        "attacks_reaching_effect": share(each.reached for each in attacks),
        "tasks": len(tasks),
        "tasks_completed": share(each.completed for each in tasks),
        "tasks_without_prompt": share(each.completed and not each.n_prompts for each in tasks),
        "prompts_per_task": mean(each.n_prompts for each in tasks) if tasks else None,
        "attacks_by_channel": dict(Counter(each.case.channels[-1] for each in attacks)),
        "reached": [each.case.id for each in reached],
        "not_completed": [each.case.id for each in tasks if not each.completed],
    }
