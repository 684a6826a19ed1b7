"""The kernel builds its walls itself (Landlock, seccomp, limits): for containers and machines without namespaces.

Root's kernels run as a user of their own each, where that user can reach the interpreter; otherwise as the service's
user without any capability.
"""

import os

from workers.confinement import landlock, seccomp
from workers.sandbox.backends.reach import interpreter_is_open
from workers.sandbox.running import Running, SessionPlace, kernel_command, kernel_environment, start
from workers.sandbox.settings import Settings


class Landlock:
    """See the module."""

    def __init__(self, settings: Settings) -> None:
        self.own_user = os.geteuid() == 0 and interpreter_is_open()

    def unavailable(self) -> str:
        """Both walls must stand, and Landlock must know about truncating files (version 3, kernel 6.2)."""
        if not seccomp.available():
            return "this kernel has no seccomp filters"
        if landlock.version() < 3:
            return "this kernel has no Landlock, or one from before 6.2"
        return ""

    def start(self, place: SessionPlace) -> Running:
        """A child of ours, which ends with us."""
        command = kernel_command(place.configuration(parent=os.getpid()))
        program = start(command, cwd="/", env=kernel_environment(place.tmp))
        return Running(program, program.pid)
