"""What this kernel supports, and system calls that the standard library lacks."""

import ctypes
import os
import platform
import struct
import sys
from dataclasses import dataclass
from typing import Final

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PR_SET_SECUREBITS: Final = 28
# Root has no special rights, irrevocably: SECBIT_NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE and the locks.
_SECURE_BITS: Final = 0xEF


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine's column in the tables of system calls, AUDIT_ARCH, and its numbers of seccomp() and capset()."""

    column: int
    arch: int
    seccomp: int
    capset: int


_MACHINES: Final = {"x86_64": Machine(0, 0xC000003E, 317, 126), "aarch64": Machine(1, 0xC00000B7, 277, 91)}


def machine() -> Machine | None:
    """This machine as its kernel reports it; None for one without confinement here."""
    return _MACHINES.get(platform.machine()) if sys.platform == "linux" else None


def libc() -> ctypes.CDLL:
    """The C library, keeping errno for `ctypes.get_errno`."""
    return ctypes.CDLL(None, use_errno=True)


def forbid_new_privileges() -> None:
    """Prevent started programs from gaining rights by set-uid. seccomp and Landlock both need it."""
    libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def hide_from_others() -> None:
    """Prevent other processes of the same user from tracing this one or reading its memory and environment."""
    libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def drop_capabilities() -> None:
    """Drop root's capabilities; no effect for an ordinary user."""
    here = machine()
    assert here is not None
    libc().prctl(_PR_SET_SECUREBITS, _SECURE_BITS, 0, 0, 0)
    # _LINUX_CAPABILITY_VERSION_3 for this process, and no bits in its two sets of three words.
    header, data = struct.pack("Ii", 0x20080522, 0), bytes(24)
    libc().syscall(here.capset, header, data)


def die_with(parent: int) -> None:
    """End this process when the thread of process `parent` that started it ends, or now if it has ended."""
    if sys.platform == "linux":
        libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
