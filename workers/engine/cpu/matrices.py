"""Weight matrices as OpenVINO's CPU kernels multiply them fastest: 8 bits a row, or 4 bits in groups of 32.

GGUF's 4-bit groups have a scale and a real-valued minimum; the kernels take whole numbers as zero points only.
Rounding the minimum costs much (bundled model: perplexity 26.3 becomes 33.5, and the likeliest token another one in
32 % of places), so what is left of it is a second, small matrix, multiplied by the sums of the groups (26.5 and 5 %;
with 8 bits a row instead of groups 26.5 and 7 %). Measured 2026-11 against the same weights in float32.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import openvino as ov
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from openvino import opset15 as ops

GROUP: Final = 32
# Below, a second product takes longer than reading 8 bits instead of 4 (2026-11, 576 x 1,536; not 8,960 x 1,536).
MIN_GROUPED: Final = 4_000_000
# Elements that are unpacked to float32 at once.
SLICE: Final = 1 << 25


@dataclass(frozen=True, slots=True)
class Matrix:
    """A quantised matrix `(n_rows, n_columns)`: `numbers` times `scales`, both constants of a graph.

    With 8 bits, `scales` has one number a row. With 4 bits, `numbers` is `(n_rows, n_groups, 32)`, `zeros` are
    subtracted first, and `rest` `(n_rows, n_groups)` in 8 bits is multiplied by the sums of groups.
    """

    numbers: Any
    scales: Any
    zeros: Any = None
    rest: "Matrix | None" = None
    n_rows: int = 0
    n_columns: int = 0

    def product(self, x: Any) -> Any:
        """`x` `(..., n_columns)` times the transposed matrix, `(..., n_rows)`."""
        whole = ops.matmul(x, self._floats(), False, True)
        if self.rest is None:
            return whole
        groups = ops.reshape(x, ops.constant(np.array([0, 0, self.n_columns // GROUP, GROUP])), True)
        sums = ops.reduce_sum(groups, ops.constant(np.array([3])), False)
        return ops.add(whole, self.rest.product(sums))

    def rows(self, ids: Any) -> Any:
        """The rows `ids` of a matrix of 8 bits, float32."""
        axis = ops.constant(np.int64(0))
        numbers = ops.convert(ops.gather(self.numbers, ids, axis), "f32")
        return ops.multiply(numbers, ops.convert(ops.gather(self.scales, ids, axis), "f32"))

    def _floats(self) -> Any:
        """The subgraph that the compiler recognises as a compressed matrix."""
        numbers = ops.convert(self.numbers, "f16")
        if self.zeros is not None:
            numbers = ops.subtract(numbers, ops.convert(self.zeros, "f16"))
        floats = ops.multiply(numbers, self.scales)
        if self.zeros is not None:
            floats = ops.reshape(floats, np.array([self.n_rows, self.n_columns]), False)
        return ops.convert(floats, "f32")


def in_8_bits(slices: Iterator[np.ndarray], n_rows: int, n_columns: int) -> Matrix:
    """The float32 rows of `slices`, each row with a scale of its own."""
    numbers = np.empty((n_rows, n_columns), np.int8)
    scales = np.empty((n_rows, 1), np.float16)
    at = 0
    for floats in slices:
        place = slice(at, at + len(floats))
        scales[place] = np.maximum(
            np.abs(floats).max(-1, keepdims=True) / 127, np.finfo(np.float16).smallest_subnormal
        )
        numbers[place] = np.clip(np.rint(floats / scales[place].astype(np.float32)), -127, 127)
        at += len(floats)
    shared = ops.constant(numbers, shared_memory=True)
    return Matrix(shared, ops.constant(scales), n_rows=n_rows, n_columns=n_columns)


def from_gguf(
    data: np.ndarray,
    kind: GGMLQuantizationType,
    shape: tuple[int, int],
    order: np.ndarray | None = None,
    *,
    may_group: bool = True,
) -> Matrix:
    """The matrix `(rows, columns)` of a GGUF tensor's blocks `data`, its rows in `order` if given."""
    n_rows, n_columns = shape
    blocks = data.reshape(n_rows, -1)
    blocks = blocks[order] if order is not None else blocks
    unpack = _GROUPED.get(kind)
    if unpack is not None and may_group and n_rows * n_columns >= MIN_GROUPED:
        return _in_groups(unpack(blocks), n_rows, n_columns)
    step = max(1, SLICE // n_columns)
    slices = (
        dequantize(blocks[at : at + step], kind).reshape(-1, n_columns).astype(np.float32, copy=False)
        for at in range(0, n_rows, step)
    )
    return in_8_bits(slices, n_rows, n_columns)


def row_order(n_heads: int, n_rows: int) -> np.ndarray:
    """GGUF stores the two halves of Llama's rotated heads interleaved; these are the rows in the model's order."""
    return np.arange(n_rows).reshape(n_heads, -1, 2).swapaxes(1, 2).reshape(-1)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Weights `scales * numbers + minima` in groups: `(n, 32)` uint8, and twice `(n,)` float32."""

    numbers: np.ndarray
    scales: np.ndarray
    minima: np.ndarray


def _in_groups(groups: _Groups, n_rows: int, n_columns: int) -> Matrix:
    scales = groups.scales.astype(np.float16)
    used = scales.astype(np.float32)
    zeros = np.clip(np.rint(np.divide(-groups.minima, used, out=np.zeros_like(used), where=used > 0)), 0, 255)
    n_groups = n_columns // GROUP
    left = (groups.minima + zeros * used).reshape(n_rows, n_groups)
    shape = (n_rows, n_groups, 1)
    return Matrix(
        _four_bits(groups.numbers, n_rows, n_groups),
        ops.constant(scales.reshape(shape)),
        ops.constant(zeros.astype(np.uint8).reshape(shape)),
        in_8_bits(iter([left]), n_rows, n_groups),
        n_rows,
        n_columns,
    )


def _four_bits(numbers: np.ndarray, n_rows: int, n_groups: int) -> Any:
    """A constant of two numbers a byte, the first one in the lower half."""
    tensor = ov.Tensor(ov.Type.u4, [n_rows, n_groups, GROUP])
    pairs = numbers.reshape(-1, 2)
    tensor.data.reshape(-1)[:] = pairs[:, 0] | (pairs[:, 1] << 4)
    return ov.op.Constant(tensor)


def _halves(packed: np.ndarray) -> np.ndarray:
    """`(n, 16)` bytes as `(n, 32)` numbers: all lower halves, then all upper ones."""
    return np.concatenate([packed & 15, packed >> 4], axis=1)


def _floats(blocks: np.ndarray, at: int) -> np.ndarray:
    """The float16 at byte `at` of each block, `(n,)` float32."""
    return blocks[:, at : at + 2].copy().view(np.float16).astype(np.float32)[:, 0]


def _q4_0(data: np.ndarray) -> _Groups:
    blocks = data.reshape(-1, 18)
    scales = _floats(blocks, 0)
    return _Groups(_halves(blocks[:, 2:]), scales, -8 * scales)


def _q4_1(data: np.ndarray) -> _Groups:
    blocks = data.reshape(-1, 20)
    return _Groups(_halves(blocks[:, 4:]), _floats(blocks, 0), _floats(blocks, 2))


def _q4_k(data: np.ndarray) -> _Groups:
    """Blocks of eight groups, with two float16 and eight pairs of 6-bit numbers for the scales and minima."""
    blocks = data.reshape(-1, 144)
    low, high, mixed = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    scales = np.concatenate([low & 63, mixed & 15 | low >> 6 << 4], axis=1)
    minima = np.concatenate([high & 63, mixed >> 4 | high >> 6 << 4], axis=1)
    packed = blocks[:, 16:].reshape(-1, 4, 1, GROUP)
    numbers = np.concatenate([packed & 15, packed >> 4], axis=2).reshape(-1, GROUP)
    return _Groups(
        numbers,
        (_floats(blocks, 0)[:, None] * scales).reshape(-1),
        (-_floats(blocks, 2)[:, None] * minima).reshape(-1),
    )


_GROUPED: Final[dict[GGMLQuantizationType, Callable[[np.ndarray], _Groups]]] = {
    GGMLQuantizationType.Q4_0: _q4_0,
    GGMLQuantizationType.Q4_1: _q4_1,
    GGMLQuantizationType.Q4_K: _q4_k,
}
