"""`python -m tests.lab delegation`: accuracy of the choice of a GPT, latency of a hop, throughput of trees of runs.

A hop and trees are measured on a temporary site, from the timestamps of their steps, by this command started again
with `--inside`.
"""

import json
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db.models import Q

from gpts.runs.prompt import build_prompt
from gpts.runs.steps import ModelReply, ToolResult, UserMessage
from tests.lab.cases import read_cases
from tests.lab.routing import CHOICES, RoutingCase, choose_all, figures, wrong_choices
from web.accounts.models import User
from web.builder.models import DelegateRow, Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, publish
from web.runs import log
from web.runs.models import Run, StepRow
from web.runs.services import Sent, start_conversation, start_run
from workers.bench import Say
from workers.bench.temporary_site import python, temporary_site
from workers.bench.timing import QUESTION
from workers.engine.scripted import WEAK
from workers.knowledge.embed import shared_embedder
from workers.smallmodel.routing.router import Router

HELP = "accuracy of the choice of a GPT on labelled messages, latency of a hop, throughput of trees"

CASES: Final = CHOICES / "delegation.jsonl.gz"
HOPS: Final = 40
TREES: Final = 16
CHILDREN: Final = 2
ROUNDS: Final = 3
TOKENS: Final = 48
LIMIT_S: Final = 900.0
OVER: Final = [str(status) for status in Run.OVER]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--cases", type=Path, default=CASES, help="labelled messages, one JSON object per line")
    parser.add_argument("--routing-only", action="store_true", help="measure only the choice")
    parser.add_argument("--inside", choices=tuple(MEASURES), help=SUPPRESS)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures and the wrong cases; with `inside`, one part on the site of this process. Raises RuntimeError."""
    if options["inside"]:
        return MEASURES[options["inside"]]()
    outcomes = choose_all(Router(shared_embedder()), read_cases(options["cases"], RoutingCase))
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
    with temporary_site(ability, **variables) as environment:
        found: dict[str, Any] = json.loads(
            python(environment, "-m", "tests.lab", "delegation", "--inside", part, "--json")
        )
    return found


def hop() -> dict[str, Any]:
    """Milliseconds from a delegation until the parent has finished with the answer.

    The model is scripted and answers at once, so what is left is the hop: two wake-ups, two claims, the child's run
    and the steps of both in the database.
    """
    user = _person()
    parent = _gpt(user, "Parent", _gpt(user, "Child"))
    spans = [_span(_finished([_started(user, parent, f"Question {n}?")])[0]) for n in range(HOPS + 3)][3:]
    return {"median_ms": median(spans), "worst_ms": max(spans), "hops": len(spans)}


def _span(root: Run) -> float:
    stamps = {row.kind: row.created for row in StepRow.objects.filter(run=root)}
    return (stamps["finished"] - stamps["delegation"]).total_seconds() * 1000


def throughput() -> dict[str, Any]:
    """Tokens a second of trees of three runs, of as many independent runs of the same work, and of short ones.

    The same work is what the trees' models read and wrote, without any delegation: the children's tasks, and the
    questions with the calls and answers that the parents read. Short runs read only a question. All three take turns;
    the figures are medians over the rounds.
    """
    user = _person()
    children = [_gpt(user, f"Teller {n}") for n in range(CHILDREN)]
    parent, alone = _gpt(user, "Parent", *children), _gpt(user, "Alone")
    _timed([_started(user, alone, QUESTION.format(n)) for n in range(2)])
    trees, same, short = [], [], []
    for _ in range(ROUNDS):
        roots = [_started(user, parent, QUESTION.format(n)) for n in range(TREES)]
        trees.append(_timed(roots))
        same.append(_timed(_same_work(user, alone, roots)))
        short.append(_timed([_started(user, alone, QUESTION.format(n)) for n in range(TREES * (1 + CHILDREN))]))
    return {
        "trees_tokens_per_s": median(trees),
        "runs_tokens_per_s": median(same),
        "ratio": median(tree / run for tree, run in zip(trees, same, strict=True)),
        "short_runs_tokens_per_s": median(short),
        "ratio_to_short_runs": median(tree / run for tree, run in zip(trees, short, strict=True)),
    }


MEASURES: Final[dict[str, Callable[[], dict[str, Any]]]] = {"hop": hop, "throughput": throughput}


def _same_work(user: User, alone: Gpt, roots: Sequence[Run]) -> list[Run]:
    """Independent runs, just started, whose models read and write what those of the trees did."""
    tasks = Run.objects.filter(root__in=roots).values_list("message__text", flat=True)
    runs = [_started(user, alone, task) for task in tasks]
    for root in roots:
        read = [step for step in log.read(root.id) if isinstance(step, UserMessage | ModelReply | ToolResult)]
        _system, question, *calls_and_answers = build_prompt(alone.draft_spec(), (), tuple(read[:-1]))
        runs.append(
            start_run(start_conversation(user, alone), question.content, sent=Sent(later=tuple(calls_and_answers)))
        )
    return runs


def _timed(started: Sequence[Run]) -> float:
    """Completion tokens a second of these runs and their children, from the first start to the last end."""
    done = _finished(started)
    every = Run.objects.filter(Q(root__in=done) | Q(id__in=[run.id for run in done]))
    replies = StepRow.objects.filter(run__in=every, kind="model_reply").values_list("data", flat=True)
    written = sum(int(data["completion_tokens"]) for data in replies)
    begun: datetime = min(run.created for run in done)
    ended: datetime = max(run.ended for run in done if run.ended)
    return written / (ended - begun).total_seconds()


def _person() -> User:
    return User.objects.create_user("bench@localhost", name="Bench")


def _gpt(owner: User, name: str, *delegates: Gpt) -> Gpt:
    """A published GPT that delegates to all the others each time."""
    fields = {"name": name, "max_tokens": TOKENS, "temperature": 0.0, "delegates_to_all": bool(delegates)}
    gpt = create_gpt(owner, fields)
    for delegate in delegates:
        DelegateRow.objects.create(gpt=gpt, delegate=delegate)
    publish(gpt, Sharing.ME, by=gpt.owner)
    return gpt


def _started(user: User, gpt: Gpt, text: str) -> Run:
    return start_run(start_conversation(user, gpt), text)


def _finished(roots: Sequence[Run]) -> list[Run]:
    """The runs once all are over. Raises RuntimeError if one fails or they take too long."""
    ids, ends_at = [run.id for run in roots], time.monotonic() + LIMIT_S
    while Run.objects.filter(id__in=ids).exclude(status__in=OVER).exists():
        if time.monotonic() > ends_at:
            raise RuntimeError("The runs did not end in time.")
        time.sleep(0.01)
    done = list(Run.objects.filter(id__in=ids))
    if any(run.status == Run.Status.FAILED for run in done):
        raise RuntimeError("A run failed.")
    return done
