"""transformers' continuous-batching manager, adapted to many reader threads and to CPU.

An error in the batch ends the manager's thread: every waiting mailbox gets the error, and the engine opens a new
manager (with an empty prefix cache) at the next call.
"""

import threading
from typing import Any, Final, cast

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig, PreTrainedModel
from transformers.generation.continuous_batching.continuous_api import (
    ContinuousBatchingManager,
    ContinuousBatchProcessor,
    OutputRouter,
)
from transformers.generation.continuous_batching.requests import GenerationOutput, RequestState
from transformers.generation.continuous_batching.scheduler import FIFOScheduler

from workers.engine.choosing_tokens import GrammarMask, RequestSampler, StaticGrammarMask
from workers.engine.paged_attention import ATTENTION, FULL, PageCache, PlannedInputs

# Small pages, as a prefix is shared in whole pages; CPU attention reads neighbouring pages as one.
CPU_PAGE_TOKENS: Final = 16
# A long prompt is processed in chunks of this many tokens, between which the other chats get their next token.
CPU_BATCH_TOKENS: Final = 512
MAX_REQUESTS: Final = 64
# More rows than the stock manager ever samples in one step.
STOCK_ROWS: Final = 4_096


class Mailbox:
    """The newest output of one request; as outputs contain all tokens so far, older ones are dropped."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._output: GenerationOutput | None = None

    def put(self, output: GenerationOutput) -> None:
        """Replaces the unread output and wakes the reader."""
        with self._condition:
            self._output = output
            self._condition.notify()

    def get(self, timeout_s: float) -> GenerationOutput | None:
        """The newest output, waiting up to `timeout_s`; None after that."""
        with self._condition:
            self._condition.wait_for(lambda: self._output is not None, timeout_s)
            output, self._output = self._output, None
            return output


class MailRouter(OutputRouter):
    """Puts each output into its request's mailbox; outputs of closed requests are dropped."""

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
            box.put(output)

    def deliver_batch(self, outputs: list[GenerationOutput]) -> None:
        for output in outputs:
            self.deliver(output)


class WakeUp(threading.Event):
    """The manager's wake-up event, waited for without polling ten times a second."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until set, ignoring `timeout`; a minute at most, in case a wake-up is lost."""
        return super().wait(60.0)


class PrefixScheduler(FIFOScheduler):
    """First come, first served, but of several new requests with the same beginning only one starts.

    The others wait until that beginning is in the cache, instead of all computing it at once.
    """

    cache: PageCache

    def _get_waiting_candidates(self) -> list[RequestState]:
        page = self.cache.allocator.tokens_per_page
        begun = {tuple(s.initial_tokens[:page]) for s in self.active_requests.values() if s.remaining_prefill_tokens}
        candidates = []
        for state in super()._get_waiting_candidates():
            beginning = tuple(state.initial_tokens[:page])
            if beginning not in begun or self._is_cached(state):
                candidates.append(state)
            begun.add(beginning)
        return candidates

    def _is_cached(self, state: RequestState) -> bool:
        """Whether all but a few tokens of the prompt are in the cache."""
        matched = len(self.cache.allocator.match_prefix_blocks(state.remaining_prefill_tokens))
        n_left = len(state.remaining_prefill_tokens) - matched * self.cache.allocator.tokens_per_page
        return n_left <= 4 * self.cache.allocator.tokens_per_page


