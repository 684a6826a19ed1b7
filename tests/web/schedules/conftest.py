"""Bob's schedule with Alice's GPT, and the ends of its runs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from gpts.runs.steps import Error, Finished
from gpts.safety.labels import Label
from web.runs import services as runs
from web.schedules import services, starting
from web.schedules.models import Schedule

DAILY = {"name": "Morning", "text": "What is new?", "cron": "0 8 * * *", "time_zone": "Europe/Berlin"}


def made(owner, gpt, **fields) -> Schedule:
    return services.create(owner, gpt, DAILY | fields)[0]


def webhook(owner, gpt, **fields) -> tuple[Schedule, str]:
    """A schedule that a webhook starts, and the webhook's secret."""
    schedule, given = services.create(owner, gpt, DAILY | {"trigger": "webhook"} | fields)
    return schedule, given.trigger_url.rpartition("/")[2]


def fall_due(schedule: Schedule) -> None:
    """As if its next time had come."""
    Schedule.objects.filter(id=schedule.id).update(next_at=timezone.now() - timedelta(seconds=1))


def end(run, text: str = "Nothing.", label: Label = Label()) -> None:  # noqa: B008 (frozen)
    """The run ends, or fails without a text."""
    runs.finish_run(run.id, Finished(text=text, label=label) if text else Error(message="It broke."), None)


def next_run(schedule: Schedule, text: str = "Nothing.", label: Label = Label()):  # noqa: B008 (frozen)
    """Its next time comes, and its run, if one is started, ends."""
    fall_due(schedule)
    starting.work()
    scheduled = schedule.runs.select_related("run")[0]
    if scheduled.run:
        end(scheduled.run, text, label)
    starting.work()
    return schedule.runs.select_related("run")[0]


@pytest.fixture
def schedule(bob, gpt, sent_tasks) -> Schedule:
    return made(bob, gpt)
