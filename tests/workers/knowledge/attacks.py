"""What a parser that a file has taken over might try; each runs in the child and gives b"held" or what it got."""

import ctypes
import os
import platform
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

HELD = b"held"


def _try(attack: Callable[[], object]) -> bytes:
    """ "held" if the attack raises an error of the system, else what came of it."""
    try:
        return f"got {attack()!r}"[:200].encode()
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return HELD


def family(data: bytes, number: int, kind: int) -> bytes:
    return _try(lambda: socket.socket(number, kind))


def pair(data: bytes) -> bytes:
    return _try(socket.socketpair)


def tcp(data: bytes, port: int) -> bytes:
    return _try(lambda: socket.create_connection(("127.0.0.1", port), 1))


def dns(data: bytes) -> bytes:
    return _try(lambda: socket.getaddrinfo("localhost.example.com", 80))


def read(data: bytes, path: str) -> bytes:
    return _try(lambda: Path(path).read_bytes())


def list_folder(data: bytes, path: str) -> bytes:
    return _try(lambda: os.listdir(path))


def write(data: bytes, path: str) -> bytes:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return _try(lambda: os.open(path, os.O_WRONLY | os.O_CREAT))


def append(data: bytes, path: str) -> bytes:
    return _try(lambda: os.open(path, os.O_RDWR | os.O_APPEND))


def unlink(data: bytes, path: str) -> bytes:
    return _try(lambda: os.unlink(path))


def make_folder(data: bytes, path: str) -> bytes:
    return _try(lambda: os.mkdir(path + "-folder"))


def change_mode(data: bytes, path: str) -> bytes:
    return _try(lambda: os.chmod(path, 0o777))


def truncate(data: bytes, path: str) -> bytes:
    return _try(lambda: os.truncate(path, 0))


def fork(data: bytes) -> bytes:
    return _try(os.fork)


def run(data: bytes) -> bytes:
    return _try(lambda: subprocess.run(["/bin/true"], check=True))


def spawn(data: bytes) -> bytes:
    return _try(lambda: os.posix_spawn("/bin/true", ["true"], {}))


def replace_itself(data: bytes) -> bytes:
    return _try(lambda: os.execv("/bin/true", ["true"]))


def kill(data: bytes, pid: int) -> bytes:
    return _try(lambda: os.kill(pid, signal.SIGKILL))


def kill_all(data: bytes) -> bytes:
    return _try(lambda: os.kill(-1, signal.SIGCONT))


def outlive(data: bytes) -> bytes:
    return _call(157, 167, 1, 0)


def raise_limits(data: bytes) -> bytes:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        return HELD
    return b"got memory"


def thread(data: bytes) -> bytes:
    """Not an attack: libraries may start threads."""
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()
    return b"started"


def system_call(data: bytes, on_x86: int, on_arm: int) -> bytes:
    return _call(on_x86, on_arm, 0, 0, 0, 0)


def _call(on_x86: int, on_arm: int, *args: int) -> bytes:
    libc = ctypes.CDLL(None, use_errno=True)
    number = on_x86 if platform.machine() == "x86_64" else on_arm
    got = libc.syscall(number, *(ctypes.c_long(each) for each in args))
    failed = got == -1 and ctypes.get_errno() in (1, 38)
    return HELD if failed else f"got {got} errno {ctypes.get_errno()}".encode()


def leftovers(data: bytes) -> bytes:
    """The descriptors that are open besides those that the child itself uses."""
    found = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(str(number))
    return " ".join(found).encode()
