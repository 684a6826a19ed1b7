"""`manage.py bench engine`: plain transformers, our engine and the whole platform, in one run on the same weights."""

import gc
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from queue import Queue
from typing import Any, Final

import httpx
import torch
from transformers import AutoTokenizer, ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchingManager, OutputRouter

from gpts.runs.messages import PromptMessage
from workers.bench import Say
from workers.bench.timing import Figures, TimedReply, at_once, conversation, instructions, measure
from workers.configuration import engine_config
from workers.engine import open_engine
from workers.engine.base import Engine, EngineConfig, EngineError, GenerationRequest
from workers.engine.encoding import ChatEncoder
from workers.engine.hf import load_model, set_compute_threads
from workers.engine.weights import resolve_model

HELP = "raw generate, stock continuous batching, our engine and, with --url, the whole platform"

N_RAW: Final = 2
# Twice our engine's batch size; the attention mask of all tokens against all grows with it.
STOCK_BATCH_TOKENS: Final = 1024
# The stock scheduler counts shared tokens once per chat, so it needs a larger cache to run 16 chats at once.
STOCK_CACHE_TOKENS: Final = 24_576
TIMEOUT_S: Final = 300.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--concurrency", type=int, default=16, help="conversations at once (default 16)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens per reply (default 64)")
    parser.add_argument("--url", default="", help="a running site, such as http://127.0.0.1:8000")
    parser.add_argument("--key", default="", help="an API key of that site")


def report(options: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """The figures of all arms and their ratios. Raises RuntimeError."""
    concurrency, n_tokens = options["concurrency"], options["tokens"]
    try:
        raw, stock, engine = _measure_engines(concurrency, n_tokens, say)
        platform = _measure_platform(options, say)
    except (EngineError, httpx.HTTPError) as error:
        raise RuntimeError(str(error)) from error
    arms = {"raw generate, in turn": raw, "stock continuous batching": stock, "our engine": engine}
    arms |= {"platform over HTTP": platform} if platform else {}
    return {
        "setting": {"concurrency": concurrency, "tokens": n_tokens, "model": engine_config().base_model},
        "arms": {name: asdict(arm) for name, arm in arms.items()},
        "ratios": ratios(raw, stock, engine, platform),
    }


def ratios(raw: Figures, stock: Figures, engine: Figures, platform: Figures | None) -> dict[str, float]:
    """The promised ratios: engine to stock and raw, cold to warm first token, HTTP to engine."""
    found = {
        "engine_to_stock_tokens_per_s": engine.tokens_per_s / stock.tokens_per_s,
        "engine_to_raw_tokens_per_s": engine.tokens_per_s / raw.tokens_per_s,
    }
    if engine.solo_tokens_per_s and stock.solo_tokens_per_s:
        found["engine_to_stock_solo"] = engine.solo_tokens_per_s / stock.solo_tokens_per_s
    if engine.cold_first_s and engine.warm_first_s:
        found["cold_to_warm_first_token"] = engine.cold_first_s / engine.warm_first_s
    if platform is not None:
        found["http_to_engine_tokens_per_s"] = platform.tokens_per_s / engine.tokens_per_s
    return found


def _measure_engines(concurrency: int, n_tokens: int, say: Say) -> tuple[Figures, Figures, Figures]:
    """Raw, stock and ours, one after the other; the model of the first two is freed before ours loads."""
    config = replace(engine_config(), engine="hf")
    model = PlainModel(config)
    say("Measuring raw generate ...")
    raw = measure_raw(model, n_tokens)
    say("Measuring stock continuous batching ...")
    with _stock_manager(model) as manager:
        stock = measure(partial(_read_stock, manager, model), concurrency, n_tokens)
    del model
    say("Measuring our engine ...")
    with closing(open_engine(config)) as engine:
        read = at_once(lambda gpt, number, n_tokens: _read(engine, conversation(gpt, number), n_tokens))
        return raw, stock, measure(read, concurrency, n_tokens, compares=True)


def _measure_platform(options: Mapping[str, Any], say: Say) -> Figures | None:
    """`/v1/chat/completions` of a running site, streamed to several API clients; None without --url."""
    url, key = options["url"], options["key"]
    if not url:
        say("The platform over HTTP is skipped: no --url was given.")
        return None
    say("Measuring the platform over HTTP ...")
    headers = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False) as client,
        _published_gpt(client) as slug,
        closing(open_engine(EngineConfig("remote", remote_url=url, remote_model=slug, remote_key=key))) as site,
    ):
        read = at_once(lambda gpt, number, n_tokens: _read(site, conversation(gpt, number)[1:], n_tokens))
        return measure(read, options["concurrency"], options["tokens"], n_cold=0)


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


