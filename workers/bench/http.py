"""The whole platform over HTTP: streaming `/v1/chat/completions` of a running site."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from workers.bench.figures import Figures, Reading, at_once, instructions, measure, question

TIMEOUT_S: Final = 300.0


def measure_platform(url: str, key: str, concurrency: int, n_tokens: int) -> Figures:
    """A GPT made on the running site for this, asked by `concurrency` API clients at once. Raises httpx.HTTPError."""
    limits = httpx.Limits(max_connections=concurrency + 1)
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, limits=limits, trust_env=False) as client,
        _published_gpt(client) as gpt,
    ):
        read = at_once(lambda _gpt, number, n_tokens: _read(client, gpt, number, n_tokens))
        return measure(read, concurrency, n_tokens, n_cold=0)[0]


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
