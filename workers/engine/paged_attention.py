"""Attention over the paged cache on CPU, each shared page read once per step.

transformers' own paged attention on CPU computes all queries against the keys of *all* requests. Here the
cache is only written when a layer updates it; the attention function reads it by a plan made once per step
(`workers.engine.pages`): branches shared by several sequences in place, the rest gathered and padded. Each is one
call of torch's flash kernel, which also gives the log-sum-exp needed to merge parts exactly.

Layout of the cache: per layer `(tokens, key-value heads, head dim)`, so neighbouring blocks form one slice that needs
no copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
import torch
from transformers import AttentionInterface
from transformers.generation.continuous_batching.cache import PagedAttentionCache
from transformers.generation.continuous_batching.cache_allocators import FullAttentionCacheAllocator
from transformers.generation.continuous_batching.input_outputs import ContinuousBatchingIOs
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState

from workers.engine.pages import PageRun, SharedTokens, plan_past, plan_reads

ATTENTION: Final = "guildhall_paged"
FULL: Final = "full_attention"
# Padded to a multiple of this, the kernel sums a row in the same order whatever the other rows' lengths.
WIDTH_STEP: Final = 32
_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default


@dataclass(slots=True)
class Gather:
    """Tokens to copy out of the cache: `index` int64 `(rows * width,)`, `mask` `(rows, 1, 1, width)`.

    `keys` and `values` are buffers `(rows * width, heads, dim)` used by every layer of the step in turn: fresh ones
    would cost more page faults than the copy itself.
    """

    rows: int
    width: int
    index: torch.Tensor
    mask: torch.Tensor
    keys: torch.Tensor
    values: torch.Tensor


@dataclass(slots=True)
class Prefill:
    """A sequence with several new tokens: queries `first` to `last` of the batch, and its cached past."""

    first: int
    last: int
    direct: list[PageRun]
    gather: Gather | None


@dataclass(slots=True)
class StepPlan:
    """What one step reads: `n_decode` sequences with one new token each come first, then the prefills."""

    n_decode: int = 0
    branches: tuple[SharedTokens, ...] = ()
    rest: Gather | None = None
    prefills: list[Prefill] = field(default_factory=list)
    rotation: tuple[torch.Tensor, torch.Tensor] | None = None  # the lean layers' cosines and sines of the step


class PageCache(PagedAttentionCache):
    """The manager's paged cache, written by layers and read by the plan of the step.

    Blocks of ended requests stay usable as prefixes; the least recently used are evicted first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = StepPlan()
        self.cached_tokens: dict[str, int] = {}
        self.allocator = cast(FullAttentionCacheAllocator, self.cache_allocators[FULL])
        # torch.zeros writes every page at once; numpy's zeros take memory only where tokens were written.
        lazy = torch.from_numpy(np.zeros(self.cache_tensor.numel(), np.uint8))
        self.cache_tensor = lazy
        n_bytes = self.num_sectors * self.bytes_per_sector
        self.allocator.register_cache_tensor(self.bytes_per_sector, n_bytes, lazy, self.pool)
        page = self.allocator.tokens_per_page
        heads, dim = self.allocator.num_key_value_heads, self.allocator.head_dim
        n_layers = len(self.allocator.layer_indices)
        self.allocator.block_physical_stride = page
        layers = self.allocator.cache_tensor.view(n_layers, 2, -1, heads, dim)
        self._layers = {layer: layers[i].unbind(0) for i, layer in enumerate(self.allocator.layer_indices)}

    def layer(self, layer_idx: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The keys and the values of one layer, each `(tokens, key-value heads, dim)`."""
        keys, values = self._layers[layer_idx]
        return keys, values

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, kwargs: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes the new keys and values, and passes the layer's cache and the plan to the attention function."""
        keys, values = self._layers[layer_idx]
        write_index = kwargs["write_index"][0]
        keys.index_copy_(0, write_index, key_states[0].transpose(0, 1))
        values.index_copy_(0, write_index, value_states[0].transpose(0, 1))
        kwargs["pages"] = (keys, values, self.plan)
        return key_states, value_states

    def search_prefix_match(self, request_id: str, prompt_ids: list[int]) -> int:
        """The cached tokens of the prompt, also kept in `cached_tokens` for the request's usage."""
        matched: int = super().search_prefix_match(request_id, prompt_ids)
        self.cached_tokens[request_id] = matched
        return matched

    def can_store_request_tokens(self, state: RequestState, request_len: int, dry_run: bool = False) -> bool:
        """Allocates blocks for the tokens, lowest first, so that a prompt's blocks are neighbours where possible."""
        if request_len > 1:
            self.pool.free_sectors.sort(reverse=True)
        stored: bool = super().can_store_request_tokens(state, request_len, dry_run)
        return stored

    def free_blocks(self, request_id: str, no_cache: bool = False) -> None:
        """Frees a request's blocks, last first, so that a prompt's end is evicted before its beginning."""
        self.allocator.block_table.get(request_id, []).reverse()
        super().free_blocks(request_id, no_cache)

    def evict_cached_blocks(self) -> bool:
        """Frees the least recently used quarter of the unreferenced blocks; False if there were none."""
        ledger = self.allocator.ledger
        evicted = list(ledger.cached_blocks)[: max(1, len(ledger.cached_blocks) // 4)]
        for block in evicted:
            del ledger.cached_blocks[block]
            del ledger.hash_to_block[ledger.block_to_hash.pop(block)]
        self.pool.free_blocks(self.allocator.index, evicted)
        return bool(evicted)

    def plan_step(self, states: Sequence[FutureRequestState]) -> StepPlan:
        """The plan for a batch sorted by `sort_key`."""
        tables = [self.allocator.block_table[future.state.request_id] for future in states]
        pasts = [future.state.position_offset for future in states]
        page = self.allocator.tokens_per_page
        n_decode = sum(future.query_length == 1 for future in states)
        plan = StepPlan(n_decode)
        if n_decode:
            lengths = [past + 1 for past in pasts[:n_decode]]
            found = [self.cached_tokens.get(future.state.request_id, 0) for future in states[:n_decode]]
            reads = plan_reads(tables[:n_decode], lengths, found, page)
            plan.branches = reads.branches
            plan.rest = self._gather(reads.rest)
        first = n_decode
        for future, table, past in list(zip(states, tables, pasts, strict=True))[n_decode:]:
            direct, short = plan_past(table, past, page)
            gather = self._gather([short]) if short else None
            plan.prefills.append(Prefill(first, first + future.query_length, direct, gather))
            first += future.query_length
        return plan

    def sort_key(self, future: FutureRequestState) -> tuple[bool, list[int]]:
        """Decoding sequences first, those with the same first blocks adjacent."""
        return future.query_length > 1, self.allocator.block_table[future.state.request_id]

    def _gather(self, rows: Sequence[Sequence[PageRun]]) -> Gather:
        """The copy of each row's runs, padded to the longest row."""
        tokens = [[token for start, end in runs for token in range(start, end)] for runs in rows]
        lengths = [len(row) for row in tokens]
        width = -(-max(lengths) // WIDTH_STEP) * WIDTH_STEP
        index = torch.tensor([row + [0] * (width - len(row)) for row in tokens]).view(-1)
        padding = torch.arange(width) >= torch.tensor(lengths)[:, None]
        mask = torch.zeros(len(rows), 1, 1, width, dtype=self.dtype)
        mask = mask.masked_fill_(padding[:, None, None], -torch.inf)
        shape = (len(index), self.allocator.num_key_value_heads, self.allocator.head_dim)
        keys, values = torch.empty(2, *shape, dtype=self.dtype).unbind(0)
        return Gather(len(rows), width, index, mask, keys, values)


class PlannedInputs(ContinuousBatchingIOs):
    """The manager's batch inputs, with a plan of reads in place of the list of every cached token."""

    cache: PageCache

    def prepare_batch_tensors(
        self,
        requests_in_batch: list[FutureRequestState],
        logits_processors: Any,
        use_decode_fast_path: bool,
        num_q_tokens: int,
        max_kv_read: int,
        use_padding: bool,
    ) -> None:
        """Prepares the batch without read indices (`max_kv_read` 0), sorted by `sort_key`."""
        ordered = sorted(requests_in_batch, key=self.cache.sort_key)
        self.cache.plan = self.cache.plan_step(ordered)
        super().prepare_batch_tensors(ordered, logits_processors, use_decode_fast_path, num_q_tokens, 0, use_padding)


def paged_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """The attention output `(1, tokens, heads, dim)` for `query` `(1, heads, tokens, dim)`; `key` and `value` are the
    new tokens' `(1, key-value heads, tokens, dim)`, already written to the cache."""
    keys, values, plan = kwargs["pages"]
    query, key, value = (states[0].transpose(0, 1) for states in (query, key, value))
    return attend(query, key, value, keys, values, plan, scaling).unsqueeze(0), None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    plan: StepPlan,
    scaling: float | None,
) -> torch.Tensor:
    """The output `(tokens, heads, dim)` for `query` of this shape; `key` and `value` `(tokens, key-value heads, dim)`
    are the new tokens', already written to the layer's cache `keys` and `values`."""
    outputs = []
    if plan.n_decode:
        outputs.append(_decode(query[: plan.n_decode], keys, values, plan, scaling))
    for prefill in plan.prefills:
        span = slice(prefill.first, prefill.last)
        new = [states[span].transpose(0, 1).unsqueeze(0) for states in (query, key, value)]
        outputs.append(_prefill(new[0], new[1], new[2], keys, values, prefill, scaling))
    output = outputs[0] if len(outputs) == 1 else torch.cat([part.to(query.dtype) for part in outputs])
    return output.to(query.dtype)


def _decode(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, plan: StepPlan, scaling: float | None
) -> torch.Tensor:
    """One output per decoding sequence, `(rows, heads, dim)`, from its own tokens and the branches it shares."""
    assert plan.rest is not None
    rows, n_heads, dim = queries.shape
    kv_heads = keys.shape[1]
    group = n_heads // kv_heads
    grouped = queries.reshape(rows, kv_heads, group, dim)
    output, lse = _gathered(grouped, keys, values, plan.rest, scaling)
    if plan.branches:
        output = output.float()
    for branch in plan.branches:
        span = slice(branch.first, branch.last)
        n_rows = branch.last - branch.first
        shared = grouped[span].transpose(0, 1).reshape(1, kv_heads, n_rows * group, dim)
        part, part_lse = _direct(shared, keys, values, (branch.start, branch.end), scaling)
        part = part.reshape(kv_heads, n_rows, group, dim).transpose(0, 1)
        part_lse = part_lse.reshape(kv_heads, n_rows, group).transpose(0, 1)
        output[span], lse[span] = _merge(output[span], lse[span], part, part_lse)
    return output.reshape(rows, n_heads, dim)


def _prefill(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    prefill: Prefill,
    scaling: float | None,
) -> torch.Tensor:
    """The outputs `(tokens, heads, dim)` of one sequence's new tokens: causal among themselves, after its past."""
    _, n_heads, n_new, dim = query.shape
    kv_heads = key.shape[1]
    group = n_heads // kv_heads
    grouped = query.reshape(1, kv_heads, group, n_new, dim)
    heads = [_flash(grouped[:, :, i], key, value, 0.0, True, scale=scaling) for i in range(group)]
    output = torch.stack([part for part, _ in heads], dim=2)
    if prefill.direct or prefill.gather:
        flat = grouped.reshape(1, kv_heads, group * n_new, dim)
        output = output.reshape(flat.shape).float()
        lse = torch.stack([part for _, part in heads], dim=2).reshape(1, kv_heads, group * n_new)
        for run in prefill.direct:
            output, lse = _merge(output, lse, *_direct(flat, keys, values, run, scaling))
        if prefill.gather:
            output, lse = _merge(output, lse, *_gathered(flat, keys, values, prefill.gather, scaling))
    return output.reshape(n_heads, n_new, dim).transpose(0, 1)


def _direct(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, run: PageRun, scaling: float | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention of `query` `(1, key-value heads, n, dim)` to a run of the cache, in place, and its log-sum-exp."""
    start, end = run
    key, value = (cache[start:end].transpose(0, 1).unsqueeze(0) for cache in (keys, values))
    output, lse = _flash(query, key, value, 0.0, False, scale=scaling)
    return output, lse


def _gathered(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, gather: Gather, scaling: float | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Attention of `query` `(rows, key-value heads, n, dim)` to copied tokens of each row, and its log-sum-exp."""
    torch.index_select(keys, 0, gather.index, out=gather.keys)
    torch.index_select(values, 0, gather.index, out=gather.values)
    shape = (gather.rows, gather.width, keys.shape[1], keys.shape[2])
    key, value = (copy.view(shape).transpose(1, 2) for copy in (gather.keys, gather.values))
    mask = gather.mask.expand(-1, -1, query.shape[2], -1)
    output, lse = _flash(query, key, value, 0.0, False, attn_mask=mask, scale=scaling)
    return output, lse


def _merge(
    output: torch.Tensor, lse: torch.Tensor, part: torch.Tensor, part_lse: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One attention over two sets of keys from the attention over each; `output` is float32."""
    weight = torch.sigmoid(part_lse - lse).unsqueeze(-1)
    return torch.lerp(output, part.float(), weight), torch.logaddexp(lse, part_lse)


AttentionInterface.register(ATTENTION, paged_attention)
