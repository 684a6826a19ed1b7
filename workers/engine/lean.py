"""A model's layers made faster on CPU: weights packed for its matrix units, and Llama layers with fewer operations.

Packed weights are the same numbers, but oneDNN does not reorder them at every call. Measured 2026-11 (Xeon with AMX,
the bundled model's 210 matrices, 16 rows): 32 ms plain, 21 ms packed on one thread; 18 ms and 12 ms on two.

The overhead of calls dominates a small model's step, so Llama layers do the arithmetic of transformers'
`LlamaDecoderLayer` in fewer, larger operations: one matrix for queries, keys and values, one for gate and up, one
rotation for queries and keys, and no attention registry. Other models keep their own layers.
"""

from functools import cache
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from workers.engine.paged_attention import StepPlan, attend

# Rows for which the layout is tuned: a batch of chats. One row and long prompts are no slower than unpacked.
TUNED_ROWS: Final = 16


class PackedLinear(nn.Module):
    """A linear layer with a packed weight; inference only."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach(), TUNED_ROWS)
        self.bias = linear.bias
        self.out_features, self.in_features = linear.weight.shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` `(..., in_features)` to `(..., out_features)`."""
        output: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self.packed, self.bias, "none", [], "")
        return output


def pack_linears(model: nn.Module) -> None:
    """Replaces the bf16 linear layers of `model` by packed ones, if this build of torch and this CPU support it.

    Embeddings tied to the output head keep their own copy of the weight.
    """
    if not _can_pack():
        return
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear and child.weight.dtype == torch.bfloat16:
                setattr(module, name, PackedLinear(child))


def joined_linear(*layers: nn.Linear) -> nn.Module:
    """One layer with the outputs of all `layers` side by side, packed where possible."""
    weight = torch.cat(tuple(layer.weight for layer in layers))
    biases = [layer.bias for layer in layers if layer.bias is not None]
    joined = nn.Linear(weight.shape[1], weight.shape[0], bias=bool(biases), dtype=weight.dtype, device="meta")
    joined.weight = nn.Parameter(weight, requires_grad=False)
    if biases:
        joined.bias = nn.Parameter(torch.cat(tuple(biases)), requires_grad=False)
    return PackedLinear(joined) if weight.dtype == torch.bfloat16 and _can_pack() else joined


@cache
def _can_pack() -> bool:
    """Whether packing works here with the same results, tried on a small layer."""
    if not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    linear = nn.Linear(64, 96, bias=False, dtype=torch.bfloat16).requires_grad_(False)
    x = torch.randn(3, 64, dtype=torch.bfloat16)
    try:
        return torch.allclose(PackedLinear(linear)(x), linear(x), rtol=0.02, atol=0.02)
    except (RuntimeError, AttributeError, NotImplementedError):
        return False


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
