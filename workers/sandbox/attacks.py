"""Attacks on the confinement, which the service runs against itself before it serves users.

This file runs unchanged inside a kernel, so it uses the standard library only. Each attack returns what it obtained;
an OSError means that it was blocked.
"""

import ctypes
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Victims = dict[str, Any]


def write_to_the_system(victims: Victims) -> object:
    for folder in (sys.prefix, sys.base_prefix, "/usr", "/etc", "/", victims["home"]):
        try:
            with open(path := f"{folder}/guildhall-was-here-{os.getpid()}", "x"):
                os.unlink(path)
                return folder
        except OSError:
            continue
    raise PermissionError


def connect_to_an_abstract_name(victims: Victims) -> object:
    one = socket.socket(socket.AF_UNIX)
    one.connect("\0" + victims["abstract"])
    return one


def connect_to_a_path(victims: Victims) -> object:
    one = socket.socket(socket.AF_UNIX)
    one.connect(victims["path"])
    return one


def open_odd_sockets(victims: Victims) -> object:
    for family, kind in ((16, 3), (17, 3), (38, 5), (40, 1), (2, 2), (10, 1)):  # netlink, packet, alg, vsock, inet
        try:
            return socket.socket(family, kind)
        except OSError:
            continue
    raise PermissionError


def signal_a_process(victims: Victims) -> object:
    os.kill(victims["pid"], 0)
    return victims["pid"]


def read_a_process(victims: Victims) -> object:
    for pid in (victims["pid"], victims["service"], "self"):
        try:
            return open(f"/proc/{pid}/environ", "rb").read()[:20]
        except OSError:
            continue
    raise PermissionError


def start_a_process(victims: Victims) -> object:
    if (pid := os.fork()) == 0:
        os._exit(0)
    return pid


def call_privileged_functions(victims: Victims) -> object:
    """bpf, perf_event_open, io_uring_setup, userfaultfd, keyctl, memfd_create, mount."""
    for number in ((321, 280), (298, 241), (425, 425), (323, 282), (250, 219), (319, 279), (165, 40)):
        try:
            return _call({"x86_64": number[0], "aarch64": number[1]}, 0, 0)
        except OSError as error:
            if error.errno != 1:
                raise RuntimeError(f"call {number[0]} reached the kernel: {error}") from error
    raise PermissionError


def use_inherited_descriptors(victims: Victims) -> object:
    """Descriptors other than our two pipes and /dev/null."""
    extra = [number for number in range(3, 256) if _is_open(number)]
    return extra[2:] or _blocked()


def raise_the_limits(victims: Victims) -> object:
    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError:
        raise PermissionError from None
    return "raised"


def use_all_memory(victims: Victims) -> object:
    try:
        return len(bytearray(victims["memory"]))
    except MemoryError:
        raise PermissionError from None


def have_capabilities(victims: Victims) -> object:
    header, data = ctypes.create_string_buffer(b"\x22\x05\x08\x20" + bytes(4)), ctypes.create_string_buffer(24)
    _call({"x86_64": 125, "aarch64": 90}, header, data)
    return bytes(data).strip(b"\0") or _blocked()


def attempt(victims: Victims) -> dict[str, str]:
    """What each attack obtained, without those that were blocked."""
    return {name: got for name, each in ATTACKS.items() if (got := _got(each, victims))}


_LONGER = (
    *(write_to_the_system, connect_to_an_abstract_name, connect_to_a_path, open_odd_sockets, signal_a_process),
    *(read_a_process, start_a_process, call_privileged_functions, use_inherited_descriptors, raise_the_limits),
    *(use_all_memory, have_capabilities),
)
ATTACKS: dict[str, Callable[[Victims], object]] = {
    "read_a_secret": lambda victims: Path(victims["secret"]).read_text(),
    "read_the_passwords": lambda victims: Path("/etc/shadow").read_text()[:10],
    "list_the_state_folder": lambda victims: os.listdir(victims["home"]),
    "connect_by_tcp": lambda victims: socket.create_connection(("127.0.0.1", victims["port"]), 1),
    "trace_a_process": lambda victims: _call({"x86_64": 101, "aarch64": 117}, 16, victims["pid"]),
    "start_a_program": lambda victims: subprocess.run(["/bin/true"], check=True),
    "make_a_namespace": lambda victims: _call({"x86_64": 272, "aarch64": 97}, 0x10000000),
    "read_the_environment": lambda victims: os.environ["GUILDHALL_SELF_CHECK"],
    **{each.__name__: each for each in _LONGER},
}


def _got(each: Callable[[Victims], object], victims: Victims) -> str:
    try:
        return repr(each(victims))[:100]
    except (OSError, KeyError, subprocess.SubprocessError):
        return ""
    except RuntimeError as error:
        return str(error)


def _call(numbers: dict[str, int], *arguments: Any) -> int:
    answer = ctypes.CDLL(None, use_errno=True).syscall(numbers[os.uname().machine], *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), "blocked")
    return int(answer)


def _is_open(number: int) -> bool:
    try:
        return not os.path.samestat(os.fstat(number), os.stat(os.devnull))
    except OSError:
        return False


def _blocked() -> object:
    raise PermissionError
