"""Takes from this process, for good, what reading a file does not need: network, other processes, other files.

Two walls of the Linux kernel, both open to ordinary users and inside unprivileged containers. A seccomp filter denies
system calls: every socket, every new process or program, signals to others, tracing, mounts, writing. Landlock
(kernel 5.13 and later) leaves only our own code and libraries to read. Where a wall is missing the others stand, and
`missing()` says so: without Landlock the child can read what its user can read, but has nowhere to send it; on a
system other than Linux only the limits on memory and time hold.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from workers.knowledge.syscalls import DENIED, LAST, LIMITED

_ROOT: Final = Path(__file__).resolve().parents[2]
# Column of the tables, AUDIT_ARCH, and the numbers of seccomp() and capset() on each machine.
_MACHINES: Final = {"x86_64": (0, 0xC000003E, 317, 126), "aarch64": (1, 0xC00000B7, 277, 91)}

# Classic BPF (linux/bpf_common.h) and seccomp's answers (linux/seccomp.h).
_LOAD, _EQUAL, _GREATER, _GREATER_EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARGS = 0, 4, 16

_CLONE_THREAD: Final = 0x10000
_CLONE_NAMESPACES: Final = 0x7E020080
# Writing, creating, truncating, appending.
_O_CHANGING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NAME, _PR_GET_NAME, _PR_SET_NO_NEW_PRIVS = 1, 4, 15, 16, 38
# What C libraries ask of a descriptor: is it a terminal, how much waits, close on exec, do not block.
_IOCTLS: Final = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# Rights on files that each version of Landlock knows; from 4 also TCP, from 6 abstract sockets and signals.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16}

# Libraries, fonts and time zones. A path that does not exist is left out.
_SYSTEM: Final = (
    *("/usr", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/mime.types"),
    *("/dev/null", "/dev/urandom"),
)


def confine(readable: Iterable[Path] = ()) -> None:
    """Give up all that reading a file does not need; only our code, libraries and `readable` stay to be read.

    Call it while the process has one thread. Nothing can undo it. What this kernel lacks is left out.
    """
    if not _machine():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _drop_capabilities(libc)
    if landlock_version():
        _landlock(libc, [*_our_own(), *map(Path, _SYSTEM), *readable])
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _seccomp(libc)


def die_with(parent: int) -> None:
    """End this process when the thread of process `parent` that started it ends, at once if that is over."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


@cache
def missing() -> tuple[str, ...]:
    """What this system lacks for full confinement, in words for its operator; empty if all holds."""
    if not _machine():
        return ("seccomp and Landlock are not available here: files are parsed under limits on memory and time only",)
    lacks = []
    if not _has_seccomp():
        lacks.append("this kernel has no seccomp filters: a parser can open connections and start programs")
    if not landlock_version():
        lacks.append("this kernel has no Landlock: a parser can read the files that its user can read")
    return tuple(lacks)


def landlock_version() -> int:
    """The version of Landlock that this kernel offers, 0 if none."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def _machine() -> tuple[int, int, int, int] | None:
    return _MACHINES.get(platform.machine()) if sys.platform == "linux" else None


def _has_seccomp() -> bool:
    """Whether the kernel knows the answer "error number" to a system call (SECCOMP_GET_ACTION_AVAIL)."""
    machine = _machine()
    action = ctypes.byref(ctypes.c_uint32(_ERRNO))
    return machine is not None and ctypes.CDLL(None).syscall(machine[2], 2, 0, action) == 0


def _our_own() -> Iterator[Path]:
    """Where the interpreter, its packages and our own code lie; not the checkout's root, which may hold data."""
    yield from (Path(sys.prefix), Path(sys.base_prefix), _ROOT / "gpts", _ROOT / "workers")
    yield from (Path(each) for each in sys.path if Path(each).name in ("site-packages", "dist-packages"))


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Let root be as weak as an ordinary user; for an ordinary user this changes nothing."""
    machine = _machine()
    assert machine is not None
    # _LINUX_CAPABILITY_VERSION_3 for this process, and no bits in its two sets of three words.
    header, data = struct.pack("Ii", 0x20080522, 0), bytes(24)
    libc.syscall(machine[3], header, data)


def _landlock(libc: ctypes.CDLL, readable: Iterable[Path]) -> None:
    version = min(6, landlock_version())
    rights = (1 << _FILE_RIGHTS[version]) - 1
    # struct landlock_ruleset_attr: rights on files, on TCP (bind, connect), scope (abstract sockets, signals).
    attributes = struct.pack("QQQ", rights, 3, 3)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for path in readable:
        _allow_reading(libc, ruleset, path)
    if libc.syscall(_LANDLOCK_RESTRICT, ruleset, ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(ruleset)


def _allow_reading(libc: ctypes.CDLL, ruleset: int, path: Path) -> None:
    """Let everything beneath `path` be read; a path that is missing or closed to us adds nothing."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
    # struct landlock_path_beneath_attr is packed.
    rule = struct.pack("=Qi", rights, descriptor)
    failed = libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, ctypes.c_uint32(0))
    os.close(descriptor)
    if failed:
        raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")


