"""Llama layers with fewer, larger operations, for CPU, where the overhead of calls dominates a small model's step.

The same arithmetic as transformers' `LlamaDecoderLayer`: one matrix for queries, keys and values, one for gate and
up, one rotation for queries and keys, and no attention registry. Other models keep their own layers.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from workers.engine.linear import joined_linear
from workers.engine.paged_attention import StepPlan, attend


class LeanLlamaLayer(nn.Module):
    """Replaces a decoder layer; reads and writes the page cache directly."""

    def __init__(self, layer: LlamaDecoderLayer) -> None:
        super().__init__()
        attention, mlp = layer.self_attn, layer.mlp
        self.layer_idx = attention.layer_idx
        self.dim = attention.head_dim
        self.n_heads = attention.q_proj.out_features // self.dim
        self.n_kv_heads = attention.k_proj.out_features // self.dim
        self.scaling = attention.scaling
        self.qkv = joined_linear(attention.q_proj, attention.k_proj, attention.v_proj)
        self.out = joined_linear(attention.o_proj)
        self.gate_up = joined_linear(mlp.gate_proj, mlp.up_proj)
        self.down = joined_linear(mlp.down_proj)
        self.norms = (layer.input_layernorm.weight, layer.post_attention_layernorm.weight)
        self.eps = layer.input_layernorm.variance_epsilon

    def forward(
        self,
        hidden_states: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        cache: Any,
        write_index: list[torch.Tensor],
        **kwargs: Any,
    ) -> torch.Tensor:
        """`hidden_states` `(1, tokens, width)` after this layer."""
        x = hidden_states[0]
        keys, values = cache.layer(self.layer_idx)
        qk, value = self._project(x, position_embeddings, cache.plan)
        query, key = qk[:, : self.n_heads], qk[:, self.n_heads :]
        keys.index_copy_(0, write_index[0], key)
        values.index_copy_(0, write_index[0], value)
        attended = attend(query, key, value, keys, values, cache.plan, self.scaling)
        x = x + self.out(attended.reshape(len(x), -1))
        gate, up = self.gate_up(self._norm(x, 1)).chunk(2, -1)
        return (x + self.down(functional.silu(gate) * up)).unsqueeze(0)

    def _project(
        self, x: torch.Tensor, position_embeddings: tuple[torch.Tensor, torch.Tensor], plan: StepPlan
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotated queries and keys `(tokens, heads + key-value heads, dim)` and values `(tokens, ..., dim)`."""
        if plan.rotation is None:
            plan.rotation = _rotation(*position_embeddings)
        cos, sin = plan.rotation
        heads = self.qkv(self._norm(x, 0)).view(len(x), -1, self.dim)
        n_rotated = self.n_heads + self.n_kv_heads
        qk = heads[:, :n_rotated]
        return torch.addcmul(qk * cos, qk.roll(self.dim // 2, -1), sin), heads[:, n_rotated:]

    def _norm(self, x: torch.Tensor, which: int) -> torch.Tensor:
        return functional.rms_norm(x, x.shape[-1:], self.norms[which], self.eps)


def _rotation(cos: torch.Tensor, sin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`cos` and `sin` `(tokens, 1, dim)`, with the sine negated in the first half, where a rotation subtracts."""
    signed = sin[0].clone()
    signed[:, : signed.shape[-1] // 2].neg_()
    return cos[0].unsqueeze(1), signed.unsqueeze(1)


def make_lean(model: nn.Module) -> None:
    """Replaces the Llama layers of `model`; other layers stay."""
    layers = getattr(getattr(model, "model", None), "layers", [])
    for index, layer in enumerate(layers):
        if type(layer) is LlamaDecoderLayer and type(layer.mlp.act_fn).__name__ in ("SiLU", "SiLUActivation"):
            layers[index] = LeanLlamaLayer(layer)
