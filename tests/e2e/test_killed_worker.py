"""A worker killed after any append leaves a run that the next worker ends with the same transcript."""

import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from gpts.runs.plan import INTERRUPTED
from gpts.runs.steps import Finished, ToolResult
from tests.e2e.forking import forking
from web.builder.models import GptVersion
from web.runs import approving, log, services
from web.runs.models import Run
from web.runs.trees import waiting

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]

Work = Callable[..., int]
# The loop of one turn: search, retrieval and call (model queue), result (tools queue), reply and end (model queue).
KINDS = ["user_message", "model_reply", "retrieval", "model_reply", "tool_result", "model_reply", "finished"]


@pytest.fixture(scope="module")
def fork(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    with forking("advance_and_die.py", tmp_path_factory.mktemp("home")) as send:
        yield send


@pytest.fixture
def work(transactional_db, fork) -> Work:
    """Lets a real process advance the run, or all that wait, and gives its exit status."""

    def advance(run: Run | None, queue: str, die_after: int = 0, effect: str = "read") -> int:
        return int(fork(run.id if run else "-", queue, die_after, effect, settings.GUILDHALL_HOME))

    return advance


def expire(run: Run) -> None:
    """As if the dead worker's lease had run out."""
    Run.objects.filter(id=run.id).update(lease_until=timezone.now() - timedelta(seconds=1))


def finish(work: Work, run: Run) -> None:
    for queue in ("model", "tools", "model"):
        expire(run)
        assert work(run, queue) == 0
        run.refresh_from_db()
        if run.is_over:
            return


@pytest.fixture
def ready(run) -> Run:
    version = GptVersion.objects.get(id=run.version_id)
    version.data |= {
        "knowledge": [{"file_id": "00000000-0000-4000-8000-000000000000", "name": "manual.md", "segment": "s"}],
        "capabilities": ["stock"],
        "only_from_knowledge": True,
    }
    version.save()
    return run


@pytest.mark.parametrize(
    ("queue", "die_after", "n_steps"),
    # A run's end is one transaction with all that follows from it; a death before its commit undoes it.
    [("model", 1, 2), ("model", 2, 3), ("model", 3, 4), ("tools", 1, 5), ("model", 1, 6), ("model", 2, 6)],
    ids=KINDS[1:],
)
def test_a_worker_killed_after_an_append_changes_nothing(work, ready, queue, die_after, n_steps):
    if n_steps > 4:
        assert work(ready, "model") == 0
    if n_steps > 5:
        assert work(ready, "tools") == 0
    assert work(ready, queue, die_after) == -signal.SIGKILL
    assert len(log.read(ready.id)) == n_steps
    finish(work, ready)
    steps = log.read(ready.id)
    assert [step.kind for step in steps] == KINDS
    last = steps[-1]
    assert isinstance(last, Finished)
    assert last.text == "The seal kit of the Zephyr-9 is ZP-771."
    assert [citation.quote for citation in last.citations] == [last.text]
    ready.refresh_from_db()
    assert (ready.status, ready.lease) == ("completed", "")
    assert services.history(ready) == ()


def test_a_worker_killed_in_the_middle_of_an_effect_never_repeats_it(work, ready):
    assert work(ready, "model", effect="write") == 0
    approving.answer_approval(ready, "call_1", True)
    expire(ready)
    assert work(ready, "tools", die_after=-1, effect="write") == -signal.SIGKILL
    for queue in ("tools", "model", "tools", "model"):
        expire(ready)
        assert work(ready, queue, effect="write") == 0
    steps = log.read(ready.id)
    assert (Path(settings.GUILDHALL_HOME) / "performed").read_text() == "once\n"
    result = next(step for step in steps if isinstance(step, ToolResult))
    assert (result.ok, result.text) == (False, INTERRUPTED)
    assert isinstance(steps[-1], Finished)


def test_workers_killed_while_many_wait_lose_no_run_and_repeat_no_call(work, ready, alice, bob, gpt):
    runs = [ready, *(services.start_run(services.start_conversation(alice, gpt), f"Stock {n}?") for n in range(6))]
    for queue, die_after in (("model", 1), ("model", 4), ("tools", 1), ("model", 5), ("tools", 2)):
        work(None, queue, die_after)
        Run.objects.exclude(lease_until=None).update(lease_until=timezone.now() - timedelta(seconds=1))
    late = services.start_run(services.start_conversation(bob, gpt), "Stock?")
    runs.append(late)
    while Run.objects.exclude(status__in=("completed", "failed")).exists():
        for queue in ("model", "tools"):
            assert work(None, queue) == 0
    for run in runs:
        kinds = [step.kind for step in log.read(run.id)]
        assert kinds.count("finished") == kinds.count("tool_result") == 1


def test_a_worker_killed_while_its_form_waits_takes_the_form_with_it_and_repeats_no_call(work, ready):
    assert work(ready, "model") == 0
    assert work(ready, "tools", die_after=2, effect="asks") == -signal.SIGKILL
    assert [step.kind for step in log.read(ready.id)[-2:]] == ["tool_started", "approval_request"]
    ready.refresh_from_db()
    assert (ready.status, len(waiting(ready))) == ("requires_action", 1)
    for queue in ("tools", "model"):
        expire(ready)
        assert work(ready, queue, effect="asks") == 0
    assert (Path(settings.GUILDHALL_HOME) / "performed").read_text() == "once\n"
    steps = log.read(ready.id)
    result = next(step for step in steps if isinstance(step, ToolResult))
    assert (result.ok, result.text) == (False, INTERRUPTED)
    assert isinstance(steps[-1], Finished)
