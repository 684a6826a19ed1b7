"""The engine with transformers: for GPUs, and for models that the CPU engine does not know."""

import os
from pathlib import Path
from typing import Any, ClassVar, Final

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from workers.engine.base import BUNDLED, EngineConfig, EngineError
from workers.engine.batching import StockBatch
from workers.engine.encoding import ChatEncoder
from workers.engine.flash import use_flash
from workers.engine.gpus import packing, place
from workers.engine.in_process import InProcessEngine
from workers.engine.weights import fingerprint_of, resolve_model

# The device decides on GPUs.
CPU_CACHE_TOKENS: Final = 16_384


class HfEngine(InProcessEngine):
    """A model from disk with transformers' continuous batching. The constructor loads it."""

    # Its batch has one source of chance for all requests, and no processors for these.
    ignores = frozenset({"seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs"})
    auto_class: ClassVar[Any] = AutoModelForCausalLM

    def __init__(self, config: EngineConfig) -> None:
        folder = resolve_model(config)
        torch.set_num_threads(config.threads or len(os.sched_getaffinity(0)))
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        encoder = self._open_encoder(folder, tokenizer)
        device, self._bits = place(folder, config)
        self._model = load_model(self.auto_class, folder, config, device, self._bits)
        self._cache_tokens = config.cache_tokens or (CPU_CACHE_TOKENS if self._model.device.type == "cpu" else 0)
        super().__init__(
            BUNDLED if config.base_model == BUNDLED else folder.name,
            tokenizer,
            n_vocabulary=self._model.config.get_text_config().vocab_size,
            end_ids=_end_ids(self._model, tokenizer),
            context_tokens=_context_tokens(self._model, config.context_tokens),
            fingerprint=fingerprint_of(folder, f"{tokenizer.chat_template}{'' if self._bits == 16 else self._bits}"),
            encoder=encoder,
        )

        # Only an open batch knows how many tokens a GPU has room for; and no message waits for it to warm up.
        self._batch = batch = self._open_batch()
        room = min(self._ability.context_tokens, batch.cache_tokens * 3 // 4)
        self._ability = self._ability.model_copy(update={"context_tokens": room})

    @property
    def _device(self) -> str:
        return f"on {self._model.device}" + ("" if self._bits == 16 else f" with {self._bits} bits per weight")

    def _open_encoder(self, folder: Path, tokenizer: Any) -> ChatEncoder:
        """What makes prompts for the model in `folder`. Raises EngineError."""
        return ChatEncoder(tokenizer)

    def _open_batch(self) -> StockBatch:
        return StockBatch(self._model, self._cache_tokens, self._end_ids)


def load_model(auto_class: Any, folder: Path, config: EngineConfig, device: str, bits: int) -> PreTrainedModel:
    """The model in `folder` on the device, from safetensors only. Raises EngineError if it cannot be loaded."""
    transformers_logging.disable_progress_bar()
    packed = packing(bits)
    try:
        model: PreTrainedModel = auto_class.from_pretrained(
            folder,
            dtype="auto" if config.dtype == "auto" else getattr(torch, config.dtype),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            device_map={"": device},
            **({"quantization_config": packed} if packed else {}),
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise EngineError(f"The base model in {folder} could not be loaded: {error}") from error
    model.eval().requires_grad_(False)
    if auto_class is AutoModelForCausalLM:  # it serves the batch only, beside which pictures are read
        use_flash(model)
    return model


def _context_tokens(model: PreTrainedModel, wanted: int) -> int:
    """The longest prompt plus reply, with a cache of any size: the model's own limit and the operator's."""
    limits = [int(getattr(model.config.get_text_config(), "max_position_embeddings", 0)), wanted]
    return min(limit for limit in limits if limit) if any(limits) else 4096


def _end_ids(model: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    """The ids that end a reply, from the model's files."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in (*ids, tokenizer.eos_token_id) if token is not None)
