"""All sessions of the service: starts, finds, limits and ends them.

A session's name is that of its person and its conversation, as `person/conversation`. A person who wants more than
they may have loses their own oldest, and nobody else's.
"""

import hashlib
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from workers.sandbox import folders
from workers.sandbox.backends import Backend
from workers.sandbox.errors import Busy, TooManyOfOwn
from workers.sandbox.running import Running, SessionPlace
from workers.sandbox.session import NO_TERMS, Callbacks, CodeResult, CodeSession, CodeTerms
from workers.sandbox.settings import SandboxSettings

# The first user id that root gives to sessions; no system package uses these (Debian policy 9.2.2).
FIRST_UID: Final = 61_000
# How many conversations' files are kept, each up to the disk limit, and for how long after the last call.
_MAX_KEPT: Final = 64
_KEPT_S: Final = 24 * 3600.0


class Sessions:
    """See the module. Thread-safe."""

    def __init__(self, settings: SandboxSettings, backend: Backend) -> None:
        self._settings, self._backend = settings, backend
        self._sessions: dict[str, CodeSession] = {}
        self._lock = threading.Lock()
        self._n_created = 0
        # A kernel ends with the thread that started it, hence one that lives as long as the service.
        self._starter = ThreadPoolExecutor(1, "starter")
        self.root = _make_root(settings.home)
        self.fonts = settings.home / "sandbox" / "fonts"
        self.fonts.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        name: str,
        code: str,
        files: Mapping[str, bytes],
        wall_s: float,
        callbacks: Callbacks,
        terms: CodeTerms = NO_TERMS,
    ) -> CodeResult:
        """Run code in the session of this name. Raises SandboxError."""
        with self._locked(name, terms.n_sessions) as session:
            return session.run(code, files, wall_s, callbacks, terms.label)

    def n_live(self) -> dict[str, int]:
        """How many sessions with a kernel each person has."""
        return Counter(_person(name) for name, session in list(self._sessions.items()) if session.live)

    def end(self, name: str) -> None:
        """End a session and remove its files."""
        with self._lock:
            session = self._sessions.pop(name, None)
        if session is not None:
            with session.lock:
                session.close()

    def tidy(self) -> None:
        """End kernels that have been idle too long, and remove sessions unused for a day or beyond the limit."""
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
        while len(self._sessions) > _MAX_KEPT:
            n_kept = Counter(map(_person, list(self._sessions)))
            self.end(max(self._oldest(), key=lambda name: n_kept[_person(name)]))  # the oldest of those who keep most

    def close(self) -> None:
        """End all sessions and remove all files."""
        for name in list(self._sessions):
            self.end(name)
        self._starter.shutdown()
        folders.remove(self.root)

    @contextmanager
    def _locked(self, name: str, n_own: int | None) -> Iterator[CodeSession]:
        """The session, locked for one call of a person who may have `n_own`. Raises Busy, TooManyOfOwn."""
        with self._lock:
            session = self._sessions.get(name) or self._new(name)
            self._sessions[name] = session
            if not session.live:
                self._make_room(name, n_own)
            # Waiting for an earlier call of this conversation must not block all the others.
            is_locked = session.lock.acquire(blocking=False)
        if not is_locked and not session.lock.acquire(timeout=self._settings.limits.wall_s + 5):
            raise Busy
        try:
            yield session
        finally:
            session.lock.release()

    def _make_room(self, name: str, n_own: int | None) -> None:
        """Keep the numbers of kernels, of the person and of all, within the limits by ending those idle longest.

        Raises TooManyOfOwn or Busy if none is idle.
        """
        if n_own is not None:
            own = [each for each in self._sessions if _person(each) == _person(name)]
            if self._n_busy(own) >= n_own:
                raise TooManyOfOwn
            self._end_idle(name, own, n_own)
        if self._n_busy(self._sessions) >= self._settings.n_sessions:
            raise Busy
        self._end_idle(name, self._sessions, self._settings.n_sessions)

    def _n_busy(self, names: Iterable[str]) -> int:
        return sum(self._sessions[each].lock.locked() for each in names)

    def _end_idle(self, name: str, names: Collection[str], most: int) -> None:
        """End the oldest kernels among `names` so that, with that of `name`, there are `most`."""
        live = [each for each in self._oldest() if each in names and each != name and self._sessions[each].live]
        for each in live[: max(0, len(live) - most + 1)]:
            session = self._sessions[each]
            if session.lock.acquire(blocking=False):
                session.end()
                session.lock.release()

    def _oldest(self) -> list[str]:
        return sorted(self._sessions, key=lambda name: self._sessions[name].used_at)

    def _new(self, name: str) -> CodeSession:
        """A session without a kernel yet."""
        number, self._n_created = self._n_created, self._n_created + 1
        folder = self.root / f"{number}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        # User ids repeat after many more sessions than are kept.
        uid = FIRST_UID + number % 1_000 if self._backend.own_user else None
        place = SessionPlace(folder / "files", folder / "tmp", uid, self._settings.limits)
        return CodeSession(place, self._start, self.fonts)

    def _start(self, place: SessionPlace) -> Running:
        return self._starter.submit(self._backend.start, place).result()


def _person(name: str) -> str:
    return name.partition("/")[0]


def _make_root(home: Path) -> Path:
    """A new folder for files of sessions, which their users can pass through; that of an earlier service is removed.

    It is outside the state directory, which other users must not reach.
    """
    noted = home / "run" / "sandbox.folder"
    noted.parent.mkdir(parents=True, exist_ok=True)
    old = Path(noted.read_text()) if noted.exists() else None
    if old and old.name.startswith("guildhall-sandbox-") and _is_own_folder(old):
        folders.remove(old)
    root = Path(tempfile.mkdtemp(prefix="guildhall-sandbox-")).resolve()
    root.chmod(0o711)
    noted.write_text(str(root))
    return root


def _is_own_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.geteuid()
