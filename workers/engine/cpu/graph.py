"""Builds the decoder of Llama's family as an OpenVINO graph.

The attention is written with a growing cache, in the form that OpenVINO replaces by its paged attention when the
graph is loaded (`decoder.py`). Only the rows `logit_rows` of a step go through the output matrix.
"""

from typing import Any, Final

import numpy as np
import openvino as ov
from openvino import opset15 as ops
from openvino.op import util

from workers.engine.cpu.sources import EMBEDDING, Dimensions, Source

_FIRST: Final = np.int64(0)


def build(source: Source) -> ov.Model:
    """The graph from `input_ids` and `position_ids` to `logits` `(rows, vocabulary)`, float32."""
    builder = _Builder(source)
    return builder.model()


class _Builder:
    """One graph in the making; `x` are activations `(tokens, 1, width)`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._size: Dimensions = source.dimensions
        self._ids = _parameter("input_ids", [-1, -1], ov.Type.i64)
        self._mask = _parameter("attention_mask", [-1, -1], ov.Type.i64)
        self._positions = _parameter("position_ids", [-1, -1], ov.Type.i64)
        self._beams = _parameter("beam_idx", [-1], ov.Type.i32)
        self._rows = _parameter("logit_rows", [-1], ov.Type.i64)
        self._batch = ops.gather(ops.shape_of(self._ids), _ints(0), ops.constant(_FIRST))
        self._rotation = self._cosine_and_sine()
        self._seen = _unsqueezed(_unsqueezed(ops.convert(self._mask, "f32")))
        self._assigned: list[Any] = []

    def model(self) -> ov.Model:
        embedding = self._source.matrix(EMBEDDING)
        x = ops.reshape(embedding.rows(self._ids), _ints(0, 0, self._size.width), True)
        for layer in range(self._size.n_layers):
            x = self._layer(x, f"blk.{layer}.")
        x = ops.gather(self._norm(x, "output_norm"), self._rows, ops.constant(_FIRST))
        output = self._source.matrix("output") if self._source.has("output") else embedding
        logits = output.product(x)
        logits.output(0).set_names({"logits"})
        parameters = [self._ids, self._mask, self._positions, self._beams, self._rows]
        return ov.Model([ops.result(logits)], self._assigned, parameters, "decoder")

    def _layer(self, x: Any, name: str) -> Any:
        size = self._size
        h = self._norm(x, name + "attn_norm")
        q, k = (self._rotated(self._heads(h, name, part)) for part in ("attn_q", "attn_k"))
        v = self._heads(h, name, "attn_v")
        keys, values = self._cached(k, name + "key"), self._cached(v, name + "value")
        mixed = ops.scaled_dot_product_attention(q, keys, values, self._seen)
        mixed = ops.reshape(_heads_inside(mixed), _ints(0, 0, size.n_heads * size.head_size), True)
        x = ops.add(x, self._linear(mixed, name + "attn_output"))
        h = self._norm(x, name + "ffn_norm")
        gated = ops.multiply(ops.swish(self._linear(h, name + "ffn_gate")), self._linear(h, name + "ffn_up"))
        return ops.add(x, self._linear(gated, name + "ffn_down"))

    def _linear(self, x: Any, name: str) -> Any:
        y = self._source.matrix(name).product(x)
        has_bias = self._source.has(name + ".bias")
        return ops.add(y, ops.constant(self._source.vector(name + ".bias"))) if has_bias else y

    def _norm(self, x: Any, name: str) -> Any:
        squares = ops.reduce_mean(ops.power(x, _number(2)), _ints(-1), True)
        scale = ops.divide(_number(1), ops.sqrt(ops.add(squares, _number(self._size.epsilon))))
        weights = self._source.vector(name)
        return ops.multiply(ops.multiply(x, scale), ops.constant(weights.reshape((1,) * 2 + weights.shape)))

    def _heads(self, h: Any, name: str, part: str) -> Any:
        """Queries, keys or values `(tokens, heads, 1, head_size)`; the first two with a norm if the model has one."""
        n_heads = self._size.n_heads if part == "attn_q" else self._size.n_kv_heads
        split = ops.reshape(self._linear(h, name + part), _ints(0, 0, n_heads, self._size.head_size), True)
        if part != "attn_v" and self._source.has(f"{name}{part}_norm"):
            split = self._norm(split, f"{name}{part}_norm")
        return _heads_inside(split)

    def _rotated(self, heads: Any) -> Any:
        cosine, sine = self._rotation
        half = self._size.head_size // 2
        first = ops.slice(heads, [0], [half], [1], [3])
        second = ops.slice(heads, [half], [2**62], [1], [3])
        minus = ops.constant(np.full((1, 1, 1, 1), -1, np.float32))
        turned = ops.concat([ops.multiply(second, minus), first], -1)
        return ops.add(ops.multiply(heads, cosine), ops.multiply(turned, sine))

    def _cosine_and_sine(self) -> tuple[Any, Any]:
        frequencies = ops.constant(self._size.frequencies.reshape(1, -1, 1))
        angles = ops.matmul(frequencies, ops.convert(_unsqueezed(self._positions), "f32"), False, False)
        half = ops.transpose(angles, _ints(0, 2, 1))
        both = ops.concat([half, half], -1)
        return _unsqueezed(ops.cos(both)), _unsqueezed(ops.sin(both))

    def _cached(self, new: Any, name: str) -> Any:
        """All keys or values so far, repeated for each group of queries."""
        n_kv, head_size = self._size.n_kv_heads, self._size.head_size
        info = util.VariableInfo()
        info.data_shape = ov.PartialShape([-1, n_kv, -1, head_size])
        info.data_type, info.variable_id = ov.Type.f32, name
        variable = util.Variable(info)
        empty = ops.concat([self._batch, _ints(n_kv), _ints(0), _ints(head_size)], 0)
        past = ops.read_value(ops.broadcast(_number(0), empty), variable)
        whole = ops.concat([ops.gather(past, self._beams, ops.constant(_FIRST)), new], 2)
        self._assigned.append(ops.assign(whole, variable))
        times = self._size.n_heads // n_kv
        if times == 1:
            return whole
        target = ops.concat([self._batch, _ints(n_kv), _ints(times), _ints(0), _ints(head_size)], 0)
        repeated = ops.broadcast(ops.unsqueeze(whole, ops.constant(np.int64(2))), target, "BIDIRECTIONAL")
        return ops.reshape(repeated, _ints(0, n_kv * times, -1, head_size), True)


def _parameter(name: str, shape: list[int], kind: ov.Type) -> Any:
    parameter = ops.parameter(shape, kind, name=name)
    parameter.output(0).set_names({name})
    return parameter


def _ints(*values: int) -> Any:
    return ops.constant(np.array(values, np.int64))


def _number(value: float) -> Any:
    return ops.constant(np.float32(value))


def _unsqueezed(x: Any) -> Any:
    return ops.unsqueeze(x, ops.constant(np.int64(1)))


def _heads_inside(x: Any) -> Any:
    """The second and third axis exchanged."""
    return ops.transpose(x, _ints(0, 2, 1, 3))
