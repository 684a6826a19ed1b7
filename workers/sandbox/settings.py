"""The settings of the sandbox, read from the environment, since its service does not load Django."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
# The only variables that the service keeps of its environment.
NAMES: Final = (
    *("GUILDHALL_HOME", "SANDBOX", "SANDBOX_IMAGE", "SANDBOX_MEMORY_MB", "SANDBOX_WALL_S", "SANDBOX_SESSIONS"),
    "SANDBOX_IDLE_S",
)


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one call may use; sizes apply to the whole session.

    `memory_bytes` is a hard limit on the data segment (RLIMIT_DATA); at 1.25 times that much resident memory the
    process is ended.
    """

    wall_s: float = 30.0
    cpu_s: float = 20.0
    memory_bytes: int = 512 << 20
    address_bytes: int = 2 << 30
    n_threads: int = 64
    disk_bytes: int = 128 << 20
    n_entries: int = 4_096
    file_bytes: int = 64 << 20
    n_descriptors: int = 256
    output_bytes: int = 256 << 10
    n_artefacts: int = 64
    artefact_bytes: int = 32 << 20
    code_bytes: int = 200_000

    def take(self, sizes: Collection[int]) -> bool:
        """Whether a call may have files of these sizes, in bytes."""
        return len(sizes) <= self.n_artefacts and sum(sizes) <= self.disk_bytes // 2


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """How and where the service runs. `backend` is auto, off or a name in BACKENDS."""

    home: Path
    backend: str = "auto"
    image: str = ""
    n_sessions: int = 8
    idle_s: float = 900.0
    limits: SandboxLimits = SandboxLimits()

    @property
    def socket(self) -> Path:
        """Where the service listens."""
        return self.home / "run" / "sandbox.sock"


def from_environment(variables: Mapping[str, str] = os.environ) -> SandboxSettings:
    """The settings in `variables`. Raises ValueError for a malformed number."""
    limits = SandboxLimits(
        wall_s=float(_read(variables, "SANDBOX_WALL_S", "30")),
        memory_bytes=int(_read(variables, "SANDBOX_MEMORY_MB", "512")) << 20,
    )
    return SandboxSettings(
        home=Path(_read(variables, "GUILDHALL_HOME", str(_ROOT / "var"))).resolve(),
        backend=_read(variables, "SANDBOX", "auto"),
        image=_read(variables, "SANDBOX_IMAGE", ""),
        n_sessions=int(_read(variables, "SANDBOX_SESSIONS", "8")),
        idle_s=float(_read(variables, "SANDBOX_IDLE_S", "900")),
        limits=limits,
    )


def _read(variables: Mapping[str, str], name: str, default: str) -> str:
    """The setting, or the content of the file that `<name>_FILE` names."""
    if file := variables.get(f"{name}_FILE"):
        return Path(file).read_text().strip()
    return variables.get(name) or default
