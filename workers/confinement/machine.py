"""What this kernel offers, and the small calls to it that the standard library lacks."""

import ctypes
import os
import platform
import struct
import sys
from dataclasses import dataclass
from typing import Final

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PR_SET_SECUREBITS: Final = 28
# Root is nobody special, and that is locked: SECBIT_NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE and the locks.
_SECURE_BITS: Final = 0xEF


@dataclass(frozen=True, slots=True)
class Machine:
    """Column of the tables of system calls, AUDIT_ARCH, and the numbers of seccomp() and capset()."""

    column: int
    arch: int
    seccomp: int
    capset: int


_MACHINES: Final = {"x86_64": Machine(0, 0xC000003E, 317, 126), "aarch64": Machine(1, 0xC00000B7, 277, 91)}


def machine() -> Machine | None:
    """This machine as its kernel sees it; None where the walls are not known."""
    return _MACHINES.get(platform.machine()) if sys.platform == "linux" else None


def libc() -> ctypes.CDLL:
    """The C library, keeping errno for `ctypes.get_errno`."""
    return ctypes.CDLL(None, use_errno=True)


def forbid_new_privileges() -> None:
    """No program that this process starts gains rights by being set-uid. Both walls need it."""
    libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def hide_from_others() -> None:
    """Other processes of the same user can neither trace this one nor read its memory and environment."""
    libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def drop_capabilities() -> None:
    """Let root be as weak as an ordinary user; for an ordinary user this changes nothing."""
    here = machine()
    assert here is not None
    libc().prctl(_PR_SET_SECUREBITS, _SECURE_BITS, 0, 0, 0)
    # _LINUX_CAPABILITY_VERSION_3 for this process, and no bits in its two sets of three words.
    header, data = struct.pack("Ii", 0x20080522, 0), bytes(24)
    libc().syscall(here.capset, header, data)


def die_with(parent: int) -> None:
    """End this process when the thread of process `parent` that started it ends, at once if that is over."""
    if sys.platform == "linux":
        libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
