"""Schedules run at their times: once each, in one chat, within the rights and limits of their owner."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.http import Http404
from django.test import Client
from django.utils import timezone

from tests.publishing import publish
from tests.web.runs.trees import waits
from tests.web.schedules.conftest import DAILY, end, fall_due, made, next_run
from web.accounts.quotas import QuotaExceeded
from web.builder.models_access import Sharing
from web.builder.services import set_sharing, update_gpt
from web.runs import approving
from web.runs import services as runs
from web.runs.branches import Branches
from web.runs.deletion import delete_conversation
from web.runs.models import Run
from web.schedules import services, starting
from web.schedules.models import Schedule, ScheduledRun
from workers import tasks

pytestmark = pytest.mark.django_db


def test_it_runs_once_when_it_is_due_and_has_its_next_time(schedule):
    tasks.run_schedules()
    assert not schedule.runs.exists()
    fall_due(schedule)
    tasks.run_schedules()
    tasks.run_schedules()
    scheduled = schedule.runs.get()
    assert (scheduled.by, scheduled.status, scheduled.run.message.text) == ("time", "queued", "What is new?")
    schedule.refresh_from_db()
    assert timedelta(0) < schedule.next_at - timezone.now() <= timedelta(hours=25)


def test_a_worker_that_has_read_it_before_another_started_it_starts_nothing(schedule):
    fall_due(schedule)
    stale = Schedule.objects.get(id=schedule.id)
    starting.start_due(schedule)
    end(schedule.runs.get().run)
    starting.start_due(stale)
    assert schedule.runs.count() == 1


def test_missed_times_are_caught_up_with_one_run(schedule):
    Schedule.objects.filter(id=schedule.id).update(next_at=timezone.now() - timedelta(days=9))
    starting.work()
    end(schedule.runs.get().run)
    starting.work()
    assert schedule.runs.count() == 1


def test_all_results_are_turns_of_one_chat_with_the_live_version(schedule, gpt):
    first = next_run(schedule, "One.").run
    update_gpt(gpt, {"instructions": "Other."}, by=gpt.owner)
    publish(gpt, Sharing.STORE)
    second = next_run(schedule, "Two.").run
    schedule.refresh_from_db()
    chat = schedule.conversation
    assert (chat.origin, chat.title, chat.gpt, chat.owner) == ("chat", "Morning", gpt, schedule.owner)
    assert Branches(chat).up_to(second.id) == [first.id, second.id]
    assert [run.version.number for run in (first, second)] == [1, 2]


def test_it_goes_on_after_what_the_person_wrote_in_its_chat(schedule):
    next_run(schedule)
    schedule.refresh_from_db()
    own = runs.start_run(schedule.conversation, "Tell me more")
    end(own)
    assert next_run(schedule).run.message.after_id == own.id


def test_a_deleted_chat_is_replaced(schedule):
    next_run(schedule)
    schedule.refresh_from_db()
    delete_conversation(schedule.conversation)
    again = next_run(schedule)
    schedule.refresh_from_db()
    assert again.run.message.conversation == schedule.conversation
    assert schedule.conversation.deleted is None


def test_a_time_is_skipped_while_the_last_run_works_or_waits_for_approval(schedule):
    fall_due(schedule)
    starting.work()
    run = schedule.runs.get().run
    waits(run)
    fall_due(schedule)
    starting.work()
    skipped = schedule.runs.exclude(run=run).get()
    assert (skipped.status, skipped.note, skipped.run) == ("skipped", starting.SKIPPED, None)
    schedule.refresh_from_db()
    assert (schedule.n_failed, schedule.next_at > timezone.now()) == (0, True)
    end(run)
    assert next_run(schedule).status == "completed"


def test_a_run_that_waits_for_approval_goes_on_once_it_is_answered(schedule):
    fall_due(schedule)
    starting.work()
    run = schedule.runs.get().run
    waits(run)
    starting.work()
    assert schedule.runs.get().settled is None
    approving.answer_approval(Run.objects.get(id=run.id), "w1", True)
    end(run)
    starting.work()
    assert schedule.runs.get().settled


def test_it_does_not_run_once_the_gpt_is_no_longer_shared(schedule, gpt):
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    scheduled = next_run(schedule)
    assert (scheduled.status, scheduled.note, Run.objects.count()) == ("failed", starting.GONE, 0)


def test_it_does_not_run_for_a_suspended_person(schedule, bob):
    bob.is_active = False
    bob.save()
    assert next_run(schedule).note == starting.SUSPENDED


def test_a_limit_of_the_owner_stops_it_and_is_named(schedule, settings):
    settings.MESSAGES_A_DAY = 0
    scheduled = next_run(schedule)
    assert "limit of 0 messages a day" in scheduled.note
    schedule.refresh_from_db()
    assert (schedule.n_failed, schedule.conversation) == (1, None)


@pytest.mark.parametrize("fails", ["start", "answer"])
def test_it_pauses_itself_after_failures_in_a_row_and_says_why(schedule, settings, fails):
    if fails == "start":
        settings.MESSAGES_A_DAY = 0
    for _ in range(starting.MAX_FAILED - 1):
        next_run(schedule, "")
    schedule.refresh_from_db()
    assert (schedule.paused, schedule.n_failed) == (None, 4)
    next_run(schedule, "")
    schedule.refresh_from_db()
    assert schedule.next_at is None
    assert ("messages a day" if fails == "start" else "answer failed") in schedule.paused_why
    page = Client()
    page.force_login(schedule.owner)
    mark = 'title="Paused after failures">1<'
    assert mark in page.get("/schedules/").content.decode()
    fall_due(schedule)  # not even if its time were left
    services.pause(schedule)
    starting.work()
    assert schedule.runs.count() == starting.MAX_FAILED
    services.resume(schedule)
    assert (schedule.paused_why, schedule.n_failed, schedule.next_at is None) == ("", 0, False)
    assert mark not in page.get("/schedules/").content.decode()


def test_an_answer_ends_the_row_of_failures_and_stopping_is_none(schedule):
    next_run(schedule, "")
    fall_due(schedule)
    starting.work()
    runs.cancel_run(schedule.runs.all()[0].run)
    starting.work()
    schedule.refresh_from_db()
    assert schedule.n_failed == 1
    next_run(schedule)
    schedule.refresh_from_db()
    assert schedule.n_failed == 0


def test_it_can_be_run_by_hand_also_while_it_is_paused_but_not_twice_at_once(schedule):
    services.pause(schedule)
    scheduled = services.run_now(schedule)
    with pytest.raises(services.StillRunning):
        services.run_now(schedule)
    assert ScheduledRun.objects.get() == scheduled
    schedule.refresh_from_db()
    assert schedule.next_at is None


def test_one_that_is_deleted_leaves_its_chat(schedule):
    run = next_run(schedule).run
    services.delete(schedule)
    assert Run.objects.filter(id=run.id, message__conversation__deleted=None).exists()
    with pytest.raises(Http404):
        services.pause(schedule)


def test_two_tabs_do_not_overwrite_each_other(schedule):
    other = services.access_schedule(schedule.owner, schedule.id)
    services.change(schedule, {"name": "First"}, revision=1)
    with pytest.raises(services.ChangedElsewhere):
        services.change(other, {"name": "Second"}, revision=1)
    schedule.refresh_from_db()
    assert (schedule.name, schedule.revision) == ("First", 2)


def test_a_change_of_time_moves_the_next_one_but_not_of_a_paused_one(schedule):
    before = schedule.next_at
    services.change(schedule, {"cron": "30 9 * * *"})
    assert schedule.next_at != before
    services.pause(schedule)
    services.change(schedule, {"cron": "0 8 * * *"})
    assert schedule.next_at is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " \n"}, "name"),
        ({"text": "\x00 "}, "text"),
        ({"text": "x" * 32_001}, "text"),
        ({"cron": ""}, "cron"),
        ({"cron": "* * * * *"}, "cron"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"mails": True}, "mails"),
        ({"callback_url": "ftp://example.org"}, "callback_url"),
        ({"callback_url": "example.org"}, "callback_url"),
    ],
)
def test_invalid_fields_are_named(bob, gpt, fields, field):
    with pytest.raises(ValidationError) as error:
        services.create(bob, gpt, DAILY | fields)
    assert list(error.value.message_dict) == [field]
    assert not Schedule.objects.exists()


def test_a_person_has_so_many(bob, gpt, settings):
    settings.MAX_SCHEDULES_PER_PERSON = 1
    made(bob, gpt)
    with pytest.raises(QuotaExceeded):
        made(bob, gpt)


def test_one_that_cannot_be_worked_on_does_not_hold_up_the_others(schedule, bob, gpt, caplog):
    broken = made(bob, gpt)
    Schedule.objects.filter(id=broken.id).update(time_zone="Gone/Zone")
    fall_due(broken)
    fall_due(schedule)
    starting.work()
    assert (schedule.runs.count(), broken.runs.count()) == (1, 0)
    assert str(broken.id) in caplog.text


def test_what_became_of_runs_is_forgotten_after_months(schedule):
    old = next_run(schedule)
    ScheduledRun.objects.update(created=timezone.now() - timedelta(days=91))
    next_run(schedule)
    assert services.forget_old_runs() == 1
    assert Run.objects.filter(id=old.run_id).exists()


def test_inputs_are_asked_for_kept_and_filled_in_each_time(client, bob, gpt, sent_tasks):
    inputs = [
        {"name": "customer", "title": "Customer", "required": True},
        {"name": "size", "kind": "choice", "options": ["small", "large"], "default": "small"},
    ]
    publish(update_gpt(gpt, {"inputs": inputs, "starters": ["Greet {{customer}}"]}, by=gpt.owner))
    client.force_login(bob)
    assert 'name="answer-customer"' in client.get(f"/schedules/new?gpt={gpt.slug}").content.decode()
    form = {"gpt": gpt.slug, "name": "Greeting", "text": "Greet {{customer}}", "repeat": "day", "at": "08:00"}
    # Chosen from the list, a GPT asks once its form comes back.
    page = client.post("/schedules/new", form).content.decode()
    assert not Schedule.objects.exists()
    assert "Customer" in page
    assert 'name="answer-customer"' in page
    given = {"inputs-of": gpt.slug, "answer-customer": "Acme", "answer-size": "large"}
    client.post("/schedules/new", form | given)
    schedule = Schedule.objects.get()
    assert schedule.inputs == {"customer": "Acme", "size": "large"}
    first = next_run(schedule).run
    assert first.message.text == "Greet Acme"
    page = client.get(f"/schedules/{schedule.id}/").content.decode()
    assert 'value="Acme"' in page
    client.post(f"/schedules/{schedule.id}/", form | {"revision": 1} | given | {"answer-customer": "Bolt"})
    second = next_run(schedule).run
    assert second.message.text == "Greet Bolt"
    assert second.message.conversation_id == first.message.conversation_id
    # A later version that asks for less takes what it needs; one that asks for more says so.
    publish(update_gpt(gpt, {"inputs": inputs[:1]}, by=gpt.owner))
    assert next_run(schedule).run.message.conversation.inputs == {"customer": "Bolt"}
    publish(update_gpt(gpt, {"inputs": [*inputs[:1], {"name": "order", "required": True}]}, by=gpt.owner))
    assert "order" in next_run(schedule).note
