"""A kernel's process as the service holds it: its pipes, its signals, what it uses."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from workers.sandbox.settings import SandboxLimits

_ROOT: Final = Path(__file__).resolve().parents[2]
# A session's folders as code sees them behind mounts.
FILES: Final = Path("/session/files")
TMP: Final = Path("/session/tmp")
_TICKS_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class SessionPlace:
    """Where one session's code runs: its two folders and, if it has one, the user that owns them."""

    files: Path
    tmp: Path
    uid: int | None
    limits: SandboxLimits

    def configuration(self, files: Path | None = None, tmp: Path | None = None, parent: int = 0) -> str:
        """What kernel.py is told; `files` and `tmp` are the folders as it sees them, `parent` whom to end with."""
        told: dict[str, Any] = {"files": str(files or self.files), "tmp": str(tmp or self.tmp), "parent": parent}
        return json.dumps(told | {"limits": asdict(self.limits), "uid": self.uid})


@dataclass(frozen=True, slots=True)
class KernelUsage:
    """What a kernel uses: processor time of all threads, resident bytes, threads."""

    cpu_s: float
    memory_bytes: int
    n_threads: int


class Running:
    """A started kernel. `pid` is that of the kernel itself, which may be a grandchild of the started program."""

    def __init__(self, program: "subprocess.Popen[bytes]", pid: int) -> None:
        self._program = program
        self._pid = pid
        # A handle that no later process can inherit, as a number could.
        self._handle = os.pidfd_open(pid)
        assert program.stdin is not None
        assert program.stdout is not None
        self.stdin: IO[bytes] = program.stdin
        self.stdout: IO[bytes] = program.stdout
        os.set_blocking(self.stdin.fileno(), False)
        os.set_blocking(self.stdout.fileno(), False)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the code."""
        self._send(signal.SIGINT)

    def pause(self) -> None:
        """Let no thread of it run until `resume`."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run again."""
        self._send(signal.SIGCONT)

    def usage(self) -> KernelUsage | None:
        """What it uses now; None if it has ended."""
        try:
            # The name in parentheses may contain anything, so fields are counted from its end (proc(5)).
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        if fields[0] in "ZX":
            return None
        return KernelUsage((int(fields[11]) + int(fields[12])) / _TICKS_S, int(fields[21]) * _PAGE, int(fields[17]))

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._program.poll() is None and self.usage() is not None

    def kill(self) -> None:
        """End it and all that belongs to it, and wait until it is gone."""
        self._send(signal.SIGKILL)
        self._program.kill()
        self._program.wait()
        for each in (self.stdin, self.stdout):
            each.close()
        os.close(self._handle)

    def _send(self, number: int) -> None:
        try:
            signal.pidfd_send_signal(self._handle, number)
        except ProcessLookupError:
            return


def kernel_command(configuration: str) -> list[str]:
    """The interpreter with the kernel's module: without the folder it starts in on its path."""
    return [sys.executable, "-P", "-m", "workers.sandbox.kernel", configuration]


def kernel_environment(tmp: Path) -> dict[str, str]:
    """All that code finds in its environment. One compute thread: the machine is shared with the model."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp),
        "TMPDIR": str(tmp),
        "MPLCONFIGDIR": str(tmp / "matplotlib"),
        "MPLBACKEND": "Agg",
        "PYTHONPATH": str(_ROOT),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }


def start(command: list[str], pass_fds: Iterable[int] = (), **how: Any) -> "subprocess.Popen[bytes]":
    """Start a program with two pipes and no other descriptor of ours but `pass_fds`."""
    return subprocess.Popen(  # noqa: S603  # a command of our own making
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o022,  # bubblewrap makes folders on the way to what it binds
        pass_fds=tuple(pass_fds),
        **how,
    )
