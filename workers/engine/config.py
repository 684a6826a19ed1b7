"""The configuration of an engine, read from the settings in `workers.configuration`."""

from dataclasses import dataclass
from pathlib import Path

BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Which engine to open and how. Zero and "auto": chosen by the machine and the model.

    `base_model` is "bundled", a directory with safetensors, or a .gguf file; `home` holds converted models.
    `cache_tokens` is the size of the key-value cache shared by all chats, `context_tokens` the longest prompt plus
    reply. `remote_*` belong to the engine "remote", `script` (a JSON file of replies) to the engine "scripted".
    """

    engine: str = "hf"
    base_model: str = BUNDLED
    home: Path = Path("var")
    remote_url: str = ""
    remote_model: str = ""
    remote_key: str = ""
    threads: int = 0
    cache_tokens: int = 0
    context_tokens: int = 0
    dtype: str = "auto"
    device: str = "auto"
    script: str = ""
