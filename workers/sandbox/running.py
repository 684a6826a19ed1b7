"""A kernel's process: starting it, its pipes, signals and resource usage."""

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
# A session's folders as the code sees them where they are mounted.
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
        """The argument of kernel.py; `files` and `tmp` are the folders as it sees them, `parent` its parent's pid."""
        paths = {"files": str(files or self.files), "tmp": str(tmp or self.tmp)}
        return json.dumps(paths | {"parent": parent, "limits": asdict(self.limits), "uid": self.uid})


@dataclass(frozen=True, slots=True)
class KernelUsage:
    """A kernel's processor time over all threads, resident bytes and number of threads."""

    cpu_s: float
    memory_bytes: int
    n_threads: int


class Running:
    """A started kernel. `pid` is the kernel's own, which may be a grandchild of the started program."""

    def __init__(self, program: "subprocess.Popen[bytes]", pid: int) -> None:
        self._program = program
        self._pid = pid
        # Unlike a pid, it cannot come to mean another process.
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
        """Stop all its threads until `resume`."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue after `pause`."""
        self._send(signal.SIGCONT)

    def usage(self) -> KernelUsage | None:
        """Its current usage; None if it has ended."""
        try:
            # The name in parentheses may contain anything, so fields are counted from its end (proc(5)).
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        if fields[0] in "ZX":
            return None
        return KernelUsage((int(fields[11]) + int(fields[12])) / _TICKS_S, int(fields[21]) * _PAGE, int(fields[17]))

    def alive(self) -> bool:
        """Whether it is running."""
        return self._program.poll() is None and self.usage() is not None

    def kill(self) -> None:
        """End it and the program around it, and wait for that."""
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
    """The command that starts a kernel; `-P` keeps the working directory off the import path."""
    return [sys.executable, "-P", "-m", "workers.sandbox.kernel", configuration]


def kernel_environment(tmp: Path) -> dict[str, str]:
    """The code's whole environment. One compute thread, because the model needs the other cores."""
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
    """Start a program with two pipes, which inherits no descriptor but `pass_fds`."""
    return subprocess.Popen(  # noqa: S603  # our own command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o022,  # for the folders that bubblewrap creates above its mounts
        pass_fds=tuple(pass_fds),
        **how,
    )
