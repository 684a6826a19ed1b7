"""A Docker or Podman container around a kernel that also confines itself; the image has Python and the libraries."""

import os
import secrets
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Final

from workers.sandbox.running import FILES, TMP, KernelUsage, Running, SessionPlace, kernel_environment, start
from workers.sandbox.settings import SandboxSettings

_ROOT: Final = Path(__file__).resolve().parents[3]
_CODE: Final = Path("/guildhall")
_ISOLATION: Final = (
    *("--rm", "--interactive", "--network", "none", "--read-only", "--cap-drop", "ALL", "--ipc", "none"),
    *("--security-opt", "no-new-privileges", "--log-driver", "none", "--pull", "never"),
)


class ContainerKernel(Running):
    """A kernel in a container. Signals go through docker or podman."""

    def __init__(self, client: "subprocess.Popen[bytes]", program: str, name: str) -> None:
        super().__init__(client, client.pid)
        self._command, self._name = program, name

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the code."""
        self._run("kill", "--signal", "INT", self._name)

    def pause(self) -> None:
        """Freeze the container."""
        self._run("pause", self._name)

    def resume(self) -> None:
        """Unfreeze the container."""
        self._run("unpause", self._name)

    def usage(self) -> KernelUsage | None:
        """Zeros, because the container enforces the limits; None if it has ended."""
        return KernelUsage(0.0, 0, 1) if self._program.poll() is None else None

    def kill(self) -> None:
        """Remove the container and all its processes."""
        self._run("rm", "--force", self._name)
        super().kill()

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._command, *arguments], capture_output=True, check=False, timeout=20)  # noqa: S603


class Container:
    """See the module. SANDBOX_IMAGE names the image."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.own_user = os.geteuid() == 0
        self._image = settings.image
        self._program = shutil.which("docker") or shutil.which("podman")

    def unavailable(self) -> str:
        """Needs docker or podman, and an image."""
        if self._program is None:
            return "neither docker nor podman was found"
        return "" if self._image else "SANDBOX_IMAGE must name an image with Python, numpy, pandas and matplotlib"

    def start(self, place: SessionPlace) -> Running:
        """A container that is removed when it ends."""
        assert self._program is not None
        name = f"guildhall-sandbox-{secrets.token_hex(8)}"
        command = [self._program, "run", "--name", name, *_ISOLATION, *_limits(place), *_mounts(place)]
        command += ["--workdir", str(FILES), *_environment(), self._image, "python3", "-P", "-m"]
        # The container already starts as the session's user.
        command += ["workers.sandbox.kernel", replace(place, uid=None).configuration(FILES, TMP)]
        return ContainerKernel(start(command, cwd="/"), self._program, name)


def _limits(place: SessionPlace) -> list[str]:
    memory = str(place.limits.memory_bytes)
    uid = place.uid if place.uid is not None else os.getuid()
    return [
        *("--memory", memory, "--memory-swap", memory, "--pids-limit", str(place.limits.n_threads)),
        *("--cpus", "1", "--user", f"{uid}:{uid}"),
    ]


def _mounts(place: SessionPlace) -> list[str]:
    code = [f"{_ROOT}/workers/{each}:{_CODE}/workers/{each}:ro" for each in ("__init__.py", "confinement", "sandbox")]
    own = [f"{place.files}:{FILES}:rw", f"{place.tmp}:{TMP}:rw"]
    return [part for each in (*code, *own) for part in ("--volume", each)]


def _environment() -> list[str]:
    variables = kernel_environment(TMP) | {"PYTHONPATH": str(_CODE)}
    return [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
