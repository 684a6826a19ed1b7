"""What a decoder is built from: its dimensions and matrices, read from a GGUF file or a folder with safetensors."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

from workers.engine.base import EngineError
from workers.engine.cpu.matrices import SLICE, Matrix, from_gguf, in_8_bits, row_order

# Architectures whose layers are exactly those of `graph.py`.
GGUF_ARCHITECTURES: Final = ("llama", "qwen2", "qwen3")
MODEL_TYPES: Final = ("llama", "mistral", "qwen2", "qwen3")
# Always in 8 bits, as single rows of it are read. Untouched rows stay on disk.
EMBEDDING: Final = "token_embd"
_build_fields = GGUFReader._build_fields


def _build_fields_of_array(reader: Any, offs: int, count: int) -> int:
    # Slices of memmap, numpy's subclass, take three times as long, and a vocabulary is half a million of them:
    # 3.5 against 1.0 s for the bundled model, and the same for its tokenizer in transformers (measured 2026-12).
    reader.data = np.asarray(reader.data)
    return _build_fields(reader, offs, count)


GGUFReader._build_fields = _build_fields_of_array  # type: ignore[assignment, method-assign]


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The sizes of a decoder. `frequencies` `(head_size / 2,)` float32 are those of the rotation of positions."""

    n_layers: int
    width: int
    n_heads: int
    n_kv_heads: int
    head_size: int
    epsilon: float
    frequencies: np.ndarray
    max_positions: int


