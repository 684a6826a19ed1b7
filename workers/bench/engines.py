"""Raw generation, transformers' own continuous batching, and our engine, on the same weights."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from statistics import median
from typing import Any, Final

import torch
from transformers import AutoTokenizer, ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.continuous_api import ContinuousBatchingManager, OutputRouter

from workers.bench.figures import Figures, Reading, conversation, decode_speed
from workers.engine import open_engine
from workers.engine.base import Engine, GenerationRequest
from workers.engine.config import EngineConfig
from workers.engine.encoding import ChatEncoder
from workers.engine.hf import load_model
from workers.engine.threads import set_compute_threads
from workers.engine.weights import resolve_model

N_RAW: Final = 2
N_COLD: Final = 3
N_WARM: Final = 5
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
        cold = [_read_stock(manager, library, f"Cold{i}", [0], 2)[0].first_s for i in range(N_COLD)]
        _read_stock(manager, library, "Stock", [99], 2)
        warm = [_read_stock(manager, library, "Stock", [100 + i], 2)[0].first_s for i in range(N_WARM)]
        solo = [_read_stock(manager, library, "Stock", [200], n_tokens)[0]]
        started = time.perf_counter()
        readings = _read_stock(manager, library, "Stock", list(range(concurrency)), n_tokens)
        speed = sum(reading.n_tokens for reading in readings) / (time.perf_counter() - started)
    return Figures(speed, decode_speed(solo), median(cold), median(warm))


def measure_engine(config: EngineConfig, concurrency: int, n_tokens: int) -> Figures:
    """Our engine through its own door, `stream`, with one thread per conversation."""
    engine = open_engine(config)
    try:
        cold = [read(engine, f"Cold{i}", 0, 2).first_s for i in range(N_COLD)]
        read(engine, "Ours", 99, 2)
        warm = [read(engine, "Ours", 100 + i, 2).first_s for i in range(N_WARM)]
        alone = [read(engine, "Ours", number, n_tokens) for number in range(concurrency)]
        read_together(engine, concurrency, n_tokens)
        started = time.perf_counter()
        together = read_together(engine, concurrency, n_tokens)
        speed = sum(reading.n_tokens for reading in together) / (time.perf_counter() - started)
    finally:
        engine.close()
    same = sum(a.text == b.text for a, b in zip(alone, together, strict=True))
    return Figures(speed, decode_speed(alone), median(cold), median(warm), same, concurrency)


def read(engine: Engine, gpt: str, number: int, n_tokens: int) -> Reading:
    """One greedy reply of `engine`."""
    started = time.perf_counter()
    first_s, text, n_written = 0.0, "", 0
    for token in engine.stream(GenerationRequest(conversation(gpt, number), max_tokens=n_tokens)):
        first_s = first_s or time.perf_counter() - started
        text += token.text
        n_written = token.usage.completion_tokens if token.usage else 0
    return Reading(first_s, time.perf_counter() - started, n_written, text)


def read_together(engine: Engine, concurrency: int, n_tokens: int) -> list[Reading]:
    """Replies to `concurrency` conversations of one GPT at once."""
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(lambda number: read(engine, "Ours", number, n_tokens), range(concurrency)))


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


def _read_stock(manager: Any, library: Library, gpt: str, numbers: list[int], n_tokens: int) -> list[Reading]:
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
