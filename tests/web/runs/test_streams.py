"""How many streams a person may have open, at every door that streams."""

import asyncio
import gc
import json
import uuid
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import AsyncClient

from tests.publishing import let
from tests.web.api.conftest import key_of
from web.accounts.models import User
from web.builder import shares
from web.runs import connections, services, stream
from web.runs.connections import STREAMS, sse_response, take_stream
from web.runs.listening import CHANNEL
from web.runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few(settings) -> None:
    settings.MAX_STREAMS_PER_PERSON = 2


def test_a_person_has_a_bounded_number_of_streams_at_every_door(bob, charlie, gpt, run, settings) -> None:
    let(gpt, a2a=True)
    bobs = {"Authorization": f"Bearer {key_of(bob)}"}
    page = AsyncClient()
    page.force_login(bob)

    async def ask(client: AsyncClient, headers: dict[str, str]) -> Any:
        body = {"model": gpt.slug, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        return await client.post("/v1/chat/completions", json.dumps(body), "application/json", headers=headers)

    async def stream_of_nothing() -> AsyncGenerator[str]:
        yield ""

    async def check() -> None:
        first = await page.get(f"/runs/{run.id}/events")
        second = await AsyncClient().get(f"/api/runs/{run.id}/events", headers=bobs)
        assert (first.status_code, second.status_code, STREAMS.n_held(bob.id)) == (200, 200, 2)
        refused = [
            await page.get(f"/runs/{run.id}/events"),
            await AsyncClient().get(f"/api/runs/{run.id}/events", headers=bobs),
            await ask(AsyncClient(), bobs),
            await AsyncClient().post(f"/a2a/{gpt.slug}", "{}", "application/json", headers=bobs),
        ]
        for answer in refused:
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
            body = json.loads(answer.content)
            assert "Close some" in json.dumps(body.get("error") or body["detail"])
        assert await Run.objects.acount() == 1, "a refused stream starts no run"
        others = await ask(AsyncClient(), {"Authorization": f"Bearer {await asyncio.to_thread(key_of, charlie)}"})
        assert others.status_code == 200, "others are not held up"
        settings.MAX_STREAMS_PER_PERSON = 3
        unsent = sse_response(stream_of_nothing(), await take_stream(bob.id))
        assert STREAMS.n_held(bob.id) == 3
        del unsent
        gc.collect()
        assert STREAMS.n_held(bob.id) == 2, "a response that is never sent holds nothing"
        invalid = await AsyncClient().post(f"/a2a/{gpt.slug}", "{}", "application/json", headers=bobs)
        assert (invalid.status_code, STREAMS.n_held(bob.id)) == (200, 2), "an answer without a stream frees its slot"

    asyncio.run(check())


def test_a_stream_that_ends_or_is_left_frees_its_slot(bob, run) -> None:
    client = AsyncClient()
    client.force_login(bob)

    async def check() -> None:
        left = aiter(await client.get(f"/runs/{run.id}/events"))
        reading = asyncio.ensure_future(anext(left))
        await asyncio.sleep(0)
        assert STREAMS.n_held(bob.id) == 1
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert STREAMS.n_held(bob.id) == 0
        await Run.objects.filter(id=run.id).aupdate(status="cancelled")
        ended = await client.get(f"/runs/{run.id}/events")
        assert [part async for part in ended][-1].endswith(b'"cancelled"}\n\n')
        assert STREAMS.n_held(bob.id) == 0

    asyncio.run(check())


def test_readers_share_a_few_connections_and_hear_of_events_even_after_a_lost_connection(with_valkey) -> None:
    """Sixty idle readers; the connection on which they all listen is cut before the events come."""
    runs = [uuid.uuid4() for _ in range(60)]

    async def first_event(run_id: uuid.UUID) -> Any:
        (event,) = [event async for _, event in stream.follow(run_id) if event]
        return event

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.02)

    def listening() -> bool:
        return dict(stream._client().pubsub_numsub(CHANNEL)) == {CHANNEL.encode(): 1}

    async def check() -> None:
        # What readers look up first takes a connection a thread, and larger machines give more threads by default.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(8))
        others = len(stream._client().client_list())  # of tests before this one
        readers = [asyncio.ensure_future(first_event(run)) for run in runs]
        await until(listening)
        assert len(stream._client().client_list()) < others + 12
        stream._client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await until(listening)
        for run in runs:
            stream.publish(run, {"type": "done", "status": "completed"})
        async with asyncio.timeout(5):
            assert {event["type"] for event in await asyncio.gather(*readers)} == {"done"}
        await until(lambda: len(stream._client().client_list()) < others + 5)

    asyncio.run(check())


def test_the_streams_and_the_run_of_somebody_suspended_end(bob, gpt, run, monkeypatch) -> None:
    monkeypatch.setattr(connections, "CHECK_S", 0)
    page, key = AsyncClient(), {"Authorization": f"Bearer {key_of(bob)}"}
    page.force_login(bob)
    asked = {"model": gpt.slug, "messages": [{"role": "user", "content": "Hi"}], "stream": True}

    async def check() -> None:
        watched = aiter(await page.get(f"/runs/{run.id}/events"))
        asking = AsyncClient().post("/v1/chat/completions", json.dumps(asked), "application/json", headers=key)
        written = aiter(await asking)
        assert [await anext(watched), (await anext(written))[:5]] == [b": still here\n\n", b"data:"]
        await User.objects.filter(id=bob.id).aupdate(is_active=False)
        assert ([part async for part in watched], [part async for part in written]) == ([], [])

    asyncio.run(asyncio.wait_for(check(), 20))
    assert Run.objects.exclude(id=run.id).get().status == "cancelled"


def test_the_stream_of_a_preview_ends_with_the_right_to_edit(bob, gpt, monkeypatch, proven) -> None:
    monkeypatch.setattr(connections, "CHECK_S", 0)
    share = shares.share(gpt, "edit", email=bob.email)
    tried = services.start_run(services.start_conversation(bob, gpt, "preview"), "Hi")
    page = AsyncClient()
    page.force_login(bob)

    async def check() -> None:
        watched = aiter(await page.get(f"/runs/{tried.id}/events"))
        assert await anext(watched) == b": still here\n\n"
        await asyncio.to_thread(shares.unshare, gpt, share.id)
        assert [part async for part in watched] == []

    asyncio.run(asyncio.wait_for(check(), 20))
