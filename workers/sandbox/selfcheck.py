"""Chooses the strongest backend that withstands the attacks; none runs code for users untested."""

import json
import logging
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from workers.sandbox import attacks
from workers.sandbox.attacks import Victims
from workers.sandbox.backends import BACKENDS, Backend
from workers.sandbox.errors import SandboxError
from workers.sandbox.session import Callbacks
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import SandboxSettings

logger = logging.getLogger(__name__)

_SESSION: Final = "self-check"
# The list of fonts, which the first chart of each session would otherwise take 0.5 s or more to make.
_FIND_FONTS: Final = """
import os, shutil, pathlib, matplotlib.font_manager
for each in pathlib.Path(os.environ["MPLCONFIGDIR"]).glob("fontlist-*.json"): shutil.copyfile(each, each.name)
"""


def open_sessions(settings: SandboxSettings) -> tuple[Sessions | None, str, str]:
    """The sessions, the backend's name and ""; or None, "" and why no code can be run here."""
    if settings.backend == "off":
        return None, "", "It is turned off on this site."
    if settings.backend not in {"auto", *BACKENDS}:
        logger.error("SANDBOX=%s is not one of auto, %s, off", settings.backend, ", ".join(BACKENDS))
        return None, "", "It is not set up correctly on this site."
    reasons = []
    for name in BACKENDS if settings.backend == "auto" else [settings.backend]:
        backend = BACKENDS[name](settings)
        sessions, reason = _opened(settings, backend)
        if sessions is not None:
            return sessions, name, ""
        logger.warning("the sandbox cannot use %s: %s", name, reason)
        reasons.append(f"{name}: {reason}")
    return None, "", f"Code can't be sandboxed on this machine ({'; '.join(reasons)})."


def _opened(settings: SandboxSettings, backend: Backend) -> tuple[Sessions | None, str]:
    if reason := backend.unavailable():
        return None, reason
    sessions = Sessions(settings, backend)
    reason = succeeding_attacks(settings, sessions)
    if reason:
        sessions.close()
        return None, reason
    _keep_fonts(sessions)
    return sessions, ""


def succeeding_attacks(settings: SandboxSettings, sessions: Sessions) -> str:
    """Which attacks succeed, as a sentence; "" if none does."""
    source = Path(attacks.__file__).read_text()
    try:
        with victims(settings) as made:
            code = f"{source}\nimport json; print(json.dumps(attempt({made!r})))"
            try:
                result = sessions.run(_SESSION, code, {}, settings.limits.wall_s, Callbacks())
            finally:
                # Before the victims end, because a kernel that traces one would prevent that.
                sessions.end(_SESSION)
        if result.error:
            return f"its self-check failed: {result.error.splitlines()[-1]}"
        got = json.loads(result.stdout)
    except (SandboxError, ValueError, OSError) as error:
        return f"its self-check failed: {error}"
    return f"these attacks succeed: {', '.join(f'{name} ({what})' for name, what in got.items())}" if got else ""


@contextmanager
def victims(settings: SandboxSettings) -> Iterator[Victims]:
    """Targets for the attacks: a secret, servers, a process, an environment variable."""
    home = settings.home
    with tempfile.TemporaryDirectory(dir=home) as folder, socket.create_server(("127.0.0.1", 0)) as tcp:
        (secret := Path(folder) / "secret").write_text("planted")
        # Only the confinement keeps others from reading it.
        Path(folder).chmod(0o755)
        secret.chmod(0o644)
        abstract, path = f"guildhall-{secrets.token_hex(8)}", f"{folder}/s"
        with _listening("\0" + abstract), _listening(path), _victim() as pid:
            os.environ["GUILDHALL_SELF_CHECK"] = "planted"
            try:
                yield {
                    "secret": str(secret),
                    "home": str(home),
                    "port": tcp.getsockname()[1],
                    "abstract": abstract,
                    "path": path,
                    "pid": pid,
                    "service": os.getpid(),
                    "memory": settings.limits.memory_bytes,
                }
            finally:
                os.environ.pop("GUILDHALL_SELF_CHECK", None)


@contextmanager
def _listening(address: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(1)
        yield


@contextmanager
def _victim() -> Iterator[int]:
    with subprocess.Popen(["/bin/sleep", "60"], env={"TOKEN": "planted"}) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def _keep_fonts(sessions: Sessions) -> None:
    """Let one kernel list the fonts for all others; without the list charts work, but slower."""
    with suppress(SandboxError, OSError):
        for old in sessions.fonts.iterdir():
            old.unlink()
        for each in sessions.run(_SESSION, _FIND_FONTS, {}, 30, Callbacks()).artefacts:
            (sessions.fonts / each.name).write_bytes(each.content)
        sessions.end(_SESSION)
