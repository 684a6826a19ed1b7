"""What an operator sees of the model and may override; nobody else sees anything."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from web.engines import DEFAULT, NamedEngine
from web.operate.models import MEASURING_LIMIT, OVERRIDABLE, MeasuredModel
from web.operate.services import (
    claim_measuring,
    current_model,
    give_up_measuring,
    override,
    save_measurement,
    seen_model,
)

FIGURES = {"tool_needed": {"right": 3, "cases": 10, "wrong": ["choice-1"]}, "sources": {"right": 8, "cases": 8}}


@pytest.fixture
def measured(db) -> MeasuredModel:
    record = seen_model("a" * 64, "some-7b")
    save_measurement(record, FIGURES, {"calls_tools": False, "writes_from_sources": True}, 61.0)
    record.refresh_from_db()
    return record


@pytest.fixture
def operator(alice):
    alice.is_staff = True
    alice.save()
    return alice


def test_an_operator_sees_the_figures(client, operator, measured):
    client.force_login(operator)
    page = client.get("/operate/model/").content.decode()
    assert "some-7b" in page
    assert "3 of 10" in page
    assert "As measured: off" in page


def test_an_operator_sees_which_answers_were_wrong(client, operator, measured):
    wrong = [{"id": "sources-1", "message": "How often?", "answer": "<b>Every</b> 14 weeks."}, "sources-2"]
    save_measurement(measured, {"sources": {"right": 5, "cases": 7, "wrong": wrong}}, {}, 61.0)
    client.force_login(operator)
    page = client.get("/operate/model/").content.decode()
    assert "1 wrong answer" in page
    assert "How often?" in page
    assert "&lt;b&gt;Every&lt;/b&gt; 14 weeks." in page


def test_the_page_says_what_each_ability_changes(client, operator, measured):
    client.force_login(operator)
    page = client.get("/operate/model/").content.decode()
    assert all(f'id="ability-{name}"' in page for name in OVERRIDABLE)


def test_an_operator_overrides_and_takes_back(client, operator, measured):
    client.force_login(operator)
    client.post("/operate/model/", {"calls_tools": "on", "writes_from_sources": "measured"})
    measured.refresh_from_db()
    assert measured.known() == {"calls_tools": True, "writes_from_sources": True}
    client.post("/operate/model/", {"calls_tools": "measured"})
    measured.refresh_from_db()
    assert measured.overrides == {}


def test_an_operator_sees_how_long_files_it_reads_and_what_the_check_cost(client, operator, measured, settings):
    client.force_login(operator)
    assert "Not measured: 24,000" in client.get("/operate/model/").content.decode()
    tokens = {"tokens": {"read": 310_000, "written": 2_000}}
    save_measurement(measured, FIGURES | tokens, {"reads_tokens": 52_428}, 61.0)
    settings.ENGINES = {DEFAULT: NamedEngine(title="Default", input_price=2.0)}
    page = client.get("/operate/model/").content.decode()
    for words in ("files of up to 52,428 tokens", "As measured: 52,428", "read 310,000 tokens", "$0.6200"):
        assert words in page


@pytest.mark.parametrize(
    ("given", "kept"), [("60000", 60_000), ("0", 0), ("", 52_428), ("-5", 52_428), ("9" * 30, 10**7)]
)
def test_an_operator_says_how_long_files_are_read_whole(client, operator, measured, given, kept):
    save_measurement(measured, FIGURES, {"reads_tokens": 52_428}, 61.0)
    client.force_login(operator)
    client.post("/operate/model/", {"reads_tokens": given})
    measured.refresh_from_db()
    assert measured.known()["reads_tokens"] == kept


@pytest.mark.parametrize("method", ["get", "post"])
def test_others_see_nothing(client, bob, measured, method):
    assert getattr(client, method)("/operate/model/").status_code == 302
    client.force_login(bob)
    assert getattr(client, method)("/operate/model/", {"calls_tools": "on"}).status_code == 404
    measured.refresh_from_db()
    assert measured.overrides == {}


def test_the_page_says_that_no_model_was_loaded(client, operator):
    client.force_login(operator)
    assert "No model yet" in client.get("/operate/model/").content.decode()


def test_one_worker_measures_and_another_takes_over_from_a_dead_one(db):
    record = seen_model("b" * 64, "new")
    assert claim_measuring(record)
    assert not claim_measuring(record)
    MeasuredModel.objects.update(measuring_since=timezone.now() - MEASURING_LIMIT - timedelta(minutes=1))
    assert claim_measuring(record)
    save_measurement(record, {}, {}, 1.0)
    assert not claim_measuring(record)


def test_a_failed_check_waits_an_hour_then_a_day_and_an_operator_sees_why_and_tries_again(client, operator):
    record = seen_model("b" * 64, "new")
    for pause in (timedelta(hours=1), timedelta(days=1), timedelta(days=1)):
        assert claim_measuring(record)
        give_up_measuring(record, "The model’s server <b>refused</b> the key.")
        for passed, is_due in ((pause - timedelta(minutes=1), False), (timedelta(minutes=2), True)):
            MeasuredModel.objects.update(retry_at=F("retry_at") - passed)
            assert MeasuredModel.objects.filter(retry_at__lte=timezone.now()).exists() == is_due
            assert is_due or not claim_measuring(record)
    give_up_measuring(record, "The model’s server <b>refused</b> the key.")
    client.force_login(operator)
    page = client.get("/operate/model/").content.decode()
    assert "The check failed: The model’s server &lt;b&gt;refused&lt;/b&gt; the key." in page
    assert re.search("It starts again .* from now", page)
    record.refresh_from_db()
    client.post("/operate/model/", {"check": "again"})
    assert "The check failed" not in client.get("/operate/model/").content.decode()
    assert claim_measuring(record)
    give_up_measuring(record, "Again.")
    save_measurement(record, {}, {}, 1.0)
    record.refresh_from_db()
    assert (record.failure, record.retry_at, record.overrides) == ("", None, {})


def test_a_model_of_which_an_operator_set_every_ability_is_not_measured(db):
    record = seen_model("e" * 64, "new")
    override(record, dict.fromkeys(OVERRIDABLE, True))
    assert not claim_measuring(record)
    override(record, {"reasons": None})
    assert claim_measuring(record)


def test_the_model_loaded_last_is_the_current_one(db):
    seen_model("c" * 64, "old")
    seen_model("d" * 64, "new")
    seen_model("c" * 64, "old")
    assert current_model().name == "old"


def test_an_unknown_ability_is_refused(measured):
    with pytest.raises(ValueError, match="There is no ability “flies”"):
        override(measured, {"flies": True})


def test_a_worker_that_says_the_same_again_writes_nothing(db):
    seen_model("e" * 64, "same")
    with CaptureQueriesContext(connection) as queries:
        seen_model("e" * 64, "same")
    assert not [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
