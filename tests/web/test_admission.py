"""Admission: a few requests compute at once, and each person has their turn."""

import asyncio
from contextlib import suppress
from uuid import UUID

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

import web.admission
import web.refusals
from tests.web.api.conftest import key_of
from web.accounts.requests import owner_of_key
from web.admission import Admission, Line, step_aside
from web.handler import Handler
from web.refusals import FREE, MAX_S, Refusals
from web.runs import file_reading
from web.runs.connections import close_connection, in_database
from web.runs.file_reading import until_read
from web.runs.models import ConversationFile


@pytest.fixture(autouse=True)
def shortly_about(monkeypatch):
    """Others are forgotten sooner, so that floods end sooner."""
    monkeypatch.setattr(web.admission, "ABOUT_S", 0.2)


async def many(door: Admission, served: list[str], who: str, n: int, *, writes: bool = True) -> None:
    async def one() -> None:
        async with door.admitted(Line(who, writes)):
            served.append(who if writes else f"{who} reads")
            await asyncio.sleep(0.002)

    await asyncio.gather(*(one() for _ in range(n)))


def test_a_hundred_requests_of_one_person_do_not_make_the_first_of_another_wait():
    async def play() -> list[str]:
        door, served = Admission(at_once=3), list[str]()
        flood = asyncio.create_task(many(door, served, "alice", 100))
        while not served:
            await asyncio.sleep(0)
        served.clear()  # one of Alice's computes, and nobody else is there
        await asyncio.gather(many(door, served, "bob", 2), many(door, served, "charlie", 1), flood)
        assert sorted(served) == ["alice"] * 99 + ["bob"] * 2 + ["charlie"]
        return served

    served = asyncio.run(play())
    assert set(served[:2]) == {"bob", "charlie"}
    assert "bob" in served[2:4]


def test_a_flood_takes_a_twentieth_of_the_time_while_others_come_and_all_of_it_afterwards():
    async def play() -> tuple[int, int]:
        door, served = Admission(at_once=3), list[str]()
        flood = asyncio.create_task(many(door, served, "alice", 200))
        for _ in range(50):
            await many(door, served, "bob", 1)
            await asyncio.sleep(0.008)
        beside = served.count("alice")
        await asyncio.wait_for(flood, 30)
        return beside, served.count("alice")

    beside, at_last = asyncio.run(play())
    assert 3 < beside < 40  # half a second is free, enough for all
    assert at_last == 200


def test_who_floods_still_reads_what_was_answered():
    async def play() -> None:
        door, served = Admission(at_once=3), list[str]()
        flood = asyncio.create_task(many(door, served, "alice", 100))
        await asyncio.sleep(0)
        await asyncio.gather(many(door, served, "bob", 1), many(door, served, "alice", 2, writes=False))
        assert served.count("alice reads") == 2
        assert served.count("alice") < 10
        await flood

    asyncio.run(play())


