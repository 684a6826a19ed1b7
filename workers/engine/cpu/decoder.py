"""A decoder compiled for this CPU: it reads and writes the key-value cache in blocks, for many sequences at once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino as ov
from openvino._offline_transformations import paged_attention_transformation

from workers.engine.base import EngineError

# Fixed by OpenVINO's attention on CPUs.
BLOCK_TOKENS: Final = 32
# Activations are quantised in groups as large as those of 4-bit weights, twice as fast for single tokens of a 1.5B as
# bfloat16. Where there are matrix units, bfloat16 reads prompts in half the time, but a reply would depend on what
# else is in the batch, as with a cache in 8 bits, with which 16 chats get 240 instead of 306 tokens/s (2026-11).
OPTIONS: Final = {
    "INFERENCE_PRECISION_HINT": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 32,
    "KV_CACHE_PRECISION": "f16",
    "PERFORMANCE_HINT": "LATENCY",
    "ENABLE_CPU_PINNING": False,
}


@dataclass(frozen=True, slots=True)
class Part:
    """The next tokens of one sequence: `n_past` earlier ones are in the cache, which is in `blocks`."""

    ids: Sequence[int]
    n_past: int
    blocks: Sequence[int]


class Decoder:
    """The model `file` (an .xml) with a cache of `cache_tokens` tokens. For one thread. Raises EngineError."""

    def __init__(self, file: Path, cache_tokens: int, threads: int) -> None:
        self.n_blocks = cache_tokens // BLOCK_TOKENS
        core = ov.Core()
        try:
            model = core.read_model(file)
            paged_attention_transformation(model)
            options = {**OPTIONS, "INFERENCE_NUM_THREADS": threads or len(os.sched_getaffinity(0))}
            compiled = core.compile_model(model, "CPU", options)
        except RuntimeError as error:
            raise EngineError(f"The model in {file.parent} could not be loaded: {str(error)[:300]}") from error
        self._request = compiled.create_infer_request()
        for port in compiled.inputs:
            if "_cache." in port.get_any_name():
                _, *shape = (dimension.get_max_length() for dimension in port.get_partial_shape())
                # One more block, for the row that only fills up a step (see `run`).
                self._request.set_tensor(port, ov.Tensor(port.get_element_type(), [self.n_blocks + 1, *shape]))

    def run(self, parts: Sequence[Part]) -> np.ndarray:
        """The logits after the last token of each part, `(parts, vocabulary)` float32, valid until the next call."""
        n_parts = len(parts)
        sizes = [len(part.ids) for part in parts]
        if sum(sizes) == 1:
            # A single row is rounded otherwise than the same row among others; two rows take no longer than one
            # if the second has nothing to attend to.
            parts, sizes = [*parts, Part(parts[0].ids, 0, [self.n_blocks])], [1, 1]
        used = [part.blocks[: _n_blocks(part.n_past + len(part.ids))] for part in parts]
        begins = np.cumsum([0, *sizes])
        positions = [np.arange(part.n_past, part.n_past + len(part.ids)) for part in parts]
        self._set("input_ids", np.concatenate([part.ids for part in parts]), np.int64)
        self._set("position_ids", np.concatenate(positions), np.int64)
        self._set("logit_rows", begins[1:] - 1, np.int64)
        self._set("past_lens", [part.n_past for part in parts])
        self._set("subsequence_begins", begins)
        self._set("block_indices", np.concatenate(used))
        self._set("block_indices_begins", np.cumsum([0, *map(len, used)]))
        self._set("max_context_len", max(part.n_past + len(part.ids) for part in parts))
        self._request.infer()
        logits: np.ndarray = self._request.get_tensor("logits").data
        return logits.reshape(len(parts), -1)[:n_parts]

    def _set(self, name: str, values: Any, kind: Any = np.int32) -> None:
        self._request.set_tensor(name, ov.Tensor(np.array(values, kind)))


def _n_blocks(n_tokens: int) -> int:
    return -(-n_tokens // BLOCK_TOKENS)
