"""What a kernel gives up before it runs a line of foreign code: the walls that every backend shares.

One process, without other programs; no sockets; nothing to read but the interpreter, its packages and system
libraries; nothing to write but the session's own folders. Changing modes, owners and times of files does nothing and
looks as if it had succeeded: copying files must work, and Landlock would not keep a process from changing the modes
of files that its user owns.
"""

import os
import resource
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from workers.confinement import landlock, seccomp
from workers.confinement.machine import drop_capabilities, forbid_new_privileges, hide_from_others, machine
from workers.confinement.policies import SYSTEM, interpreter, own_code, single_process
from workers.confinement.seccomp import allow, fail, one_of, only_null
from workers.confinement.syscalls import DENIED, Numbers

# What code may do to the files that Landlock leaves it.
_FILE_WORK: Final = (
    *("creat", "mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *("truncate", "ftruncate", "fallocate"),
)
# Nothing happens, and no error is given.
_PRETENDED: Final = (
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat"),
    "futimesat",
)
# asyncio wakes itself through a pair of connected sockets; see _pairs.
_PAIRS: Final = ("socketpair", "sendto", "recvfrom")
_AF_UNIX, _STREAM_KINDS = 1, (1, 1 | 0x800, 1 | 0x80000, 1 | 0x80800)


def confine(writable: Iterable[Path], readable: Iterable[Path] = ()) -> None:
    """Build the walls. Call it while the process has one thread; nothing can undo it. Raises OSError.

    Does nothing where the system has neither wall; backends see to it that no code is run there.
    """
    if not machine():
        return
    forbid_new_privileges()
    drop_capabilities()
    if landlock.version():
        ours = own_code("workers/__init__.py", "workers/confinement", "workers/sandbox")
        landlock.restrict([*interpreter(), *ours, *SYSTEM, *readable], writable)
    hide_from_others()
    denied = {name: each for name, each in DENIED.items() if name not in {*_FILE_WORK, *_PRETENDED, *_PAIRS}}
    pretended = {DENIED[name]: [fail(0)] for name in _PRETENDED}
    seccomp.install(denied.values(), single_process(os.getpid()) | pretended | _pairs())


def _pairs() -> dict[Numbers, seccomp.Rule]:
    """Connected pairs of streams only, and no address to send to: no other process can be reached with them."""
    return {
        # one_of ends by allowing or refusing, so the family is looked at first.
        DENIED["socketpair"]: [
            *(seccomp.argument(0), seccomp.step(0x15, _AF_UNIX, 1, 0), fail()),
            *one_of(1, _STREAM_KINDS, fail()),
        ],
        DENIED["sendto"]: [*only_null(4, fail()), allow()],
        DENIED["recvfrom"]: [allow()],
    }


def limit(limits: Mapping[str, Any], own_user: bool) -> None:
    """Set the kernel's limits on this process, hard and soft. The number of threads counts for a user of its own."""
    amounts = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: limits["address_bytes"],
        # What a process allocates for itself: running out is a MemoryError, and the session lives on.
        resource.RLIMIT_DATA: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["n_descriptors"],
        resource.RLIMIT_MEMLOCK: 64 << 10,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if own_user:
        amounts[resource.RLIMIT_NPROC] = limits["n_threads"]
    for name, amount in amounts.items():
        resource.setrlimit(name, (amount, amount))
