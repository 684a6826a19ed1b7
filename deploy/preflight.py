"""Checks made before anything is installed or started. Each failure is one sentence that says what to do."""

import fcntl
import hashlib
import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

# The kernel limits a socket's path to 108 bytes with the final zero (unix(7)); leaves room for temporary names.
MAX_SOCKET_PATH_BYTES = 100
# With PyTorch's CUDA libraries .venv holds 5.4 GB (measured 2026-11), unpacked from 2.5 GB of files; without, 1.2 GB.
INSTALL_BYTES = 8_000_000_000
RUN_BYTES = 500_000_000


class CannotStart(Exception):
    """Guildhall cannot start; the message explains why to the operator."""


def read_port(text: str, setting: str = "PORT") -> int:
    """The port in the setting."""
    if text.isdecimal() and 0 < int(text) < 65536:
        return int(text)
    raise CannotStart(f"{setting} must be a number from 1 to 65535, not {text!r}.")


def require_free_port(port: int, setting: str = "PORT") -> None:
    """Raises CannotStart when another program listens on the port, or when it must not be opened."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotStart(
                f"Port {port} needs administrator rights. Choose one above 1023, as {setting}=8000."
            ) from None
        except OSError:
            raise CannotStart(
                f"Port {port} is in use by another program. Choose another one: {setting}={port + 1} ./deploy/up"
            ) from None


def require_writable_home(home: Path) -> None:
    """Makes the state directory with `run` and `log`, private to its owner. Raises CannotStart if it cannot."""
    try:
        for directory in (home, home / "run", home / "log"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=directory):
                pass
    except OSError as error:
        raise CannotStart(
            f"The state directory {home} cannot be written ({error.strerror}). "
            "Set GUILDHALL_HOME to a directory that you own."
        ) from None


def make_private(home: Path) -> list[Path]:
    """Closes everything in the state directory to other users; what belongs to others, which cannot be closed.

    Earlier releases left the database and logs readable, and so do copies. Links are not followed. The fonts of the
    sandbox are for its users.
    """
    others_own = []
    for folder, names, files in os.walk(home):
        names[:] = [name for name in names if Path(folder, name) != home / "sandbox"]
        for path in (Path(folder), *(Path(folder, name) for name in files)):
            facts = path.lstat()
            if facts.st_uid != os.geteuid():
                others_own.append(path)
            elif not stat.S_ISLNK(facts.st_mode) and facts.st_mode & 0o077:
                path.chmod(stat.S_IMODE(facts.st_mode) & 0o700)
    return others_own


def require_disk_space(directory: Path, needed: int, purpose: str) -> None:
    """Raises CannotStart when the disk that holds `directory` has fewer than `needed` bytes free."""
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise CannotStart(
            f"{purpose} needs {needed / 1e9:.1f} GB of free disk space in {directory}; {free / 1e9:.1f} GB are left."
        )


def take_lock(home: Path, port: int) -> int:
    """The descriptor of the lock that reserves `home` for this process until it ends.

    Raises CannotStart when another process holds it.
    """
    descriptor = os.open(home / "run" / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 100).decode()
        os.close(descriptor)
        raise CannotStart(
            f"Guildhall is already running with the state directory {home} ({holder}). "
            "Stop that one first, or choose another GUILDHALL_HOME and PORT."
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()}, port {port}".encode())
    return descriptor


def valkey_socket(home: Path) -> Path:
    """The socket of the embedded Valkey: in `home`, or in a short private directory if that path is too long."""
    path = home / "run" / "valkey.sock"
    if len(os.fsencode(path)) < MAX_SOCKET_PATH_BYTES:
        return path
    name = f"guildhall-{os.getuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    directory = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.getuid():
        raise CannotStart(f"{directory} belongs to someone else. Choose a shorter GUILDHALL_HOME.")
    directory.chmod(0o700)
    return directory / "valkey.sock"
