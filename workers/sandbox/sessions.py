"""All sessions of the service: which kernels are up, which places are free, what has been idle too long."""

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from workers.sandbox import folders
from workers.sandbox.backends import Backend
from workers.sandbox.errors import Busy
from workers.sandbox.running import Running, SessionPlace
from workers.sandbox.session import Outcome, Session, Watch
from workers.sandbox.settings import Settings

# The users that root gives to sessions; no system package uses numbers from here (Debian policy 9.2.2).
FIRST_UID: Final = 61_000
# Files of how many conversations are kept, each up to the disk limit, and for how long after the last call.
_MAX_KEPT: Final = 64
_KEPT_S: Final = 24 * 3600.0


class Sessions:
    """See the module. Safe to use from many threads."""

    def __init__(self, settings: Settings, backend: Backend) -> None:
        self._settings, self._backend = settings, backend
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._n_made = 0
        # A kernel ends with the thread that started it, so this one lives as long as the service.
        self._starter = ThreadPoolExecutor(1, "starter")
        self.root = _make_root(settings.home)
        self.fonts = settings.home / "sandbox" / "fonts"
        self.fonts.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, code: str, files: Mapping[str, bytes], wall_s: float, watch: Watch) -> Outcome:
        """Run code in the session of this name. Raises SandboxError."""
        with self._taken(name) as session:
            return session.run(code, files, wall_s, watch)

    def end(self, name: str) -> None:
        """End a session and remove its files."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            with session.lock:
                session.close()

    def tidy(self) -> None:
        """End kernels that have been idle too long, and forget sessions that nobody has used for a day."""
        now = time.monotonic()
        for name, session in list(self._sessions.items()):
            if not session.lock.acquire(blocking=False):
                continue
            try:
                if now - session.used_at > self._settings.idle_s:
                    session.end()
            finally:
                session.lock.release()
            if now - session.used_at > _KEPT_S:
                self.end(name)
        for name in self._oldest()[: max(0, len(self._sessions) - _MAX_KEPT)]:
            self.end(name)

    def close(self) -> None:
        """End all sessions and remove all files."""
        for name in list(self._sessions):
            self.end(name)
        self._starter.shutdown()
        folders.remove(self.root)

    @contextmanager
    def _taken(self, name: str) -> Iterator[Session]:
        """The session, for one call; a conversation's calls wait for each other. Raises Busy."""
        with self._lock:
            session = self._sessions.get(name) or self._make(name)
            self._sessions[name] = session
            if not session.live:
                self._make_room(name)
            # Within the big lock only if nobody waits: another call of this conversation may take its time.
            free = session.lock.acquire(blocking=False)
        if not free and not session.lock.acquire(timeout=self._settings.limits.wall_s + 5):
            raise Busy
        try:
            yield session
        finally:
            session.lock.release()

    def _make_room(self, name: str) -> None:
        """Keep the number of kernels within the limit: end the one idle longest. Raises Busy if none is idle."""
        up = [each for each in self._oldest() if each != name and self._sessions[each].live]
        n_busy = sum(each.lock.locked() for each in self._sessions.values())
        if n_busy >= self._settings.n_sessions:
            raise Busy
        for each in up[: max(0, len(up) - self._settings.n_sessions + 1)]:
            session = self._sessions[each]
            if session.lock.acquire(blocking=False):
                session.end()
                session.lock.release()

    def _oldest(self) -> list[str]:
        return sorted(self._sessions, key=lambda name: self._sessions[name].used_at)

    def _make(self, name: str) -> Session:
        """A session without a kernel yet, under a number that it shares with no other."""
        number, self._n_made = self._n_made, self._n_made + 1
        folder = self.root / f"{number}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        # Numbers go round after many more sessions than are kept.
        uid = FIRST_UID + number % 1_000 if self._backend.own_user else None
        place = SessionPlace(folder / "files", folder / "tmp", uid, self._settings.limits)
        return Session(place, self._start, self.fonts)

    def _start(self, place: SessionPlace) -> Running:
        return self._starter.submit(self._backend.start, place).result()


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.geteuid()


def _make_root(home: Path) -> Path:
    """A new folder for files of sessions, which their users can go through; what an earlier service left is removed.

    Not in the state directory: other users cannot reach that, and must not.
    """
    noted = home / "run" / "sandbox.folder"
    noted.parent.mkdir(parents=True, exist_ok=True)
    left = Path(noted.read_text()) if noted.exists() else None
    if left and left.name.startswith("guildhall-sandbox-") and _is_ours(left):
        folders.remove(left)
    root = Path(tempfile.mkdtemp(prefix="guildhall-sandbox-")).resolve()
    root.chmod(0o711)
    noted.write_text(str(root))
    return root
