"""Landlock (kernel 5.13 and later): restricts this process to the files below given folders."""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from workers.confinement.machine import libc

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# Write, remove folders and files, make folders and files, move between folders (2), truncate (3). Not included:
# running programs and making links, devices, sockets and pipes.
_CHANGE: Final = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
# How many rights on files each version of Landlock has; from 4 also TCP, from 6 abstract sockets and signals.
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16}


def version() -> int:
    """The version of Landlock that this kernel offers, 0 if none."""
    return max(0, int(libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def restrict(readable: Iterable[Path], writable: Iterable[Path] = ()) -> None:
    """Restrict this thread and its children to these folders and files; no TCP, no signals to processes outside.

    Irreversible. Raises OSError where the kernel refuses.
    """
    known = min(6, version())
    rights = (1 << _FILE_RIGHTS[known]) - 1
    # struct landlock_ruleset_attr: rights on files, on TCP (bind, connect), scope (abstract sockets, signals).
    attributes = struct.pack("QQQ", rights, 3, 3)[: 8 if known < 4 else 16 if known < 6 else 24]
    ruleset = libc().syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for path in readable:
        _allow(ruleset, path, _READ_FILE | _READ_DIR)
    for path in writable:
        _allow(ruleset, path, rights & (_CHANGE | _READ_FILE | _READ_DIR))
    if libc().syscall(_RESTRICT, ruleset, ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Grant `rights` on everything below `path`; a missing or inaccessible path adds nothing."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not path.is_dir():
        rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
    # struct landlock_path_beneath_attr is packed.
    rule = struct.pack("=Qi", rights, descriptor)
    failed = libc().syscall(_ADD, ruleset, 1, rule, ctypes.c_uint32(0))
    os.close(descriptor)
    if failed:
        raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
