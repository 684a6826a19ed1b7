"""The models that Guildhall suggests (`catalogue.toml`), and how a name that a person types finds its files."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from gpts.spec.base_models import HUB_NAME, hub_name
from workers.models.errors import ModelError

Ability = Literal["tools", "reasoning", "vision"]
CHATS_BYTES: Final = 500_000_000
# On a GPU, where the tokens of all chats are sampled together.
GPU_CHATS_BYTES: Final = 1_500_000_000
# Bits per weight on a GPU, in the order of preference.
GPU_BITS: Final = (16, 8, 4)


class ModelSource(BaseModel):
    """Where files come from: a repository of the hub, its revision, and the one .gguf file ("": its safetensors)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str = Field(pattern=rf"^{HUB_NAME}$")
    file: str = Field("", pattern=r"^([\w./-]+\.gguf)?$")
    revision: str = "main"

    @property
    def typed(self) -> str:
        """The name as people type it."""
        return f"{self.repo}:{self.file}" if self.file else self.repo

    @property
    def folder(self) -> str:
        """The name of its directory. The hub allows no "--" in names, so no two sources share one."""
        return self.typed.replace("/", "--").replace(":", "--")


class Entry(ModelSource):
    """A model of the catalogue.

    `parameters` are all weights, `active` those that one token passes in a mixture of experts (0: all). These and
    `download_bytes` are approximate. `abilities` are what the maker states; a site goes by what it measures itself.
    `engine` says whether the built-in engine can load the model, `compact` whether it does so on CPUs in 8 or 4 bits.
    The parsers are vLLM's names of the forms in which the model writes calls and reasoning; empty: it writes none, or
    in the commonest form.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    licence: str
    gated: bool = False
    parameters: int = Field(gt=0)
    active: int = Field(0, ge=0)
    download_bytes: int = Field(gt=0)
    languages: str
    abilities: frozenset[Ability] = frozenset()
    engine: Literal["built-in", "server"] = "built-in"
    compact: bool = False
    tool_parser: str = ""
    reasoning_parser: str = ""
    quirks: str = ""

    @property
    def cpu_bytes(self) -> int:
        """Bytes of its weights on a CPU: 16 bits each, or if compact 8, or somewhat more than a GGUF file."""
        if not self.compact:
            return self.parameters * 2
        return self.download_bytes * 12 // 10 if self.file else self.parameters

    @property
    def cpu_memory(self) -> int:
        """Bytes of memory with chats on a CPU."""
        return self.cpu_bytes * 11 // 10 + CHATS_BYTES

    def gpu_memory(self, bits: int) -> int:
        """Bytes of memory with chats on a GPU with so many bits per weight, also those of a GGUF file.

        Experts always have 16.
        """
        return gpu_bytes(self.parameters * 2, 16 if self.active else bits)

    @property
    def source(self) -> ModelSource:
        """Where its files come from."""
        return ModelSource(repo=self.repo, file=self.file, revision=self.revision)


def gpu_bytes(weights: int, bits: int) -> int:
    """Bytes of GPU memory, with chats, for a model of `weights` bytes in 16 bits.

    With fewer bits, about a tenth of the weights keeps 16, such as embeddings, and scales take half a bit each.
    """
    share = 1.0 if bits == 16 else 0.1 + 0.9 * (bits + 0.5) / 16
    return int(weights * share * 1.1) + GPU_CHATS_BYTES


@cache
def catalogue() -> tuple[Entry, ...]:
    """All entries, small models first."""
    text = Path(__file__).with_suffix(".toml").read_text("utf-8")
    return tuple(sorted(map(Entry.model_validate, tomllib.loads(text)["model"]), key=lambda each: each.parameters))


def entry_named(name: str) -> Entry | None:
    """The entry with this short name, or of this repository and file."""
    return next((each for each in catalogue() if name in (each.name, each.typed)), None)


def find_source(name: str) -> ModelSource:
    """The source that `name` means: in the catalogue, `org/name`, or `org/name:file.gguf`. Raises ModelError."""
    if entry := entry_named(name):
        return entry.source
    if found := hub_name(name):
        return ModelSource(repo=found[0], file=found[1])
    raise ModelError(
        f"“{name}” is neither in the catalogue (`manage.py models`), nor a hub name such as Qwen/Qwen3-8B or "
        "org/name:file.gguf."
    )