def _seccomp(libc: ctypes.CDLL) -> None:
    """Install the filter for all threads (SECCOMP_SET_MODE_FILTER with TSYNC)."""
    machine = _machine()
    assert machine is not None
    program = b"".join(_program(*machine[:2], os.getpid()))
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, padding, and where they are.
    filter_ = struct.pack("H6xQ", len(program) // 8, ctypes.addressof(buffer))
    if libc.syscall(machine[2], 1, 1, filter_) and _has_seccomp():
        raise OSError(ctypes.get_errno(), "seccomp")


def _program(column: int, arch: int, pid: int) -> Iterator[bytes]:
    """The filter's instructions: kill foreign machines, deny by number, look at arguments, allow the rest."""
    yield from (_step(_LOAD, _ARCH), _step(_EQUAL, arch, 1, 0), _step(_RETURN, _KILL))
    yield _step(_LOAD, _NR)
    # Numbers from 2^30 are x86_64's second table (x32), through which every call has another number.
    yield from (_step(_GREATER_EQUAL, 1 << 30, 0, 1), _step(_RETURN, _KILL))
    yield from (_step(_GREATER, LAST, 0, 1), _fail(errno.ENOSYS))
    for numbers in DENIED.values():
        if (number := numbers[column]) is not None:
            yield from (_step(_EQUAL, number, 0, 1), _fail(errno.EPERM))
    for name, rule in _rules(pid).items():
        if (number := LIMITED[name][column]) is not None:
            yield from (_step(_EQUAL, number, 0, len(rule)), *rule)
    yield _step(_RETURN, _ALLOW)


def _rules(pid: int) -> dict[str, list[bytes]]:
    """What decides about each call of LIMITED by its arguments; each list ends by returning."""
    allow, deny, absent = _step(_RETURN, _ALLOW), _fail(errno.EPERM), _fail(errno.ENOSYS)
    itself = [_argument(0), _step(_EQUAL, pid, 0, 1), allow, deny]
    return {
        "clone": [
            _argument(0),
            *(_step(_ANY_BIT, _CLONE_NAMESPACES, 0, 1), deny),
            *(_step(_ANY_BIT, _CLONE_THREAD, 0, 1), allow, deny),
        ],
        # glibc falls back on clone, whose flags can be seen.
        "clone3": [absent],
        "kill": itself,
        "tgkill": itself,
        "tkill": [deny],
        # Asking is allowed, setting is not.
        "prlimit64": [
            *(_argument(2), _step(_EQUAL, 0, 1, 0), deny, _argument(2, high=True), _step(_EQUAL, 0, 1, 0), deny),
            *(_argument(0), _step(_EQUAL, 0, 1, 0), _step(_EQUAL, pid, 0, 1), allow, deny),
        ],
        "prctl": _one_of(0, (_PR_SET_NAME, _PR_GET_NAME), deny),
        "ioctl": _one_of(1, _IOCTLS, _fail(errno.ENOTTY)),
        "open": [_argument(1), _step(_ANY_BIT, _O_CHANGING, 0, 1), _fail(errno.EACCES), allow],
        "openat": [_argument(2), _step(_ANY_BIT, _O_CHANGING, 0, 1), _fail(errno.EACCES), allow],
        "openat2": [absent],
    }


def _one_of(argument: int, values: Iterable[int], otherwise: bytes) -> list[bytes]:
    """Allow the call if its argument is one of `values`."""
    steps = [_argument(argument)]
    for value in values:
        steps += [_step(_EQUAL, value, 0, 1), _step(_RETURN, _ALLOW)]
    return [*steps, otherwise]


def _argument(number: int, high: bool = False) -> bytes:
    return _step(_LOAD, _ARGS + 8 * number + 4 * high)


def _fail(number: int) -> bytes:
    return _step(_RETURN, _ERRNO | number)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """A struct sock_filter; the jumps count the instructions that are skipped."""
    return struct.pack("HBBI", code, if_true, if_false, value)
