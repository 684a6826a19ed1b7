"""Schedules over `/api`, and the calls of their webhooks."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.web.api.conftest import bearer, key_of
from tests.web.schedules.conftest import end
from web import rates
from web.builder.models_access import Sharing
from web.builder.services import set_sharing
from web.runs import log
from web.schedules.models import Schedule, ScheduledRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent_tasks")]
JSON = "application/json"
NEW = {"name": "Morning", "text": "What is new?", "cron": "0 8 * * 1", "time_zone": "Europe/Berlin"}


@pytest.fixture
def api(bob):
    client = bearer(key_of(bob))

    def send(method: str, path: str = "", body: object = None):
        options = {} if body is None else {"data": body, "content_type": JSON}
        return getattr(client, method)(f"/api/schedules{path}", **options)

    return send


def test_a_schedule_is_made_read_changed_run_and_deleted(api, gpt):
    made = api("post", "", {**NEW, "gpt": gpt.slug})
    assert made.status_code == 201
    body = made.json()
    assert (body["gpt"], body["cron"], body["trigger_url"], body["conversation"]) == (gpt.slug, "0 8 * * 1", "", None)
    assert body["next_at"]
    path = f"/{body['id']}"
    changed = api("patch", path, {"name": "Evening", "cron": "0 18 * * 1", "revision": 1}).json()
    assert (changed["name"], changed["revision"], changed["text"]) == ("Evening", 2, "What is new?")
    assert changed["next_at"] != body["next_at"]
    paused = api("patch", path, {"paused": True}).json()
    assert (bool(paused["paused"]), paused["next_at"], paused["revision"]) == (True, None, 2)
    assert api("patch", path, {"paused": False}).json()["next_at"] == changed["next_at"]

    run = api("post", f"{path}/runs")
    assert (run.status_code, run.json()["status"], run.json()["by"]) == (201, "queued", "person")
    busy = api("post", f"{path}/runs")
    assert (busy.status_code, busy.headers["Content-Type"], busy.json()["code"]) == (
        409,
        "application/problem+json",
        "conflict",
    )
    listed = api("get", f"{path}/runs").json()
    assert [each["run"] for each in listed["items"]] == [run.json()["run"]]
    assert api("get", path).json()["conversation"]
    assert [each["name"] for each in api("get").json()["items"]] == ["Evening"]
    assert api("delete", path).status_code == 204
    assert api("get", path).status_code == 404


def test_lists_come_in_pages(api, gpt):
    for number in range(3):
        api("post", "", {**NEW, "gpt": gpt.slug, "name": str(number)})
    first = api("get", "?limit=2").json()
    rest = api("get", f"?limit=2&cursor={first['next']}").json()
    assert [each["name"] for each in first["items"] + rest["items"]] == ["2", "1", "0"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"cron": "* * * * *"}, 422, "cron"),
        ({"cron": ""}, 422, "cron"),
        ({"time_zone": "Mars"}, 422, "time_zone"),
        ({"mails": True}, 422, "mails"),
        ({"callback_url": "file:///etc/passwd"}, 422, "callback_url"),
        ({"name": ""}, 422, "name"),
        ({"trigger": "moon"}, 422, "trigger"),
    ],
)
def test_a_wrong_field_is_named(api, gpt, change, status, field):
    answer = api("post", "", {**NEW, "gpt": gpt.slug, **change})
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert not Schedule.objects.exists()


def test_a_stale_revision_is_a_conflict(api, gpt):
    path = f"/{api('post', '', {**NEW, 'gpt': gpt.slug}).json()['id']}"
    api("patch", path, {"name": "One", "revision": 1})
    assert api("patch", path, {"name": "Two", "revision": 1}).status_code == 409
    assert api("get", path).json()["name"] == "One"


def test_only_gpts_that_one_may_chat_with_are_scheduled(api, gpt):
    set_sharing(gpt, Sharing.ME, by=gpt.owner)
    assert api("post", "", {**NEW, "gpt": gpt.slug}).status_code == 404


def test_a_persons_limit_is_told(api, gpt, settings):
    settings.MAX_SCHEDULES_PER_PERSON = 0
    answer = api("post", "", {**NEW, "gpt": gpt.slug})
    assert (answer.status_code, answer.json()["code"]) == (429, "insufficient_quota")


@pytest.fixture
def hook(api, gpt) -> dict:
    body = {"gpt": gpt.slug, "name": "Orders", "text": "Summarize the order.", "trigger": "webhook"}
    return api("post", "", body).json()


def test_a_webhook_takes_any_body_without_a_key_and_tells_nothing(hook):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(hook["trigger_url"], "order=7", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.content) == (202, b"")
    scheduled = ScheduledRun.objects.get()
    assert log.first(scheduled.run_id).received == "order=7"


@pytest.mark.parametrize("header", ["Idempotency-Key", "webhook-id"])
def test_a_repeated_call_counts_once(hook, header):
    for key in ("a", "a", "b"):
        sent = Client().post(hook["trigger_url"], "{}", content_type=JSON, headers={header: key})
        assert sent.status_code == 202
    assert ScheduledRun.objects.count() == 2


def test_a_wrong_secret_is_like_no_schedule(hook):
    url = reverse("api:trigger_schedule", args=[hook["id"], "wrong"])
    unknown = reverse("api:trigger_schedule", args=["00000000-0000-4000-8000-000000000000", "wrong"])
    answers = [Client().post(each, "{}", content_type=JSON) for each in (url, unknown)]
    assert [answer.status_code for answer in answers] == [404, 404]
    first, second = ({**answer.json(), "instance": ""} for answer in answers)
    assert first == second
    assert Client().get(hook["trigger_url"]).status_code == 405


def test_a_body_has_a_limit(hook):
    answer = Client().post(hook["trigger_url"], "x" * 32_001, content_type="text/plain")
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_a_paused_one_answers_alike(api, hook):
    api("patch", f"/{hook['id']}", {"paused": True})
    assert Client().post(hook["trigger_url"], "{}", content_type=JSON).status_code == 202
    assert not ScheduledRun.objects.exists()


@pytest.mark.usefixtures("with_valkey")
def test_too_many_calls_are_refused(hook, settings, monkeypatch):
    monkeypatch.setattr(rates.time, "time", lambda: 60_015.0)
    settings.WEBHOOKS_A_MINUTE = 2
    answers = [Client().post(hook["trigger_url"], "{}", content_type=JSON) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].headers["Retry-After"] == "45"
    assert Client().get("/api/schedules").status_code == 401  # which has its own count


def test_a_new_secret_ends_the_old_one(api, hook):
    again = api("post", f"/{hook['id']}/secret").json()
    assert Client().post(hook["trigger_url"], "", content_type=JSON).status_code == 404
    assert Client().post(again["trigger_url"], "", content_type=JSON).status_code == 202


def test_secrets_are_shown_once(api, hook):
    assert hook["trigger_url"]
    assert "trigger_url" not in api("get", f"/{hook['id']}").json()
    assert api("patch", f"/{hook['id']}", {"name": "Other"}).json()["trigger_url"] == ""


def test_what_it_received_is_a_programs_to_read_only_as_part_of_the_run(api, hook):
    Client().post(hook["trigger_url"], "secret-body", content_type="text/plain")
    listed = api("get", f"/{hook['id']}/runs")
    assert "secret-body" not in listed.content.decode()
    end(ScheduledRun.objects.get().run)
