"""The engines: each turns messages into a stream of tokens for many callers at once (see `base.Engine`)."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from workers.engine.base import Engine, EngineError
from workers.engine.config import EngineConfig

# Name in the setting ENGINE -> "module:callable". Imported on use, so that a worker with a remote engine never
# loads torch.
ENGINES: dict[str, str] = {
    "hf": "workers.engine.hf:HfEngine",
    "remote": "workers.engine.remote:RemoteEngine",
    "scripted": "workers.engine.scripted:open_scripted",
}


def open_engine(config: EngineConfig) -> Engine:
    """A new engine of the kind `config.engine`; the model is loaded when this returns.

    Raises EngineError when the name is unknown or the model cannot be loaded.
    """
    target = ENGINES.get(config.engine)
    if target is None:
        raise EngineError(f"ENGINE is {config.engine!r}; it must be one of {', '.join(sorted(ENGINES))}.")
    module, name = target.split(":")
    opener = cast(Callable[[EngineConfig], Engine], getattr(import_module(module), name))
    return opener(config)
