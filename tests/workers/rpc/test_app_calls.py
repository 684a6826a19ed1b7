"""What a server's page asks of its own server, over the API and the task that does it: the SDK's server answers."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from tests.workers.rpc import seats as serving
from tests.workers.rpc.seats import Seats, give, show
from tests.workers.tools.mcp.test_mcp import SECRET
from web import rpc
from web.builder.models import Gpt
from web.runs import app_calls, copies, log, services, sharing
from web.runs.deletion import delete_conversation, empty_deleted
from web.runs.models_chats import AppCall
from workers import tasks
from workers.rpc.app_calls import TWICE


@pytest.fixture(scope="module")
def server() -> Iterator[Seats]:
    with serving.served() as seats:
        yield seats


@pytest.fixture
def seats(server, monkeypatch) -> Seats:
    server.done.clear()
    monkeypatch.setattr(tasks, "tool_settings", lambda: server.settings)
    monkeypatch.setattr(rpc, "call_for", lambda person, task, *args, **_: tasks.call_for_app(*args))
    return server


@pytest.fixture
def shown(run, seats):
    """Bob's run, whose GPT trusts the server's hints about which tools only read."""
    give(run, seats.spec())
    show(run, seats.address)
    return run


@pytest.fixture
def as_bob(bob) -> Client:
    client = Client()
    client.force_login(bob)
    return client


def asked(client, run, path: str, status: int = 200, **body):
    response = client.post(f"/api/runs/{run.id}/apps/c1/{path}", body, "application/json")
    assert response.status_code == status, response.content
    return response.json()


def listed(client, run):
    return client.get(f"/api/runs/{run.id}/apps/c1/calls").json()["items"]


def test_a_tool_for_apps_that_reads_is_called_at_once_and_recorded_without_secrets(as_bob, shown, seats):
    answer = asked(as_bob, shown, "calls", tool="free", arguments={"row": 3})
    assert answer["call"]["status"] == "done"
    assert answer["result"]["structuredContent"] == {"free": [3, 9], "key": "[removed: secret]"}
    assert seats.done == [("free", 3)]
    (kept,) = listed(as_bob, shown)
    assert (kept["tool"], kept["arguments"], kept["status"]) == ("free", {"row": 3}, "done")
    assert json.loads(kept["outcome"])["structuredContent"]["free"] == [3, 9]
    assert SECRET not in json.dumps([answer, kept])


def test_a_call_that_may_change_something_waits_for_the_person_and_is_made_once(as_bob, shown, seats):
    call = asked(as_bob, shown, "calls", tool="book", arguments={"seat": 9})["call"]
    assert (call["status"], seats.done) == ("waiting", [])
    assert "seat: 9" in call["request"]["plain"]
    assert f"The app from {seats.address} asks for this." in call["request"]["reason"]
    answer = asked(as_bob, shown, f"calls/{call['id']}/answer", allowed=True)
    assert answer["result"]["content"][0]["text"] == "Booked 9."
    asked(as_bob, shown, f"calls/{call['id']}/answer", 409, allowed=True)
    assert tasks.call_for_app(call["id"]) == {"refused": TWICE}  # delivered again
    assert seats.done == [("book", 9)]


def test_what_the_person_declines_or_answers_too_late_is_not_made(as_bob, shown, seats):
    call = asked(as_bob, shown, "calls", tool="book", arguments={"seat": 9})["call"]
    assert asked(as_bob, shown, f"calls/{call['id']}/answer", allowed=False)["call"]["status"] == "declined"
    asked(as_bob, shown, f"calls/{call['id']}/answer", 409, allowed=True)
    late = asked(as_bob, shown, "calls", tool="book", arguments={"seat": 9})["call"]
    AppCall.objects.filter(id=late["id"]).update(created=timezone.now() - app_calls.WAIT - timedelta(seconds=1))
    asked(as_bob, shown, f"calls/{late['id']}/answer", 409, allowed=True)
    assert seats.done == []


def test_without_the_creator_s_trust_every_call_asks(as_bob, run, seats):
    give(run, seats.spec(trusted=False))
    show(run, seats.address)
    assert asked(as_bob, run, "calls", tool="free", arguments={"row": 3})["call"]["status"] == "waiting"
    assert seats.done == []


@pytest.mark.parametrize("tool", ["for_models", "nothing", "createTicket"])
def test_tools_that_are_not_for_apps_are_not_called(as_bob, shown, seats, tool):
    call = asked(as_bob, shown, "calls", tool=tool)["call"]
    assert (call["status"], seats.done) == ("failed", [])
    assert "no such tool for its apps" in call["outcome"]


def test_only_its_own_server_is_asked(as_bob, run, seats):
    """Another server of the GPT has the same tools."""
    with serving.served() as other:
        give(run, seats.spec(), other.spec())
        show(run, seats.address)
        asked(as_bob, run, "calls", tool="free", arguments={"row": 3})
        asked(as_bob, run, "resources", address="seats://prices")
        assert (seats.done, other.done) == ([("free", 3)], [])


def test_a_resource_is_read_and_a_missing_one_is_an_error(as_bob, shown):
    answer = asked(as_bob, shown, "resources", address="seats://prices")
    assert answer["result"]["contents"][0]["text"] == "4 EUR [removed: secret]"
    failed = asked(as_bob, shown, "resources", address="seats://nothing")["call"]
    assert failed["status"] == "failed"
    assert failed["outcome"].startswith("Seats: ")


def test_results_and_arguments_have_limits(as_bob, shown):
    assert "sent too much" in asked(as_bob, shown, "calls", tool="long")["call"]["outcome"]
    too_long = {"row": "a" * app_calls.MAX_ARGUMENT_CHARS}
    asked(as_bob, shown, "calls", 400, tool="free", arguments=too_long)
    asked(as_bob, shown, "resources", 422, address="a" * 2_001)


def test_an_app_asks_so_often_only(as_bob, shown, seats, monkeypatch):
    monkeypatch.setattr(app_calls, "A_MINUTE", 2)
    for _ in range(2):
        asked(as_bob, shown, "resources", address="seats://prices")
    asked(as_bob, shown, "resources", 429, address="seats://prices")
    AppCall.objects.update(created=timezone.now() - timedelta(minutes=2))
    monkeypatch.setattr(app_calls, "PER_RUN", 3)
    asked(as_bob, shown, "resources", address="seats://prices")
    AppCall.objects.update(created=timezone.now() - timedelta(minutes=2))
    asked(as_bob, shown, "resources", 429, address="seats://prices")


def test_it_is_for_the_person_of_the_chat_while_they_may_chat(as_bob, shown, charlie, gpt, seats):
    as_charlie = Client()
    as_charlie.force_login(charlie)
    waiting = asked(as_bob, shown, "calls", tool="book", arguments={"seat": 1})["call"]
    for path, body in (
        ("calls", {"tool": "free"}),
        ("resources", {"address": "seats://prices"}),
        (f"calls/{waiting['id']}/answer", {"allowed": True}),
    ):
        asked(as_charlie, shown, path, 404, **body)
    assert as_charlie.get(f"/api/runs/{shown.id}/apps/c1/calls").status_code == 404
    asked(as_bob, shown, f"calls/{uuid4()}/answer", 409, allowed=True)
    Gpt.objects.filter(id=gpt.id).update(sharing="me")
    asked(as_bob, shown, "calls", 400, tool="free", arguments={"row": 1})
    asked(as_bob, shown, f"calls/{waiting['id']}/answer", 400, allowed=True)
    delete_conversation(shown.message.conversation)
    asked(as_bob, shown, "calls", 404, tool="free", arguments={"row": 1})
    assert seats.done == []
    empty_deleted()
    assert not AppCall.objects.exists()


def test_neither_a_shared_link_nor_a_reader_s_copy_has_the_app(as_bob, shown, charlie):
    services.cancel_run(shown)
    link = sharing.create(shown.message.conversation, "public")
    page = Client().get(f"/s/{link.token}/")
    assert page.status_code == 200
    assert "seats" not in page.content.decode().replace("Which seal fits", "")
    copy = sharing.take_over(link, charlie)
    assert not any(getattr(step, "app", None) for step in log.read(copy.shown_id))


def test_a_fork_asks_for_itself(as_bob, shown, seats):
    services.cancel_run(shown)
    copy = copies.fork(shown.message.conversation, shown.id)
    asked(as_bob, copy.shown, "calls", tool="free", arguments={"row": 3})
    assert (len(listed(as_bob, copy.shown)), listed(as_bob, shown)) == (1, [])
