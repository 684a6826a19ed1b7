"""seccomp filters: a policy lists system calls to deny and rules for calls allowed only with some arguments."""

import ctypes
import errno
import struct
from collections.abc import Iterable, Iterator, Mapping

from workers.confinement.machine import libc, machine
from workers.confinement.syscalls import LAST, Numbers

# Classic BPF (linux/bpf_common.h) and seccomp's return values (linux/seccomp.h).
_LOAD, _EQUAL, _GREATER, _GREATER_EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARGS = 0, 4, 16

# The instructions that decide a call by its arguments; each list ends with a return.
Rule = list[bytes]


def available() -> bool:
    """Whether the kernel supports denying a call with an error number (SECCOMP_GET_ACTION_AVAIL)."""
    here = machine()
    action = ctypes.byref(ctypes.c_uint32(_ERRNO))
    return here is not None and libc().syscall(here.seccomp, 2, 0, action) == 0


def install(denied: Iterable[Numbers], rules: Mapping[Numbers, Rule]) -> None:
    """Filter the calls of all threads from now on (SECCOMP_SET_MODE_FILTER with TSYNC). Irreversible.

    Raises OSError where the kernel supports filters and refuses this one.
    """
    here = machine()
    assert here is not None
    program = b"".join(_program(here.column, here.arch, denied, rules))
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, padding, and their address.
    filter_ = struct.pack("H6xQ", len(program) // 8, ctypes.addressof(buffer))
    if libc().syscall(here.seccomp, 1, 1, filter_) and available():
        raise OSError(ctypes.get_errno(), "seccomp")


def allow() -> bytes:
    """The instruction that lets the call through."""
    return step(_RETURN, _ALLOW)


def fail(number: int = errno.EPERM) -> bytes:
    """The instruction that fails the call with this error; 0 makes it a no-op that appears to succeed."""
    return step(_RETURN, _ERRNO | number)


def one_of(position: int, values: Iterable[int], otherwise: bytes) -> Rule:
    """Allow the call if its argument at `position` is one of `values`."""
    steps = [argument(position)]
    for value in values:
        steps += [step(_EQUAL, value, 0, 1), allow()]
    return [*steps, otherwise]


def unless_any_bit(position: int, bits: int, refused: bytes) -> Rule:
    """Refuse the call if its argument at `position` has any of `bits`; else the next instructions decide."""
    return [argument(position), step(_ANY_BIT, bits, 0, 1), refused]


def only_null(position: int, refused: bytes) -> Rule:
    """Refuse the call if its pointer at `position` is not null; else the next instructions decide."""
    return [
        *(argument(position), step(_EQUAL, 0, 1, 0), refused),
        *(argument(position, high=True), step(_EQUAL, 0, 1, 0), refused),
    ]


def argument(position: int, high: bool = False) -> bytes:
    """The instruction that loads the lower (or upper) half of an argument."""
    return step(_LOAD, _ARGS + 8 * position + 4 * high)


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """A struct sock_filter; each jump is the number of instructions to skip."""
    return struct.pack("HBBI", code, if_true, if_false, value)


def _program(column: int, arch: int, denied: Iterable[Numbers], rules: Mapping[Numbers, Rule]) -> Iterator[bytes]:
    """The filter's instructions: kill foreign architectures, deny by number, check arguments, allow the rest."""
    yield from (step(_LOAD, _ARCH), step(_EQUAL, arch, 1, 0), step(_RETURN, _KILL))
    yield step(_LOAD, _NR)
    # Numbers from 2^30 are x86_64's second table (x32), where every call has another number.
    yield from (step(_GREATER_EQUAL, 1 << 30, 0, 1), step(_RETURN, _KILL))
    yield from (step(_GREATER, LAST, 0, 1), fail(errno.ENOSYS))
    for numbers in denied:
        if (number := numbers[column]) is not None:
            yield from (step(_EQUAL, number, 0, 1), fail())
    for numbers, rule in rules.items():
        if (number := numbers[column]) is not None:
            yield from (step(_EQUAL, number, 0, len(rule)), *rule)
    yield allow()
