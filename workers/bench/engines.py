"""Raw generation, transformers' own continuous batching, and our engine, on the same weights."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from queue import Queue
from typing import Any, Final

import torch
from transformers import AutoTokenizer, ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchingManager, OutputRouter

from workers.bench.figures import Figures, Reading, at_once, conversation, measure
from workers.engine import open_engine
from workers.engine.base import Engine, GenerationRequest
from workers.engine.config import EngineConfig
from workers.engine.encoding import ChatEncoder
from workers.engine.hf import load_model
from workers.engine.threads import set_compute_threads
from workers.engine.weights import resolve_model

N_RAW: Final = 2
# Twice what our engine takes at once; the attention mask of all against all grows with it.
STOCK_BATCH_TOKENS: Final = 1024
# Its scheduler counts shared tokens once per chat, so it needs more room than ours to run 16 chats at once.
STOCK_CACHE_TOKENS: Final = 24_576


class Library:
    """The plain model as transformers loads it, for the arms without our engine."""

    def __init__(self, config: EngineConfig) -> None:
        folder = resolve_model(config)
        set_compute_threads(config.threads)
        self.model: Any = load_model(folder, config)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.encoder = ChatEncoder(self.tokenizer)
        self.end_id = self.tokenizer.eos_token_id

    def ids(self, gpt: str, number: int) -> list[int]:
        """The prompt of a benchmark conversation."""
        return self.encoder.encode(conversation(gpt, number))


def measure_raw(library: Library, n_tokens: int) -> Figures:
    """Sequential `generate`: one conversation after the other, nothing shared."""
    started, n_written = time.perf_counter(), 0
    for number in range(N_RAW):
        ids = torch.tensor([library.ids("Raw", number)], device=library.model.device)
        with torch.no_grad():
            output = library.model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=n_tokens, do_sample=False
            )
        n_written += output.shape[1] - ids.shape[1]
    return Figures(n_written / (time.perf_counter() - started))


def measure_stock(library: Library, concurrency: int, n_tokens: int) -> Figures:
    """transformers' continuous batching with its own paged attention and prefix sharing."""
    with _stock_manager(library) as manager:
        return measure(partial(_read_stock, manager, library), concurrency, n_tokens)[0]


def measure_engine(config: EngineConfig, concurrency: int, n_tokens: int) -> Figures:
    """Our engine through its own door, `stream`, with one thread per conversation."""
    engine = open_engine(config)
    try:
        found, n_same = measure(at_once(partial(_read, engine)), concurrency, n_tokens, n_alone=concurrency)
    finally:
        engine.close()
    return replace(found, n_identical=n_same, n_compared=concurrency)


def _read(engine: Engine, gpt: str, number: int, n_tokens: int) -> Reading:
    """One greedy reply of `engine`."""
    started = time.perf_counter()
    first_s, text, n_written = 0.0, "", 0
    for token in engine.stream(GenerationRequest(conversation(gpt, number), max_tokens=n_tokens)):
        first_s = first_s or time.perf_counter() - started
        text += token.text
        n_written = token.usage.completion_tokens if token.usage else 0
    return Reading(first_s, time.perf_counter() - started, n_written, text)


class _Outbox(OutputRouter):
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
def _stock_manager(library: Library) -> Iterator[Any]:
    """A running manager with transformers' own settings but for sizes that fit this machine."""
    page = ContinuousBatchingConfig().page_size
    config = ContinuousBatchingConfig(
        num_blocks=STOCK_CACHE_TOKENS // page, max_batch_tokens=STOCK_BATCH_TOKENS, auto_switch_to_flash=True
    )
    manager = ContinuousBatchingManager(library.model, GenerationConfig(do_sample=False), config)
    manager.output_router = _Outbox()
    manager.start()
    try:
        yield manager
    finally:
        manager.stop(block=True, timeout=30.0, hard_stop=True)
        del manager
        gc.collect()


def _read_stock(manager: Any, library: Library, gpt: str, numbers: Sequence[int], n_tokens: int) -> list[Reading]:
    """The replies of the stock manager to conversations `numbers`, asked at once."""
    started = time.perf_counter()
    first: dict[str, float] = {}
    for number in numbers:
        ids = library.ids(gpt, number)
        manager.add_request(ids, f"{gpt}-{number}", n_tokens, streaming=True, eos_token_id=library.end_id)
    readings: list[Reading] = []
    while len(readings) < len(numbers):
        output = manager.output_router.outputs.get(timeout=300)
        if output.error:
            raise RuntimeError(f"The stock manager failed: {output.error}")
        now = time.perf_counter() - started
        first.setdefault(output.request_id, now)
        if output.is_finished():
            readings.append(Reading(first[output.request_id], now, len(output.generated_tokens)))
    return readings
