"""`python -m tests.lab streams`: many streams of answers that do not come, where no model worker is running."""

import asyncio
import time
from argparse import ArgumentParser
from collections.abc import Mapping
from http import HTTPStatus
from statistics import median
from typing import Any, Final

import httpx

from workers.bench import Say
from workers.bench.load import prepared
from workers.bench.temporary_site import memory, temporary_site, web_server

HELP = "many idle streams: how many stay open, their memory, and how long a page takes beside them"

STREAMS_PER_PERSON: Final = 5
STREAMS_S: Final = 30.0
TIMEOUT_S: Final = 60.0
PAGES: Final = 7


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--streams", type=int, default=2000, help="streams (default 2,000)")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures. Raises RuntimeError."""
    say(f"{options['streams']} idle streams ...")
    return measure(options["streams"])


def measure(n_streams: int) -> dict[str, Any]:
    """How many streams stay open, the memory that they take, and how long another page takes meanwhile."""
    with (
        temporary_site(queues=(), EGRESS_ALLOW="127.0.0.1:9") as environment,
        web_server(environment, "healthz") as url,
    ):
        people = prepared(environment, -(-n_streams // STREAMS_PER_PERSON))
        return asyncio.run(_hold_open(url, people, n_streams))


async def _hold_open(url: str, prepared: Mapping[str, Any], n_streams: int) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits, trust_env=False) as client:
        runs = [await _waiting_run(client, prepared["slug"], person) for person in prepared["people"]]
        alone_s, before = await _page_s(client), memory()
        counts = {"open": 0, "broken": 0}
        streams = [
            asyncio.create_task(_hold(client, *runs[number % len(runs)], counts)) for number in range(n_streams)
        ]
        await asyncio.sleep(STREAMS_S)
        open_s, after = await _page_s(client), memory()
        for stream in streams:
            stream.cancel()
    megabytes = {f"{name}_mb": after[name] - before[name] for name in after}
    return {**counts, **megabytes, "page_s_before": alone_s, "page_s_beside": open_s}


async def _waiting_run(client: httpx.AsyncClient, slug: str, person: dict[str, str]) -> tuple[str, dict[str, str]]:
    """The URL of the events of a new run, which no worker takes, and the headers of its owner."""
    cookies = "; ".join(f"{name}={person[name]}" for name in ("sessionid", "csrftoken"))
    headers = {"Cookie": cookies, "X-CSRFToken": person["csrftoken"], "Accept": "application/json"}
    sent = await client.post(f"/g/{slug}/chat", data={"text": "Hello"}, headers=headers)
    return f"/runs/{sent.raise_for_status().json()['run']}/events", headers


async def _hold(client: httpx.AsyncClient, url: str, headers: dict[str, str], counts: dict[str, int]) -> None:
    async with client.stream("GET", url, headers=headers) as stream:
        if stream.status_code == HTTPStatus.OK:
            counts["open"] += 1
            async for _ in stream.aiter_raw():
                continue
        counts["broken"] += 1


async def _page_s(client: httpx.AsyncClient) -> float:
    """Seconds for the store's page, the median of a few."""
    seconds = []
    for _ in range(PAGES):
        started = time.perf_counter()
        (await client.get("/")).raise_for_status()
        seconds.append(time.perf_counter() - started)
    return median(seconds)
