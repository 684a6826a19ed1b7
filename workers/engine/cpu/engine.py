"""The engine for CPUs. The model is converted once, to a graph with quantised weights that is mapped into memory."""

from typing import Final

from transformers import AutoTokenizer

from workers.engine.base import BUNDLED, EngineConfig
from workers.engine.cpu.batch import CpuBatch
from workers.engine.cpu.converting import GRAPH, resolve_compressed
from workers.engine.cpu.decoder import Decoder
from workers.engine.in_process import Batch, InProcessEngine

# 23 KB a token with the bundled model, 377 MB when full; unused tokens take no memory.
CACHE_TOKENS: Final = 16_384


class CpuEngine(InProcessEngine):
    """A model of Llama's family, in 8 or 4 bits, in one continuous batch. The constructor loads it."""

    def __init__(self, config: EngineConfig) -> None:
        model = resolve_compressed(config)
        tokenizer = AutoTokenizer.from_pretrained(model.tokenizer, local_files_only=True, trust_remote_code=False)
        cache_tokens = config.cache_tokens or CACHE_TOKENS
        self._decoder = Decoder(model.folder / GRAPH, cache_tokens, config.threads)
        limits = (model.max_positions, config.context_tokens, cache_tokens * 3 // 4)
        super().__init__(
            BUNDLED if config.base_model == BUNDLED else model.name,
            tokenizer,
            n_vocabulary=model.n_vocabulary,
            end_ids=frozenset(model.end_ids) | frozenset({tokenizer.eos_token_id} - {None}),
            context_tokens=min(limit for limit in limits if limit),
            fingerprint=model.fingerprint(tokenizer.chat_template),
        )

    @property
    def _device(self) -> str:
        return "on the CPU"

    def _open_batch(self) -> Batch:
        return CpuBatch(self._decoder, self._end_ids)