class CpuManager(ContinuousBatchingManager):
    """The manager with the page cache, plan, attention and sampler for CPU."""

    def __init__(self, model: PreTrainedModel, cache_tokens: int) -> None:
        generation = GenerationConfig(do_sample=False, eos_token_id=-1, max_new_tokens=1)
        config = ContinuousBatchingConfig(
            page_size=CPU_PAGE_TOKENS,
            num_blocks=cache_tokens // CPU_PAGE_TOKENS,
            max_batch_tokens=CPU_BATCH_TOKENS,
            max_requests_per_batch=MAX_REQUESTS,
            max_blocks_per_request=0,
            use_async_batching=False,
            use_cuda_graph=False,
            auto_switch_to_flash=False,
        )
        model.set_attn_implementation("sdpa")
        super().__init__(cast(Any, model), generation, config)
        self.output_router = MailRouter()
        self._wake_up_loop = WakeUp()
        processors = self.logit_processor
        processors.logits_processor.append(GrammarMask())
        processors.logits_processor.append(RequestSampler())
        processors.tensors_required += 2
        processors.do_processing = True
        processors._retrieve_processors_kwargs()

    def _create_batch_processor(self) -> ContinuousBatchProcessor:
        """The batch with our parts; the attention is set first, so that no mask of all against all is allocated."""
        self.model.set_attn_implementation(ATTENTION)
        config = self.model.config.get_text_config()
        settings = self.continuous_batching_config
        cache = PageCache(config, settings, self.model.device, self.distributed_helper, self.model.dtype, True)
        settings.num_blocks, settings.max_batch_tokens = cache.num_blocks, cache.max_batch_tokens
        processor = ContinuousBatchProcessor(
            cache=cache,
            config=config,
            generation_config=self.generation_config,
            continuous_batching_config=settings,
            logit_processor=self.logit_processor,
            input_queue=self.input_queue,
            cancel_queue=self.cancel_queue,
            output_router=self.output_router,
            background_thread_status=self.background_thread_status,
            model_device=self.model.device,
            model_dtype=self.model.dtype,
            scheduler=PrefixScheduler(cache, settings.safety_margin, MAX_REQUESTS),
            distributed_helper=self.distributed_helper,
        )
        inputs = PlannedInputs(cache, config, settings, self.model.device, self.model.dtype, self.logit_processor)
        processor.inputs_and_outputs = processor.model_runner.inputs_and_outputs = inputs
        # The plan reads blocks, not a list of cached tokens, so shared tokens cost the scheduler's budget nothing.
        cache.max_tokens_read = 1 << 40
        return processor

    def stop(self, *args: Any, **options: Any) -> None:
        """Stops the thread, also while it waits."""
        self.background_thread_status.request_stop(2 if options.get("hard_stop") else 1, 0)
        self._wake_up_loop.set()
        super().stop(*args, **options)


def open_manager(model: PreTrainedModel, cache_tokens: int) -> ContinuousBatchingManager:
    """A started manager for `model`; `cache_tokens` 0 lets the device decide."""
    manager: ContinuousBatchingManager
    if model.device.type == "cpu" and _only_full_attention(model):
        manager = CpuManager(model, cache_tokens)
    else:
        manager = _stock_manager(model, cache_tokens)
    with torch.inference_mode():
        manager.start()
    return manager


def _only_full_attention(model: PreTrainedModel) -> bool:
    """Whether every layer attends to all earlier tokens, without soft caps or sinks."""
    config = model.config.get_text_config()
    layers = getattr(config, "layer_types", None) or [FULL]
    sliding = getattr(config, "sliding_window", None) if not getattr(config, "layer_types", None) else None
    plain = getattr(config, "attn_logit_softcapping", None) is None and not hasattr(config, "attention_sinks")
    return set(layers) == {FULL} and sliding is None and plain


def _stock_manager(model: PreTrainedModel, cache_tokens: int) -> ContinuousBatchingManager:
    """transformers' own manager: flash attention on GPUs that have it, per-request sampling processors.

    The generation values must differ from the defaults, or the processors are not created. Batching is synchronous,
    because a grammar must read a token before it allows the next ones.
    """
    generation = GenerationConfig(do_sample=True, temperature=0.7, top_k=50, top_p=0.9, eos_token_id=-1)
    page = 256
    config = ContinuousBatchingConfig(
        page_size=page,
        num_blocks=cache_tokens // page or None,
        per_request_processors=True,
        use_async_batching=False,
    )
    manager = ContinuousBatchingManager(cast(Any, model), generation, config)
    manager.output_router = MailRouter()
    # The grammars' mask comes before the sampling processors.
    n_rows = max(config.max_requests_per_batch or 0, config.max_batch_tokens or 0, STOCK_ROWS)
    processors = manager.logit_processor
    mask = StaticGrammarMask(n_rows, model.config.get_text_config().vocab_size, model.device)
    processors.logits_processor.insert(0, mask)
    processors.tensors_required += 1
    processors.do_processing = True
    processors._retrieve_processors_kwargs()
    return manager
