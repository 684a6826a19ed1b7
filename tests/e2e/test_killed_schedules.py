"""Workers that are killed, or work at once, neither lose nor double a time of a schedule."""

import signal
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.forking import forking
from tests.web.schedules.conftest import DAILY, end, fall_due, webhook
from web.accounts.models_outbox import Delivery
from web.runs import log
from web.runs.models import Conversation, Run
from web.schedules import services
from web.schedules.models import ScheduledRun

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sent_tasks")]
Work = Callable[..., list[int]]
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def fork(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    with forking("schedule_and_die.py", tmp_path_factory.mktemp("home")) as send:
        yield send


@pytest.fixture
def work(transactional_db, fork) -> Work:
    """Lets real processes work on schedules at once, each to the place named, and gives their exit statuses."""
    return lambda *where: [int(status) for status in fork(*where).split()]


@pytest.fixture
def schedule(bob, gpt):
    return services.create(bob, gpt, DAILY | {"callback_url": "https://example.org/hook"})[0]


@pytest.mark.parametrize("where", ["begin", "commit"])
def test_a_worker_killed_while_it_starts_a_run_leaves_nothing_and_the_next_starts_it(work, schedule, where):
    fall_due(schedule)
    assert work(where) == [KILLED]
    assert (Run.objects.count(), ScheduledRun.objects.count(), Conversation.objects.count()) == (0, 0, 0)
    assert work("-") == [0]
    assert work("-") == [0]
    assert (Run.objects.count(), ScheduledRun.objects.count(), Conversation.objects.count()) == (1, 1, 1)


def test_workers_at_once_start_one_run(work, schedule):
    for n in (1, 2, 3):
        fall_due(schedule)
        assert work(*"-" * 5) == [0] * 5
        assert (Run.objects.count(), ScheduledRun.objects.count()) == (n, n)
        end(Run.objects.latest("created"))
        assert work(*"-" * 3) == [0] * 3
    assert Delivery.objects.count() == 3


def test_a_worker_killed_while_it_settles_leaves_it_to_the_next(work, schedule):
    fall_due(schedule)
    work("-")
    end(Run.objects.get(), "")
    assert work("settle") == [KILLED]
    schedule.refresh_from_db()
    assert (schedule.n_failed, Delivery.objects.count()) == (0, 0)
    assert work("-", "-") == [0, 0]
    schedule.refresh_from_db()
    assert (schedule.n_failed, Delivery.objects.count()) == (1, 1)


def test_a_call_of_a_webhook_outlives_the_worker_that_took_it(work, bob, gpt):
    schedule, secret = webhook(bob, gpt)
    for body in (b"1", b"2"):
        services.trigger(schedule.id, secret, body)
    end(Run.objects.get())
    assert work("-") == [0]  # settles the first
    assert work("begin") == [KILLED]
    assert Run.objects.count() == 1
    assert work("-", "-", "-") == [0, 0, 0]
    assert [log.first(run.id).received for run in Run.objects.order_by("created")] == ["1", "2"]
