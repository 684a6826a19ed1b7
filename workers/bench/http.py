"""The whole platform over HTTP: streaming `/v1/chat/completions` of a running site."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import Any, Final

import httpx

from workers.bench.figures import Figures, Reading, decode_speed, instructions, question

N_WARM: Final = 5
TIMEOUT_S: Final = 300.0


def measure_platform(url: str, key: str, concurrency: int, n_tokens: int) -> Figures:
    """A GPT made on the running site for this, asked by `concurrency` API clients at once. Raises httpx.HTTPError."""
    limits = httpx.Limits(max_connections=concurrency + 1)
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, limits=limits, trust_env=False) as client,
        _published_gpt(client) as gpt,
    ):
        _read(client, gpt, 99, 2)
        warm = [_read(client, gpt, 100 + i, 2).first_s for i in range(N_WARM)]
        solo = [_read(client, gpt, 200, n_tokens)]
        _read_together(client, gpt, concurrency, n_tokens)
        started = time.perf_counter()
        readings = _read_together(client, gpt, concurrency, n_tokens)
        speed = sum(reading.n_tokens for reading in readings) / (time.perf_counter() - started)
    return Figures(speed, decode_speed(solo), None, median(warm))


def _read_together(client: httpx.Client, gpt: str, concurrency: int, n_tokens: int) -> list[Reading]:
    """Answers to `concurrency` conversations at once; like the engine's arm, measured after a first round."""
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(lambda number: _read(client, gpt, number, n_tokens), range(concurrency)))


@contextmanager
def _published_gpt(client: httpx.Client) -> Iterator[str]:
    """The slug of a GPT of the key's owner with the benchmark's instructions; deleted afterwards."""
    made = client.post("/api/gpts", json={"name": "Benchmark", "instructions": instructions("Benchmark")})
    slug = made.raise_for_status().json()["slug"]
    try:
        client.post(f"/api/gpts/{slug}/publish", json={"sharing": "me"}).raise_for_status()
        yield slug
    finally:
        client.delete(f"/api/gpts/{slug}").raise_for_status()


def _read(client: httpx.Client, gpt: str, number: int, n_tokens: int) -> Reading:
    """One streamed answer of the site."""
    body = {
        "model": gpt,
        "messages": [{"role": "user", "content": question(number)}],
        "max_tokens": n_tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    started = time.perf_counter()
    first_s, n_pieces, n_written, text = 0.0, 0, 0, ""
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        for line in response.iter_lines():
            event = _event(line)
            piece = _content(event)
            if piece:
                first_s = first_s or time.perf_counter() - started
                n_pieces += 1
                text += piece
            n_written = (event.get("usage") or {}).get("completion_tokens") or n_written
    return Reading(first_s, time.perf_counter() - started, n_written or n_pieces, text)


def _event(line: str) -> dict[str, Any]:
    """The JSON of a line of the stream; empty for the lines between and the end mark."""
    data = line.removeprefix("data:").strip() if line.startswith("data:") else ""
    return dict(json.loads(data)) if data.startswith("{") else {}


def _content(event: dict[str, Any]) -> str:
    choices = event.get("choices") or [{}]
    return str(choices[0].get("delta", {}).get("content") or "")
