"""Converts a model for the CPU engine, once: a graph with quantised weights, its tokenizer, and a few facts.

A GGUF file of 1.1 GB takes 20 s and becomes 1.4 GB, which is loaded in 5 s.
"""

import json
import os
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from workers.engine.base import BUNDLED, EngineConfig, EngineError
from workers.engine.weights import (
    BUNDLED_SHA256,
    Report,
    cpu_copy_of,
    exclusive,
    fingerprint_of,
    locate_model,
    sampled,
    verify,
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
    if not (folder / FACTS).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(folder.with_name(f"{folder.name}.lock")):
            if not (folder / FACTS).is_file():
                verify(source, BUNDLED_SHA256 if config.base_model == BUNDLED else None, report)
                _convert(source, folder, report)
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    return CompressedModel(source, folder, facts["n_vocabulary"], facts["max_positions"], tuple(facts["end_ids"]))


def _convert(source: Path, target: Path, report: Report) -> None:
    """Writes the converted model aside and renames it. Raises EngineError."""
    import openvino as ov

    from workers.engine.cpu.graph import build
    from workers.engine.cpu.sources import open_source

    report(f"Converting {source.name} for this CPU (once)")
    aside = target.with_name(f"{target.name}.{os.getpid()}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        numbers = open_source(source)
        graph = build(numbers)
        n_vocabulary = graph.output("logits").get_partial_shape()[-1].get_length()
        ov.save_model(graph, aside / GRAPH, compress_to_fp16=False)
        if source.is_file():
            _save_tokenizer(source, aside)
        facts = {
            "n_vocabulary": n_vocabulary,
            "max_positions": numbers.dimensions.max_positions,
            "end_ids": sorted(numbers.end_ids),
        }
        (aside / FACTS).write_text(json.dumps(facts), "utf-8")
    except (OSError, ValueError, RuntimeError, KeyError, IndexError, NotImplementedError, MemoryError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise EngineError(f"{source} could not be converted: {error}") from error
    aside.rename(target)


def _save_tokenizer(file: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    tokenizer.save_pretrained(folder)
