"""`manage.py bench api`: what the API costs, as ratios to the engine within one run.

Many chats at once over `/v1/chat/completions` and `/v1/responses` against the raw engine in this process, with the
same model and prompts that differ only in a number.
The arms take turns, round by round, and each ratio is the median of those of the rounds: the machine's speed wanders.
"""

import asyncio
import json
import os
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from statistics import median
from typing import Any, Final

import httpx

from gpts.runs.prompt import build_prompt
from gpts.runs.steps import UserMessage
from gpts.spec.gpt import GptSpec
from workers.bench import Say
from workers.bench.temporary_site import manage, temporary_site, web_server
from workers.bench.timing import conversation, instructions, read
from workers.configuration import engine_config
from workers.engine import open_engine
from workers.engine.base import Engine, EngineError

HELP = "the API against the raw engine"

# A capable model writes its answers itself, so that both do the same.
ABILITY: Final = "calls_tools=yes writes_from_sources=yes"
NAME: Final = "Benchmark"
TIMEOUT_S: Final = 300.0
# A round's work, timed: how much of it was done a second.
Arm = Callable[[int], float]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--chats", type=int, default=16, help="chats at once (default 16)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens per reply (default 64)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds after the first, which warms up (default 3)")
    parser.add_argument("--inside", action="store_true", help=SUPPRESS)


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The speeds of all arms and their ratios. Raises RuntimeError."""
    if options["inside"]:
        return _prepare()
    try:
        with open_client() as (client, spec):
            found = _chats(client, spec, options, say)
    except (EngineError, httpx.HTTPError, OSError) as error:
        raise RuntimeError(str(error)) from error
    return {
        "setting": {name: options[name] for name in ("chats", "tokens", "rounds")},
        "model": engine_config().base_model,
        "load of the machine": [round(each, 2) for each in os.getloadavg()],
        **found,
    }


@contextmanager
def open_client() -> Iterator[tuple[httpx.Client, GptSpec]]:
    """A client of a temporary site, with a key, and the GPT that it chats with."""
    open_engine(engine_config()).close()  # a model that has to be converted is, once, before the site begins
    with temporary_site(ABILITY, queues=("model,tools", "index")) as environment, web_server(environment) as url:
        prepared = json.loads(manage(environment, "bench", "api", "--json", "--inside"))
        headers = {"Authorization": f"Bearer {prepared['key']}"}
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client:
            yield client, GptSpec.model_validate(prepared["spec"])


def _prepare() -> dict[str, Any]:
    """A key and a published GPT, made on the site of this process."""
    from web.accounts.models import User
    from web.accounts.services import create_key
    from web.builder.models_access import Sharing
    from web.builder.services import create_gpt, publish

    owner = User.objects.create_user("owner@example.org")
    gpt = create_gpt(owner, {"name": NAME, "instructions": instructions(NAME)})
    publish(gpt, Sharing.ME, by=gpt.owner)
    gpt.refresh_from_db()
    assert gpt.published is not None
    return {"key": create_key(owner, "bench")[1], "spec": gpt.published.spec().model_dump(mode="json")}


def compared(arms: Mapping[str, Arm], rounds: int, unit: str, say: Say) -> dict[str, Any]:
    """The median speed of each arm, and the median ratio of each to the first, round by round."""
    speeds: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds + 1):
        names = [*arms]
        for name in names[number % len(names) :] + names[: number % len(names)]:  # none is always after the same one
            speed = arms[name](number)
            say(f"{name}, round {number}: {speed:.1f} {unit}")
            speeds[name] += [speed] if number else []
    first, *others = arms
    ratios = {
        f"{name} to {first}": median(one / other for one, other in zip(speeds[name], speeds[first], strict=True))
        for name in others
    }
    return {
        **{f"{name}, {unit}": round(median(each), 1) for name, each in speeds.items()},
        **{name: round(ratio, 3) for name, ratio in ratios.items()},
    }


def _chats(client: httpx.Client, spec: GptSpec, options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    n_chats, n_tokens = options["chats"], options["tokens"]
    # Their instructions are so long that reading them again for each chat would hide everything else.
    with closing(open_engine(engine_config())) as engine:

        def raw(before: int, number: int) -> float:
            return timed(lambda: _raw(engine, spec, _questions(before + number, n_chats), n_tokens))

        def api(path: str, body: Callable[[str], dict[str, Any]], before: int, number: int) -> float:
            bodies = [body(question) for question in _questions(before + number, n_chats)]
            return timed(lambda: asyncio.run(_streamed(client, path, bodies)))

        same = {"model": spec.slug, "stream": True, "temperature": 0}

        def completion(question: str) -> dict[str, Any]:
            asked = {"messages": [{"role": "user", "content": question}], "max_tokens": n_tokens}
            return {**same, **asked, "stream_options": {"include_usage": True}}

        def response(question: str) -> dict[str, Any]:
            return {**same, "input": question, "max_output_tokens": n_tokens, "store": False}

        doors = {
            "chat completions": ("/v1/chat/completions", completion),
            "/v1/responses": ("/v1/responses", response),
        }
        found: dict[str, Any] = {}
        for index, (name, (path, body)) in enumerate(doors.items()):
            # One worker answers both doors, and would know the questions of the other. The engine beside a door
            # answers the same ones: how long a model writes depends on them.
            before = index * (options["rounds"] + 1)
            arms: dict[str, Arm] = {
                f"engine beside {name}": partial(raw, before),
                name: partial(api, path, body, before),
            }
            found |= compared(arms, options["rounds"], "tokens/s", say)
        return found


def _questions(number: int, n_chats: int) -> list[str]:
    """The questions of a round, which differ from those of another only in a number."""
    return [conversation(NAME, number * n_chats + chat)[1].content for chat in range(n_chats)]


def timed(work: Callable[[], int]) -> float:
    """How much of what `work` returns was done a second."""
    started = time.perf_counter()
    n_done = work()
    return n_done / (time.perf_counter() - started)


def _raw(engine: Engine, spec: GptSpec, questions: Sequence[str], n_tokens: int) -> int:
    """The tokens of the replies, each read in a thread of its own as in a worker."""
    prompts = [build_prompt(spec, (), (UserMessage(text=question),)) for question in questions]
    with ThreadPoolExecutor(len(prompts)) as pool:
        return sum(pool.map(lambda prompt: read(engine, prompt, n_tokens).n_tokens, prompts))


async def _streamed(client: httpx.Client, path: str, bodies: Sequence[dict[str, Any]]) -> int:
    """The tokens of the streamed answers to these requests, sent at once. Raises httpx.HTTPError, RuntimeError."""
    url, headers = client.base_url, client.headers
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as site:
        answers = await asyncio.gather(*(_whole_stream(site, path, body) for body in bodies))
    return sum(_n_written(answer) for answer in answers)


async def _whole_stream(site: httpx.AsyncClient, path: str, body: dict[str, Any]) -> str:
    async with site.stream("POST", path, json=body) as stream:
        stream.raise_for_status()
        return (await stream.aread()).decode()


def _n_written(answer: str) -> int:
    """The tokens of a streamed answer, by the usage in it. Raises RuntimeError for one that failed."""
    events = [json.loads(line[6:]) for line in answer.splitlines() if line.startswith("data: {")]
    for event in reversed(events):
        usage = event.get("usage") or event.get("response", {}).get("usage")
        if usage:
            return int(usage.get("completion_tokens") or usage.get("output_tokens"))
    raise RuntimeError(f"An answer has no usage: {answer[-300:]}")