def test_refusals_come_later_and_later_and_at_once_again_after_a_pause(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(web.refusals, "monotonic", lambda: now[0])
    refusals = Refusals()
    waits = [refusals.count("alice") for _ in range(100)]
    assert waits[:FREE] == [0] * FREE
    assert waits == sorted(waits)
    assert waits[FREE] > 0
    assert waits[-1] == MAX_S
    assert refusals.count("bob") == 0
    now[0] += 60
    assert refusals.count("alice") == 0


def test_a_client_that_leaves_while_it_waits_or_computes_takes_no_place_with_it():
    async def play() -> None:
        door, inside = Admission(at_once=1), asyncio.Event()

        async def stay() -> None:
            async with door.admitted(Line("alice", writes=True)):
                inside.set()
                await asyncio.sleep(3600)

        tasks = [asyncio.create_task(stay()) for _ in range(3)]
        await inside.wait()
        for task in (tasks[1], tasks[0], tasks[2]):  # one waits, one computes, one is called as it leaves
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.wait_for(many(door, [], "bob", 3), 5)
        await asyncio.wait_for(asyncio.gather(*(many(door, [], who, 2) for who in "abc")), 5)

    asyncio.run(play())


inside, over = [], []


def compute(request):
    """A page; its thread says that it waits for somebody, if asked to."""
    inside.append((request.user.is_authenticated, owner_of_key(request)))
    if "aside" in request.GET:
        step_aside()
        step_aside()
    while "until" in request.GET and len(inside) < int(request.GET["until"]):
        if over:
            return HttpResponse("alone")
    return HttpResponse("done")


async def wait(request):
    """A long answer of the API."""
    if "aside" in request.GET:
        await close_connection()
    inside.append(request)
    while len(inside) < int(request.GET["until"]) and not over:
        await asyncio.sleep(0.01)
    return HttpResponse("alone" if over else "done")


async def read(request):
    """A message of a program whose file is being read, until `settle`."""
    await until_read([UUID(request.GET["file"])])
    is_read = await in_database(ConversationFile.objects.filter(status="ready").exists)
    return HttpResponse("done" if is_read else "alone")


def settle(request):
    """What happens while others wait: the file is read."""
    ConversationFile.objects.update(status="ready")
    return HttpResponse("done")


def fail(request):
    """A page that breaks."""
    raise ZeroDivisionError


urlpatterns = [
    path("page", compute),
    path("long", wait),
    path("fail", fail),
    path("read", read),
    path("settle", settle),
    path("healthz", compute),
]


@pytest.fixture
def handler(settings):
    settings.ROOT_URLCONF = __name__
    inside.clear()
    over.clear()
    return Handler(at_once=1)


def get(handler, *paths, headers=None):
    async def play():
        transport = httpx.ASGITransport(handler, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            requests = asyncio.gather(*(client.get(each, headers=headers) for each in paths))
            asyncio.get_running_loop().call_later(5, over.append, True)
            return [answer.text if answer.is_success else answer.status_code for answer in await requests]

    return asyncio.run(play())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/page?aside&until=2", "/long?aside&until=2"])
def test_what_waits_for_somebody_lets_others_compute(handler, path):
    assert get(handler, path, "/page") == ["done", "done"]


@pytest.mark.django_db(transaction=True)
def test_a_message_whose_file_is_being_read_lets_others_compute(handler, alice, monkeypatch):
    monkeypatch.setattr(file_reading, "READING_S", 3)
    file = ConversationFile.objects.create(owner=alice, name="a.pdf", size=1, sha256="0" * 64, status="received")
    assert get(handler, f"/read?file={file.id}", "/settle") == ["done", "done"]


@pytest.mark.django_db(transaction=True)
def test_a_client_that_leaves_frees_its_place_when_its_thread_is_free(handler):
    head = {"type": "http", "method": "GET", "path": "/page", "query_string": b"until=9"}
    scope = {**head, "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 9)}

    async def play():
        left, answers = asyncio.Event(), []
        bodies = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive():
            if bodies:
                return bodies.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            answers.append(message)

        first = asyncio.create_task(handler(scope, receive, send))
        while not inside:
            await asyncio.sleep(0.01)
        left.set()
        transport = httpx.ASGITransport(handler)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            second = asyncio.create_task(client.get("/page"))
            await asyncio.sleep(0.1)
            assert len(inside) == 1
            over.append(True)
            assert (await second).text == "done"
        await first
        assert not answers

    asyncio.run(play())


@pytest.mark.django_db(transaction=True)
def test_probes_are_answered_while_others_compute_and_errors_free_the_place(handler):
    assert get(handler, "/page?until=2", "/healthz") == ["done", "done"]
    assert get(handler, "/fail", "/fail", "/page") == [500, 500, "done"]


@pytest.mark.django_db(transaction=True)
def test_people_are_known_by_cookie_and_key_and_strangers_by_address(handler, alice):
    browser, seen = Client(), []
    browser.force_login(alice)
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    bearer = {"Authorization": f"Bearer {key_of(alice)}"}
    whose = handler._who

    async def watched(request):
        seen.append(await whose(request))
        return seen[-1]

    handler._who = watched
    for headers in (cookie, bearer, {"Cookie": "sessionid=invented"}, {"Authorization": "Bearer gh_invented"}, {}):
        get(handler, "/page", headers=headers)
    assert seen == [f"person-{alice.pk}"] * 2 + ["127.0.0.1"] * 3
