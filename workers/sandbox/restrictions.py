"""The restrictions that a kernel puts on itself before it runs a line of foreign code, whatever the backend.

One process, without other programs; no sockets; readable are only the interpreter, its packages and system libraries;
writable are only the session's own folders. Changing modes, owners and times of files does nothing and appears to
succeed: copying files must work, and Landlock would not keep a process from changing the modes of its user's files.
"""

import os
import resource
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from workers.confinement import seccomp
from workers.confinement.policies import own_code, restrict_process, single_process
from workers.confinement.seccomp import allow, fail, one_of, only_null
from workers.confinement.syscalls import DENIED, Numbers

# Calls that change files, which Landlock limits to the writable folders.
_FILE_CHANGES: Final = (
    *("creat", "mkdir", "mkdirat", "rmdir", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *("truncate", "ftruncate", "fallocate"),
)
# Calls that do nothing and return no error.
_NO_OPS: Final = (
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat"),
    "futimesat",
)
# asyncio wakes itself through a pair of connected sockets; see _pair_rules.
_PAIRS: Final = ("socketpair", "sendto", "recvfrom")
_AF_UNIX, _STREAM_KINDS = 1, (1, 1 | 0x800, 1 | 0x80000, 1 | 0x80800)


def confine(writable: Iterable[Path]) -> None:
    """Restrict this process, irreversibly. Call it while the process has one thread. Raises OSError.

    No effect where the system offers neither seccomp nor Landlock; backends run no code there.
    """
    denied = {name: each for name, each in DENIED.items() if name not in {*_FILE_CHANGES, *_NO_OPS, *_PAIRS}}
    no_ops = {DENIED[name]: [fail(0)] for name in _NO_OPS}
    ours = own_code("workers/__init__.py", "workers/confinement", "workers/sandbox")
    restrict_process(ours, writable, denied.values(), single_process(os.getpid()) | no_ops | _pair_rules())


def _pair_rules() -> dict[Numbers, seccomp.Rule]:
    """Connected pairs of streams only, and no address to send to, so not to other processes."""
    return {
        # one_of ends by allowing or refusing, so the family is checked first.
        DENIED["socketpair"]: [
            *(seccomp.argument(0), seccomp.step(0x15, _AF_UNIX, 1, 0), fail()),
            *one_of(1, _STREAM_KINDS, fail()),
        ],
        DENIED["sendto"]: [*only_null(4, fail()), allow()],
        DENIED["recvfrom"]: [allow()],
    }


def limit(limits: Mapping[str, Any], own_user: bool) -> None:
    """Set this process's resource limits, hard and soft. That on threads needs a user of its own."""
    amounts = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: limits["address_bytes"],
        # Exceeding this is a MemoryError in the code, and the session goes on.
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
