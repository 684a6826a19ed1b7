"""Converts a model for the CPU engine, once: a graph with quantised weights, its tokenizer, and a few facts.

A GGUF file of 1.1 GB takes 20 s and becomes 1.4 GB, which is loaded in 5 s.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from workers.engine.base import BUNDLED, EngineConfig
from workers.engine.weights import (
    BUNDLED_SHA256,
    Report,
    convert_once,
    cpu_copy_of,
    fingerprint_of,
    locate_model,
    sampled,
)

GRAPH: Final = "decoder.xml"
WEIGHTS: Final = "decoder.bin"
FACTS: Final = "facts.json"


@dataclass(frozen=True, slots=True)
class CompressedModel:
    """The model at `source` (a file or a folder), converted into `folder`."""

    source: Path
    folder: Path
    n_vocabulary: int
    max_positions: int
    end_ids: tuple[int, ...]

    @property
    def tokenizer(self) -> Path:
        """The folder with the tokenizer."""
        return self.source if self.source.is_dir() else self.folder

    @property
    def name(self) -> str:
        """The model's name, from its path."""
        return self.source.name if self.source.is_dir() else self.source.stem

    @property
    def weights_bytes(self) -> int:
        """The size of the weights, in the file and in memory."""
        return (self.folder / WEIGHTS).stat().st_size

    def fingerprint(self, template: object) -> str:
        """The SHA-256 of the chat template and samples of the weights as they were published, as hexadecimal."""
        if self.source.is_dir():
            return fingerprint_of(self.source, template)
        digest = sha256(str(template).encode())
        sampled(self.source, digest)
        return digest.hexdigest()


def resolve_compressed(config: EngineConfig, report: Report = lambda line: None) -> CompressedModel:
    """The converted model, converted now if necessary. Raises EngineError."""
    source = locate_model(config.base_model, config.home)
    folder = cpu_copy_of(source, config.home)
    pinned = BUNDLED_SHA256 if config.base_model == BUNDLED else None
    line = f"Converting {source.name} for this CPU (once)"
    convert_once(source, folder, FACTS, lambda aside: _convert(source, aside), report, line, pinned)
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    return CompressedModel(source, folder, facts["n_vocabulary"], facts["max_positions"], tuple(facts["end_ids"]))


def _convert(source: Path, target: Path) -> None:
    import openvino as ov

    from workers.engine.cpu.graph import build
    from workers.engine.cpu.sources import open_source

    numbers = open_source(source)
    graph = build(numbers)
    ov.save_model(graph, target / GRAPH, compress_to_fp16=False)
    if source.is_file():
        _save_tokenizer(source, target)
    facts = {
        "n_vocabulary": graph.output("logits").get_partial_shape()[-1].get_length(),
        "max_positions": numbers.dimensions.max_positions,
        "end_ids": sorted(numbers.end_ids),
    }
    (target / FACTS).write_text(json.dumps(facts), "utf-8")


def _save_tokenizer(file: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    tokenizer.save_pretrained(folder)
