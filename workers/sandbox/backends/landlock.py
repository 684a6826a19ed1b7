"""The kernel confines itself (Landlock, seccomp, limits): for containers and machines without namespaces.

Where root runs the service, each kernel has its own user, if that user can reach the interpreter; otherwise kernels
run as the service's user without any capability.
"""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from workers.confinement import landlock, seccomp
from workers.sandbox.running import Running, SessionPlace, kernel_command, kernel_environment, start
from workers.sandbox.settings import SandboxSettings


class Landlock:
    """See the module."""

    def __init__(self, settings: SandboxSettings) -> None:
        readable = (*_interpreters(), Path(sys.prefix), Path(sys.base_prefix), Path(__file__))
        self.own_user = os.geteuid() == 0 and all(map(_is_readable_by_others, readable))

    def unavailable(self) -> str:
        """Needs seccomp, and Landlock that can refuse truncating files (version 3, kernel 6.2)."""
        if not seccomp.available():
            return "this kernel has no seccomp filters"
        if landlock.version() < 3:
            return "this kernel has no Landlock, or one from before 6.2"
        return ""

    def start(self, place: SessionPlace) -> Running:
        """A child process, which ends with this one."""
        command = kernel_command(place.configuration(parent=os.getpid()))
        program = start(command, cwd="/", env=kernel_environment(place.tmp))
        return Running(program, program.pid)


def _is_readable_by_others(path: Path) -> bool:
    """Whether other users may read `path`, links followed, and pass through each folder above it."""
    path = path.resolve()
    is_reachable = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return is_reachable and bool(path.stat().st_mode & stat.S_IROTH)


def _interpreters() -> Iterable[Path]:
    """The interpreter's path and each link that leads to its file."""
    path = Path(sys.executable)
    yield path
    while path.is_symlink():
        path = path.parent / path.readlink()
        yield path
