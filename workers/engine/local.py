"""Which engine runs a model in this process: the CPU engine, or transformers on GPUs and for other architectures."""

from importlib.metadata import version
from typing import cast

from workers.engine.base import Engine, EngineConfig, EngineError
from workers.engine.weights import Report, cpu_copy_of, locate_model, resolve_model, weights_bytes
from workers.importing import IMPORTING


def open_local(config: EngineConfig) -> Engine:
    """The engine with the model loaded. Raises EngineError."""
    with IMPORTING:
        if suits_cpu_engine(config):
            from workers.engine.cpu.engine import CpuEngine as Opened
        elif sees_pictures(config):
            from workers.engine.seeing import SeeingEngine as Opened  # type: ignore[assignment]
        else:
            from workers.engine.hf import HfEngine as Opened  # type: ignore[assignment]
    return cast(Engine, Opened(config))


def prepare_local(config: EngineConfig, report: Report) -> int:
    """Converts the model if necessary, and returns the bytes of its weights. Raises EngineError."""
    if suits_cpu_engine(config):
        from workers.engine.cpu.converting import resolve_compressed

        return resolve_compressed(config, report).weights_bytes
    return weights_bytes(resolve_model(config, report))


def uses_memory(config: EngineConfig) -> bool:
    """Whether the model is in the machine's memory. On a GPU, an open model has all memory for its chats."""
    if config.device != "auto":
        return config.device == "cpu"
    if version("torch").endswith("+cpu"):  # which is known without loading it, for more than a second
        return True
    import torch

    return not torch.cuda.is_available()


def sees_pictures(config: EngineConfig) -> bool:
    """Whether transformers runs the model as one that reads pictures. Raises EngineError."""
    from workers.engine.seeing import sees

    return sees(locate_model(config.base_model, config.home))


def suits_cpu_engine(config: EngineConfig) -> bool:
    """Whether the model runs on the CPU and is of an architecture that the CPU engine knows. Raises EngineError."""
    if not uses_memory(config):
        return False
    from workers.engine.cpu.converting import FACTS
    from workers.engine.cpu.sources import open_source

    path = locate_model(config.base_model, config.home)
    if (cpu_copy_of(path, config.home) / FACTS).is_file():  # reading a GGUF file's vocabulary takes seconds
        return True
    try:
        open_source(path)
    except EngineError:
        return False
    return True
