"""Takes from this process, for good, what reading a file does not need: network, other processes, other files.

Two walls of the Linux kernel, both open to ordinary users and inside unprivileged containers. A seccomp filter denies
system calls: every socket, every new process or program, signals to others, tracing, mounts, writing. Landlock
(kernel 5.13 and later) leaves only our own code and libraries to read. Where a wall is missing the others stand, and
`missing()` says so: without Landlock the child can read what its user can read, but has nowhere to send it; on a
system other than Linux only the limits on memory and time hold.
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from workers.confinement import landlock, seccomp
from workers.confinement.machine import drop_capabilities, forbid_new_privileges, hide_from_others, machine
from workers.confinement.policies import SYSTEM, interpreter, own_code, read_only, single_process
from workers.confinement.syscalls import DENIED


def confine(readable: Iterable[Path] = ()) -> None:
    """Irrevocably drop what reading a file does not need; only our code, libraries and `readable` stay readable.

    Call it while the process has one thread. Nothing can undo it. What this kernel lacks is left out.
    """
    if not machine():
        return
    forbid_new_privileges()
    drop_capabilities()
    if landlock.version():
        landlock.restrict([*interpreter(), *own_code("gpts", "workers"), *SYSTEM, *readable])
    hide_from_others()
    seccomp.install(DENIED.values(), single_process(os.getpid()) | read_only())


@cache
def missing() -> tuple[str, ...]:
    """What this system lacks for full confinement, in words for its operator; empty if all holds."""
    if not machine():
        return ("seccomp and Landlock are not available here: files are parsed under limits on memory and time only",)
    lacks = []
    if not seccomp.available():
        lacks.append("this kernel has no seccomp filters: a parser can open connections and start programs")
    if not landlock.version():
        lacks.append("this kernel has no Landlock: a parser can read the files that its user can read")
    return tuple(lacks)
