"""The engines; see `base.Engine` for their interface."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from workers.engine.base import Engine, EngineConfig, EngineError

# Setting ENGINE -> "module:callable", imported on use, so that a worker with a remote engine never loads torch.
ENGINES: dict[str, str] = {
    "hf": "workers.engine.local:open_local",
    "remote": "workers.engine.remote:RemoteEngine",
    "vllm": "workers.engine.vllm:VllmEngine",
    "scripted": "workers.engine.scripted:open_scripted",
}


def open_engine(config: EngineConfig) -> Engine:
    """A new engine of the kind `config.engine`, with its model loaded. Raises EngineError."""
    target = ENGINES.get(config.engine)
    if target is None:
        raise EngineError(f"ENGINE is {config.engine!r}; it must be one of {', '.join(sorted(ENGINES))}.")
    module, name = target.split(":")
    opener = cast(Callable[[EngineConfig], Engine], getattr(import_module(module), name))
    return opener(config)
