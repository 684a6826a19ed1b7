"""transformers' continuous-batching manager, adapted to many reader threads and to grammars.

An error in the batch ends the manager's thread: every waiting mailbox gets the error, and the engine opens a new
manager (with an empty prefix cache) at the next call.
"""

import logging
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Final, cast

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig, PreTrainedModel
from transformers.generation.continuous_batching.continuous_api import (
    ContinuousBatchingManager,
    ContinuousBatchProcessor,
    OutputRouter,
)
from transformers.generation.continuous_batching.requests import GenerationOutput

from workers.engine.base import EngineError, Sampling
from workers.engine.grammar import GrammarState
from workers.engine.grammar_mask import CheckedProcessor, GrammarMask
from workers.engine.in_process import Mailbox, Progress

# "No top-k" for processors without such an option; the largest int32.
ALL_TOKENS: Final = 2**31 - 1
logger = logging.getLogger(__name__)

PAGE_TOKENS: Final = 256
# Most requests in one step. Sampling takes some ten numbers per token of the vocabulary for each: 0.8 GB in all.
MAX_ROWS: Final = 128
# Most tokens in one step: longer prompts are read in parts, between the steps of other chats.
MAX_TOKENS: Final = 2_048
# The share of a GPU's free memory for a batch that is not alone on it.
BESIDE_OTHERS: Final = 0.5


class MailRouter(OutputRouter):
    """Puts each output's progress into its request's mailbox; outputs of closed requests are dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._boxes: dict[str, Mailbox] = {}

    def open(self, request_id: str) -> Mailbox:
        """A mailbox for the request; open it before adding the request."""
        box = self._boxes[request_id] = Mailbox()
        return box

    def close(self, request_id: str) -> None:
        self._boxes.pop(request_id, None)

    def deliver(self, output: GenerationOutput) -> None:
        box = self._boxes.get(output.request_id)
        if box is not None:
            box.put(Progress(output.generated_tokens, output.is_finished(), output.error or ""))

    def deliver_batch(self, outputs: list[GenerationOutput]) -> None:
        for output in outputs:
            self.deliver(output)


class StockRequest:
    """One request to the manager; see `in_process.Running`. The stock manager reports no cached tokens."""

    cached_tokens = 0

    def __init__(self, manager: ContinuousBatchingManager, router: MailRouter) -> None:
        self.id = uuid.uuid4().hex
        self._manager = manager
        self._router = router
        self._box = router.open(self.id)

    def read(self, timeout_s: float) -> Progress | None:
        """See `in_process.Running.read`."""
        return self._box.get(timeout_s)

    def cancel(self) -> None:
        """See `in_process.Running.cancel`."""
        self._manager.cancel_request(self.id)
        self._router.close(self.id)


class StockBatch:
    """transformers' batch for `model`; see `in_process.Batch`. `cache_tokens` 0 lets the device decide.

    If it `is_alone`, it takes what memory a GPU has left, and the GPU for itself while it records graphs.
    """

    def __init__(
        self, model: PreTrainedModel, cache_tokens: int, end_ids: frozenset[int], *, is_alone: bool = True
    ) -> None:
        self._end_ids = sorted(end_ids)
        self._router = MailRouter()
        try:
            self.manager = _stock_manager(model, cache_tokens, is_alone)
            self.manager.output_router = self._router
            with torch.inference_mode(), on_device(model.device):
                self.manager.warmup()
                self.manager.start()
        except (MemoryError, RuntimeError, ValueError) as error:
            raise EngineError(f"The model can't serve chats here: {error}") from error

    @property
    def n_running(self) -> int:
        """How many requests have a place."""
        processor: Any = self.manager.batch_processor
        return len(processor.scheduler.active_requests) if processor else 0

    @property
    def cache_tokens(self) -> int:
        """How many tokens of all chats the cache holds."""
        cache: Any = cast(Any, self.manager.batch_processor).cache
        return int(cache.num_blocks) * PAGE_TOKENS

    def begin(
        self, ids: Sequence[int], max_tokens: int, sampling: Sampling, grammar: GrammarState | None
    ) -> StockRequest:
        """See `in_process.Batch.begin`."""
        request = StockRequest(self.manager, self._router)
        options: dict[str, Any] = {"grammar": grammar} if grammar is not None else {}
        added = self.manager.add_request(
            list(ids),
            request.id,
            max_tokens,
            streaming=True,
            eos_token_id=self._end_ids,
            **_sampling_options(sampling),
            **options,
        )
        if added is None:
            self._router.close(request.id)
            raise EngineError("The batch stopped before the request was added; try again.")
        return request

    def problem(self) -> str | None:
        """See `in_process.Batch.problem`."""
        status = self.manager.background_thread_status
        if self.manager.is_running() and status.can_accept_new_requests() is None:
            return None
        return str(status.fatal_error)

    def stop(self) -> None:
        """See `in_process.Batch.stop`."""
        if self.manager.is_running():
            self.manager.stop(block=True, timeout=30.0, hard_stop=True)


def _sampling_options(sampling: Sampling) -> dict[str, Any]:
    """The manager's arguments for `sampling`; it is greedy by keeping one candidate."""
    if sampling.temperature == 0:
        return {"temperature": 1.0, "top_k": 1, "top_p": 1.0}
    return {"temperature": sampling.temperature, "top_k": sampling.top_k or ALL_TOKENS, "top_p": sampling.top_p}


class _Manager(ContinuousBatchingManager):
    def _create_batch_processor(self) -> ContinuousBatchProcessor:
        processor = super()._create_batch_processor()
        processor.__class__ = CheckedProcessor  # the library names the class
        return processor


def on_device(device: torch.device) -> AbstractContextManager[Any]:
    """What the calling thread does with CUDA in the block happens on `device`."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def _stock_manager(model: PreTrainedModel, cache_tokens: int, is_alone: bool) -> ContinuousBatchingManager:
    """transformers' own manager, with sampling per request, and flash attention if one of its packages is there.

    The generation values must differ from the defaults, or the processors are not created. With flash attention it
    chooses CUDA graphs and asynchronous batching by itself, which `GrammarMask` allows for. A graph cannot hold the
    8-bit product, which looks for outliers.
    """
    generation = GenerationConfig(do_sample=True, temperature=0.7, top_k=50, top_p=0.9, eos_token_id=-1)
    config = ContinuousBatchingConfig(
        page_size=PAGE_TOKENS,
        num_blocks=cache_tokens // PAGE_TOKENS or None,
        max_requests_per_batch=MAX_ROWS,
        max_batch_tokens=MAX_TOKENS,
        per_request_processors=True,
        use_cuda_graph=False if getattr(model, "is_loaded_in_8bit", False) or not is_alone else None,
        max_memory_percent=None if is_alone else BESIDE_OTHERS,
    )
    try:
        manager = _Manager(cast(Any, model), generation, config)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        logger.warning("flash attention is installed, but does not work with this torch or model: %s", error)
        manager = _Manager(cast(Any, model), generation, replace(config, auto_switch_to_flash=False))
    # The grammars' mask comes before the sampling processors.
    processors = manager.logit_processor
    mask = GrammarMask(MAX_ROWS, model.config.get_text_config().vocab_size, model.device)
    processors.logits_processor.insert(0, mask)
    processors.tensors_required += 1
    processors.do_processing = True
    processors._retrieve_processors_kwargs()
    return manager
