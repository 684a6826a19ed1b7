"""Finds the strongest backend that withstands the attacks: each is tried before it may run code for anybody."""

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
from workers.sandbox.session import Watch
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import Settings

logger = logging.getLogger(__name__)

_SESSION: Final = "self-check"
# What the first chart of a session would otherwise find out again: 0.5 s or more, by the number of fonts.
_FIND_FONTS: Final = """
import os, shutil, pathlib, matplotlib.font_manager
for each in pathlib.Path(os.environ["MPLCONFIGDIR"]).glob("fontlist-*.json"): shutil.copyfile(each, each.name)
"""


def open_sessions(settings: Settings) -> tuple[Sessions | None, str, str]:
    """The sessions, the backend's name and nothing; or None, nothing and why no code can be run here."""
    if settings.backend == "off":
        return None, "", "It is turned off on this site."
    if settings.backend not in {"auto", *BACKENDS}:
        return None, "", f"SANDBOX={settings.backend} is none of auto, {', '.join(BACKENDS)}, off."
    reasons = []
    for name in BACKENDS if settings.backend == "auto" else [settings.backend]:
        backend = BACKENDS[name](settings)
        sessions, reason = _opened(settings, backend)
        if sessions is not None:
            return sessions, name, ""
        logger.warning("code is not run with %s: %s", name, reason)
        reasons.append(f"{name}: {reason}")
    return None, "", f"Code can't be sandboxed on this machine ({'; '.join(reasons)})."


def _opened(settings: Settings, backend: Backend) -> tuple[Sessions | None, str]:
    if reason := backend.unavailable():
        return None, reason
    sessions = Sessions(settings, backend)
    reason = unheld(settings, sessions)
    if reason:
        sessions.close()
        return None, reason
    _keep_fonts(sessions)
    return sessions, ""


def unheld(settings: Settings, sessions: Sessions) -> str:
    """Which attacks succeed, as a sentence; empty if none does."""
    source = Path(attacks.__file__).read_text()
    try:
        with victims(settings) as told:
            code = f"{source}\nimport json; print(json.dumps(attempt({told!r})))"
            try:
                outcome = sessions.run(_SESSION, code, {}, settings.limits.wall_s, Watch())
            finally:
                # Before the victims are ended: a kernel that could trace one would keep it from ending.
                sessions.end(_SESSION)
        if outcome.error:
            return f"its check failed: {outcome.error.splitlines()[-1]}"
        got = json.loads(outcome.printed)
    except (SandboxError, ValueError, OSError) as error:
        return f"its check failed: {error}"
    return f"its walls do not hold {', '.join(f'{name} ({what})' for name, what in got.items())}" if got else ""


@contextmanager
def victims(settings: Settings) -> Iterator[Victims]:
    """Things to attack, made for the purpose: a secret, servers, a process, a name in our environment."""
    home = settings.home
    with tempfile.TemporaryDirectory(dir=home) as folder, socket.create_server(("127.0.0.1", 0)) as tcp:
        (secret := Path(folder) / "secret").write_text("planted")
        # Everybody may read it, were there no walls.
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
    """Let a kernel find the fonts once and keep its list for all others; charts work without it, only later."""
    with suppress(SandboxError, OSError):
        for old in sessions.fonts.iterdir():
            old.unlink()
        outcome = sessions.run(_SESSION, _FIND_FONTS, {}, 30, Watch())
        for each in outcome.artefacts:
            (sessions.fonts / each.name).write_bytes(each.content)
        sessions.end(_SESSION)
