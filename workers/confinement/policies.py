"""The restrictions shared by every confined process: readable paths, and rules for single system calls."""

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from workers.confinement import landlock, seccomp
from workers.confinement.machine import drop_capabilities, forbid_new_privileges, hide_from_others, machine
from workers.confinement.seccomp import Rule, allow, fail, one_of, only_null, unless_any_bit
from workers.confinement.syscalls import LIMITED, Numbers

_ROOT: Final = Path(__file__).resolve().parents[2]
_CLONE_THREAD: Final = 0x10000
_CLONE_NAMESPACES: Final = 0x7E020080
_PR_SET_NAME, _PR_GET_NAME = 15, 16
# The queries that C libraries make: whether it is a terminal, bytes waiting, close on exec, non-blocking.
_IOCTLS: Final = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

# Libraries, fonts and time zones. A path that does not exist is left out.
SYSTEM: Final = tuple(
    Path(each)
    for each in (
        *("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/mime.types"),
        *("/dev/null", "/dev/urandom"),
    )
)


def interpreter() -> Iterator[Path]:
    """Yield the paths of the interpreter and its packages."""
    yield from (Path(sys.prefix), Path(sys.base_prefix))
    yield from (Path(each) for each in sys.path if Path(each).name in ("site-packages", "dist-packages"))


def own_code(*packages: str) -> Iterator[Path]:
    """Yield the paths of our own packages; the checkout's root may contain data."""
    yield from (_ROOT / each for each in packages)


def restrict_process(
    readable: Iterable[Path], writable: Iterable[Path], denied: Iterable[Numbers], rules: Mapping[Numbers, Rule]
) -> None:
    """Drop this process's privileges irreversibly, while it has one thread; what the system lacks is left out.

    Files: `readable`, the interpreter and system libraries for reading, `writable` for both. System calls: none of
    `denied`, and those of `rules` by their arguments. Raises OSError.
    """
    if not machine():
        return
    forbid_new_privileges()
    drop_capabilities()
    if landlock.version():
        landlock.restrict([*interpreter(), *SYSTEM, *readable], writable)
    hide_from_others()
    seccomp.install(denied, rules)


def single_process(pid: int) -> dict[Numbers, Rule]:
    """Threads but no other processes, signals to process `pid` only, limits that cannot be raised."""
    itself = one_of(0, [pid], fail())
    return {
        # glibc falls back from clone3 on clone, whose flags can be seen.
        LIMITED["clone3"]: [fail(errno.ENOSYS)],
        LIMITED["clone"]: [
            *unless_any_bit(0, _CLONE_NAMESPACES, fail()),
            *unless_any_bit(0, _CLONE_THREAD, allow()),
            fail(),
        ],
        LIMITED["kill"]: itself,
        LIMITED["tgkill"]: itself,
        LIMITED["tkill"]: [fail()],
        # Reading limits is allowed, setting them is not.
        LIMITED["prlimit64"]: [*only_null(2, fail()), *one_of(0, [0, pid], fail())],
        LIMITED["prctl"]: one_of(0, (_PR_SET_NAME, _PR_GET_NAME), fail()),
        LIMITED["ioctl"]: one_of(1, _IOCTLS, fail(errno.ENOTTY)),
    }


def read_only() -> dict[Numbers, Rule]:
    """Files can only be opened for reading."""
    # Writing, creating, truncating, appending.
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    refused = fail(errno.EACCES)
    return {
        LIMITED["open"]: [*unless_any_bit(1, changing, refused), allow()],
        LIMITED["openat"]: [*unless_any_bit(2, changing, refused), allow()],
        LIMITED["openat2"]: [fail(errno.ENOSYS)],
    }
