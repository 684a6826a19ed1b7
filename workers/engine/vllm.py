"""ENGINE=vllm: a vLLM on this machine, which `manage.py servemodel` becomes, and the engine that speaks to it.

vLLM is no dependency: it lives in an environment of its own. It listens on loopback and wants a key.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from workers.engine.base import (
    BUNDLED,
    LOADING,
    EngineConfig,
    EngineError,
    GenerationRequest,
    Health,
    ModelLoading,
    Token,
)
from workers.engine.remote import RemoteEngine
from workers.engine.weights import Report, locate_model, resolve_model, weights_bytes
from workers.models.catalogue import entry_named
from workers.models.stored import read_manifest

# The name of whatever model it serves, so that workers find it by the same name after a change.
SERVED: Final = "base-model"
# How long a worker waits for the model. A large one takes minutes to load, and more to compile on first use.
LOAD_S: Final = 3_600.0
LOOK_S: Final = 1.0
# For models that are not in the catalogue: the form of most. One that never writes it just calls no tools.
TOOL_PARSER: Final = "hermes"
_SECRET: Final = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|DATABASE_URL|REDIS_URL|VECTOR_STORE")


class VllmEngine(RemoteEngine):
    """Chat completions of the vLLM on this machine. Opening it takes as long as vLLM loads the model."""

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(replace(config, remote_model=SERVED))
        self._name = config.base_model if config.base_model == BUNDLED else Path(config.base_model).name
        ends_at = time.monotonic() + LOAD_S
        while not (health := self.health()).ready:
            if time.monotonic() > ends_at:
                raise EngineError(f"vLLM has not loaded the model: see vllm.log. {health.detail}")
            time.sleep(LOOK_S)

    def stream(self, request: GenerationRequest) -> Iterator[Token]:
        """See `Engine.stream`. Raises ModelLoading while vLLM starts again."""
        if not self.health().ready:
            raise ModelLoading(LOADING)
        return super().stream(request)

    def health(self) -> Health:
        """Ready once the model is loaded."""
        return replace(super().health(), model=self._name)


def serve_command(program: str, config: EngineConfig, more: Sequence[str] = (), report: Report = print) -> list[str]:
    """The command that serves the base model as VllmEngine expects it; `more` are the operator's own options.

    A GGUF file is converted first. Raises EngineError like `resolve_model`.
    """
    from workers.engine.gpus import free_memory, gpus_needed  # they load torch, which those who call vLLM do not need

    folder = resolve_model(config, report)
    host, _, port = config.remote_url.rpartition("//")[2].partition(":")
    command = [program, "serve", str(folder), "--host", host, "--port", port, "--served-model-name", SERVED]
    # The longest context of the model that fits the memory.
    command += ["--max-model-len", "auto", "--enable-prefix-caching", "--disable-uvicorn-access-log"]
    if (n_gpus := gpus_needed(weights_bytes(folder), free_memory())) > 1:
        command += ["--tensor-parallel-size", str(n_gpus)]
    return [*command, *_parsers(config), *more]


def serve_environment(config: EngineConfig, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of vLLM: none of the site's secrets, and nothing that reaches out. It reads its key there."""
    kept = {name: value for name, value in variables.items() if name.startswith("VLLM_") or not _SECRET.search(name)}
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    return {**kept, **quiet, "VLLM_API_KEY": config.remote_key}


def _parsers(config: EngineConfig) -> list[str]:
    """What reads calls and reasoning in the model's replies, by the catalogue."""
    path = locate_model(config.base_model, config.home)
    manifest = read_manifest(path if path.is_dir() else path.parent)
    entry = entry_named(manifest.source.typed if manifest else config.base_model)
    tools = (entry.tool_parser if entry else "") or TOOL_PARSER
    reasoning = ["--reasoning-parser", entry.reasoning_parser] if entry and entry.reasoning_parser else []
    return ["--enable-auto-tool-choice", "--tool-call-parser", tools, *reasoning]