def _read(engine: Engine, messages: tuple[PromptMessage, ...], n_tokens: int) -> TimedReply:
    """One greedy reply of `engine`."""
    started = time.perf_counter()
    first_s, text, n_written = 0.0, "", 0
    for token in engine.stream(GenerationRequest(messages, max_tokens=n_tokens)):
        first_s = first_s or time.perf_counter() - started
        text += token.text
        n_written = token.usage.completion_tokens if token.usage else 0
    return TimedReply(first_s, time.perf_counter() - started, n_written, text)


class PlainModel:
    """The model as transformers loads it, for the arms without our engine."""

    def __init__(self, config: EngineConfig) -> None:
        folder = resolve_model(config)
        set_compute_threads(config.threads)
        self.model: Any = load_model(folder, config)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.encoder = ChatEncoder(self.tokenizer)

    def ids(self, gpt: str, number: int) -> list[int]:
        """The prompt of a benchmark conversation."""
        return self.encoder.encode(conversation(gpt, number))


def measure_raw(plain: PlainModel, n_tokens: int) -> Figures:
    """Sequential `generate`: one conversation after the other, nothing shared."""
    started, n_written = time.perf_counter(), 0
    for number in range(N_RAW):
        ids = torch.tensor([plain.ids("Raw", number)], device=plain.model.device)
        with torch.no_grad():
            output = plain.model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=n_tokens, do_sample=False
            )
        n_written += output.shape[1] - ids.shape[1]
    return Figures(n_written / (time.perf_counter() - started))


class OutputQueue(OutputRouter):
    """All outputs in one queue, so that reading costs the stock manager nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: Queue[Any] = Queue()

    def deliver(self, output: Any) -> None:
        self.outputs.put(output)

    def deliver_batch(self, outputs: list[Any]) -> None:
        for output in outputs:
            self.outputs.put(output)


@contextmanager
def _stock_manager(plain: PlainModel) -> Iterator[Any]:
    """A running manager with transformers' own settings, except for sizes that fit this machine."""
    page = ContinuousBatchingConfig().page_size
    config = ContinuousBatchingConfig(
        num_blocks=STOCK_CACHE_TOKENS // page, max_batch_tokens=STOCK_BATCH_TOKENS, auto_switch_to_flash=True
    )
    manager = ContinuousBatchingManager(plain.model, GenerationConfig(do_sample=False), config)
    manager.output_router = OutputQueue()
    manager.start()
    try:
        yield manager
    finally:
        manager.stop(block=True, timeout=30.0, hard_stop=True)
        del manager
        gc.collect()


def _read_stock(manager: Any, plain: PlainModel, gpt: str, numbers: Sequence[int], n_tokens: int) -> list[TimedReply]:
    """The stock manager's replies to the conversations `numbers`, all submitted at once."""
    started = time.perf_counter()
    first: dict[str, float] = {}
    end_id = plain.tokenizer.eos_token_id
    for number in numbers:
        manager.add_request(plain.ids(gpt, number), f"{gpt}-{number}", n_tokens, streaming=True, eos_token_id=end_id)
    replies: list[TimedReply] = []
    while len(replies) < len(numbers):
        output = manager.output_router.outputs.get(timeout=TIMEOUT_S)
        if output.error:
            raise RuntimeError(f"The stock manager failed: {output.error}")
        now = time.perf_counter() - started
        first.setdefault(output.request_id, now)
        if output.is_finished():
            replies.append(TimedReply(first[output.request_id], now, len(output.generated_tokens)))
    return replies