class Source(Protocol):
    """A model's numbers; the names of tensors are GGUF's, without ".weight"."""

    @property
    def dimensions(self) -> Dimensions:
        """The sizes. Raises EngineError if the model has parts that are not known."""

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens that end a reply, as the model's files say."""

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name."""

    def vector(self, name: str) -> np.ndarray:
        """A vector, float32."""

    def matrix(self, name: str) -> Matrix:
        """A quantised matrix."""


class GgufSource:
    """A GGUF file of a known architecture. Raises EngineError for others and for broken files."""

    def __init__(self, file: Path) -> None:
        try:
            reader = GGUFReader(file)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise EngineError(f"{file} is not a GGUF file that can be read: {error}") from error
        self._fields = reader.fields
        self._tensors = {tensor.name: tensor for tensor in reader.tensors}
        self.architecture = str(self._field("general.architecture"))
        if self.architecture not in GGUF_ARCHITECTURES:
            raise EngineError(f"{file.name} is of the architecture {self.architecture!r}.")

    @cached_property
    def dimensions(self) -> Dimensions:
        """See `Source.dimensions`."""
        name = self.architecture
        width, n_heads = self._field(f"{name}.embedding_length"), self._field(f"{name}.attention.head_count")
        head_size = self._field(f"{name}.attention.key_length", width // n_heads)
        if (
            self._field(f"{name}.rope.scaling.type", "none") not in ("none", "linear")
            or self._field(f"{name}.rope.dimension_count", head_size) != head_size
        ):
            raise EngineError("The model scales its positions in a way that is not known.")
        frequencies = _frequencies(self._field(f"{name}.rope.freq_base", 10_000.0), head_size)
        frequencies /= self._field(f"{name}.rope.scaling.factor", 1.0)
        if self.has("rope_freqs"):
            frequencies /= self.vector("rope_freqs")
        return Dimensions(
            n_layers=self._field(f"{name}.block_count"),
            width=width,
            n_heads=n_heads,
            n_kv_heads=self._field(f"{name}.attention.head_count_kv", n_heads),
            head_size=head_size,
            epsilon=self._field(f"{name}.attention.layer_norm_rms_epsilon"),
            frequencies=frequencies,
            max_positions=self._field(f"{name}.context_length"),
        )

    @property
    def end_ids(self) -> frozenset[int]:
        """See `Source.end_ids`."""
        names = [f"tokenizer.ggml.{name}_token_id" for name in ("eos", "eot")]
        return frozenset(int(self._field(name)) for name in names if name in self._fields)

    def has(self, name: str) -> bool:
        """See `Source.has`."""
        return self._key(name) in self._tensors

    def vector(self, name: str) -> np.ndarray:
        """See `Source.vector`."""
        tensor = self._tensors[self._key(name)]
        return np.array(dequantize(tensor.data, tensor.tensor_type), np.float32).reshape(-1)

    def matrix(self, name: str) -> Matrix:
        """See `Source.matrix`."""
        tensor = self._tensors[self._key(name)]
        n_columns, n_rows = (int(size) for size in tensor.shape)
        heads = {"attn_q": self.dimensions.n_heads, "attn_k": self.dimensions.n_kv_heads}.get(name.rpartition(".")[2])
        order = row_order(heads, n_rows) if heads and self.architecture == "llama" else None
        may_group = name != EMBEDDING
        return from_gguf(tensor.data, tensor.tensor_type, (n_rows, n_columns), order, may_group=may_group)

    def _key(self, name: str) -> str:
        return name if name.endswith(".bias") else f"{name}.weight"

    def _field(self, name: str, default: Any = None) -> Any:
        if name in self._fields:
            return self._fields[name].contents()
        if default is None:
            raise EngineError(f"The GGUF file does not say its {name}.")
        return default


class SafetensorsSource:
    """A folder with config.json and safetensors of a known architecture, in any float type."""

    def __init__(self, folder: Path) -> None:
        from safetensors import safe_open

        self._folder = folder
        self._config = json.loads((folder / "config.json").read_text("utf-8"))
        if self._config.get("model_type") not in MODEL_TYPES or "quantization_config" in self._config:
            raise EngineError(f"{folder.name} is of the type {self._config.get('model_type')!r}.")
        self._files: dict[str, Any] = {}
        for path in sorted(folder.glob("*.safetensors")):
            # "pt", as numpy has no bfloat16.
            file = safe_open(path, framework="pt")
            self._files.update(dict.fromkeys(file.keys(), file))

    @cached_property
    def dimensions(self) -> Dimensions:
        """See `Source.dimensions`."""
        config = self._config
        n_heads = config["num_attention_heads"]
        head_size = config.get("head_dim") or config["hidden_size"] // n_heads
        rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
        window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
        if rope.get("rope_type", rope.get("type", "default")) not in ("default", "llama3") or window:
            raise EngineError("The model scales its positions, or limits its attention, in a way that is not known.")
        base = config.get("rope_theta") or rope.get("rope_theta") or 10_000.0
        return Dimensions(
            n_layers=config["num_hidden_layers"],
            width=config["hidden_size"],
            n_heads=n_heads,
            n_kv_heads=config.get("num_key_value_heads", n_heads),
            head_size=head_size,
            epsilon=config["rms_norm_eps"],
            frequencies=_llama3(_frequencies(base, head_size), rope),
            max_positions=config["max_position_embeddings"],
        )

    @property
    def end_ids(self) -> frozenset[int]:
        """See `Source.end_ids`."""
        file = self._folder / "generation_config.json"
        config = json.loads(file.read_text("utf-8")) if file.is_file() else self._config
        ids = config.get("eos_token_id")
        return frozenset(ids if isinstance(ids, list) else [ids]) - {None}

    def has(self, name: str) -> bool:
        """See `Source.has`."""
        return self._key(name) in self._files and not (name == "output" and self._config.get("tie_word_embeddings"))

    def vector(self, name: str) -> np.ndarray:
        """See `Source.vector`."""
        key = self._key(name)
        return np.array(self._files[key].get_tensor(key).float().numpy())

    def matrix(self, name: str) -> Matrix:
        """See `Source.matrix`."""
        key = self._key(name)
        stored = self._files[key].get_slice(key)
        n_rows, n_columns = stored.get_shape()
        step = max(1, SLICE // n_columns)

        def slices() -> Iterator[np.ndarray]:
            for at in range(0, n_rows, step):
                yield stored[at : at + step].float().numpy()

        return in_8_bits(slices(), n_rows, n_columns)

    def _key(self, name: str) -> str:
        if not name.startswith("blk."):
            return _NAMES[name]
        _, layer, part = name.split(".", 2)
        part, _, ending = part.partition(".")
        return f"model.layers.{layer}.{_NAMES[part]}.{ending or 'weight'}"


_NAMES: Final = {
    "token_embd": "model.embed_tokens.weight",
    "output_norm": "model.norm.weight",
    "output": "lm_head.weight",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def open_source(path: Path) -> Source:
    """The source at a .gguf file or a folder. Raises EngineError if the CPU engine cannot run it."""
    opener: Callable[[Path], Source] = SafetensorsSource if path.is_dir() else GgufSource
    source = opener(path)
    _ = source.dimensions
    return source


def _frequencies(base: float, head_size: int) -> np.ndarray:
    return (1.0 / base ** (np.arange(0, head_size, 2) / head_size)).astype(np.float32)


def _llama3(frequencies: np.ndarray, rope: dict[str, Any]) -> np.ndarray:
    """Llama 3's scaling: slow rotations by the whole factor, fast ones not at all, those between in proportion."""
    if rope.get("rope_type") != "llama3":
        return frequencies
    turns = rope["original_max_position_embeddings"] * frequencies / (2 * np.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    share = np.clip((turns - low) / (high - low), 0, 1)
    return (frequencies * (share + (1 - share) / rope["factor"])).astype(np.float32)
