"""One conversation's kernel and files: runs one call at a time, watches it, and ends it if necessary."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any, Final

from workers.sandbox import folders
from workers.sandbox.errors import CodeTooLong, SandboxError, TooManyFiles
from workers.sandbox.folders import Artefact, TooMuch
from workers.sandbox.frames import COMPLAINED, PRINTED, RESULT, Frames, Malformed, words
from workers.sandbox.running import Running, SessionPlace

# How often a running call is looked at, and how long code may take to end after an interruption.
TICK_S: Final = 0.05
GRACE_S: Final = 1.0
START_S: Final = 20.0
_MAX_FRAME: Final = 4 << 20

GONE: Final = "Variables and imports of earlier calls are gone. The files are still there."
STOPPED: Final = "The code was stopped."
_TOO_MUCH_DISK: Final = (
    "The code wrote more than {} MB or {} files. It was ended, and all variables and files of this conversation's "
    "sandbox are gone."
)


@dataclass(slots=True)
class Outcome:
    """What a call gave. `error` is a trimmed traceback or a sentence; `notes` are for whoever reads the result."""

    printed: str = ""
    complained: str = ""
    value: str = ""
    markdown: str = ""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    artefacts: list[Artefact] = field(default_factory=list)
    ended: bool = False  # the kernel had to be ended

    def told(self) -> dict[str, Any]:
        """Everything but the files' content, for JSON."""
        names = ("printed", "complained", "value", "markdown", "error", "notes")
        return {name: getattr(self, name) for name in names} | {"files": [each.name for each in self.artefacts]}


@dataclass(frozen=True, slots=True)
class Watch:
    """The caller's callbacks: `stopped` is whether it is no longer wanted, `heard` receives what the code prints."""

    stopped: Callable[[], bool] = lambda: False
    heard: Callable[[str], None] = lambda text: None


class Session:
    """See the module. Calls are serialised by `lock`, which the keeper of sessions takes too to end one."""

    def __init__(self, place: SessionPlace, start: Callable[[SessionPlace], Running], fonts: Path) -> None:
        self._place, self._start, self._fonts = place, start, fonts
        self._running: Running | None = None
        self._given: dict[str, str] = {}
        self._had_kernel = False
        self.lock = threading.Lock()
        self.used_at = time.monotonic()

    @property
    def live(self) -> bool:
        """Whether a kernel is up, which takes memory."""
        return self._running is not None

    def run(self, code: str, files: Mapping[str, bytes], wall_s: float, watch: Watch) -> Outcome:
        """Put in the files that are new, run the code, take out what it made. Raises SandboxError."""
        if len(code.encode("utf-8", "replace")) > self._place.limits.code_bytes:
            raise CodeTooLong
        outcome = Outcome()
        kernel = self._kernel(outcome)
        try:
            self._put_in(files)
            before = folders.snapshot(self._place.files, self._place.limits)
            kernel.resume()
            _Call(kernel, self._place, outcome, min(wall_s, self._place.limits.wall_s), watch).run(code)
            kernel.pause()
            outcome.artefacts, left_out = folders.made_since(self._place.files, before, self._place.limits)
            outcome.notes += left_out
        except TooMuch:
            limits = self._place.limits
            outcome.error = _TOO_MUCH_DISK.format(limits.disk_bytes >> 20, limits.n_entries)
            self.close()
            self._had_kernel = False
        finally:
            self.used_at = time.monotonic()
            if outcome.ended:
                self.end()
        return outcome

    def end(self) -> None:
        """End the kernel; the files stay."""
        if self._running is not None:
            self._running.kill()
            self._running = None

    def close(self) -> None:
        """End the kernel and remove the files."""
        self.end()
        self._given.clear()
        folders.remove(self._place.files.parent)

    def _kernel(self, outcome: Outcome) -> Running:
        """The kernel of the last call, or a new one; if variables were lost, `outcome` says so."""
        if self._running is not None and self._running.alive():
            return self._running
        self.end()
        if self._had_kernel:
            outcome.notes.append(GONE)
        self._make_folders()
        try:
            self._running = self._start(self._place)
            _Call(self._running, self._place, Outcome(), START_S, Watch()).await_result()
        except (OSError, Ended) as error:
            self.end()
            raise SandboxError("The sandbox couldn't start. The error was logged.") from error
        self._had_kernel = True
        return self._running

    def _make_folders(self) -> None:
        """The session's folders; temporary files of an earlier kernel go, and known fonts come."""
        folders.remove(self._place.tmp)
        self._place.files.parent.mkdir(parents=True, mode=0o711, exist_ok=True)
        os.chmod(self._place.files.parent, 0o711)  # noqa: S103  # the session's user goes through it
        known = self._place.tmp / "matplotlib"
        for folder in (self._place.files, self._place.tmp, known):
            folders.make(folder, self._place.uid)
        for path in self._fonts.glob("fontlist-*.json"):
            folders.put(known, path.name, path.read_bytes(), self._place.uid)

    def _put_in(self, files: Mapping[str, bytes]) -> None:
        """Write what was not given yet; what code changed since stays as it is. Raises TooManyFiles."""
        limits = self._place.limits
        if len(files) > limits.n_artefacts or sum(map(len, files.values())) > limits.disk_bytes // 2:
            raise TooManyFiles
        taken: set[str] = set()
        for name, content in files.items():
            name = folders.safe_name(name, taken)
            taken.add(name)
            digest = hashlib.sha256(content).hexdigest()
            if self._given.get(name) != digest:
                folders.put(self._place.files, name, content, self._place.uid)
                self._given[name] = digest


class Ended(Exception):
    """The kernel ended, or does not keep to the format."""


class _Call:
    """One request to the kernel and its output until the result. Raises Ended, TooMuch."""

    def __init__(self, kernel: Running, place: SessionPlace, outcome: Outcome, wall_s: float, watch: Watch) -> None:
        self._kernel, self._place, self._outcome, self._watch = kernel, place, outcome, watch
        self._frames = Frames(_MAX_FRAME)
        self._wall_s, self._begun = wall_s, time.monotonic()
        self._ticked = 0.0
        self._disk_due = 0.0
        self._interrupted: float | None = None
        self._why = STOPPED
        usage = kernel.usage()
        self._cpu_before = usage.cpu_s if usage else 0.0
        self._n_heard = 0

    def run(self, code: str) -> None:
        """Send the code and read its output; errors are in the outcome."""
        try:
            self._send(words(code=code))
            self._take_result(self.await_result())
        except Ended as reason:
            self._outcome.ended = True
            self._outcome.error = self._outcome.error or str(reason)
            self._outcome.notes.append(GONE)
        folders.check_size(self._place.files.parent, self._place.limits)

    def await_result(self) -> bytes:
        """The payload of the result; what is printed before goes to the outcome."""
        with DefaultSelector() as ready:
            ready.register(self._kernel.stdout, EVENT_READ)
            while True:
                found = ready.select(TICK_S)
                self._look()
                for kind, payload in self._read() if found else ():
                    if kind == RESULT:
                        return payload
                    self._hear(kind, payload)

    def _send(self, data: bytes) -> None:
        """Write the request without waiting for ever for a kernel that does not read."""
        left = memoryview(data)
        with DefaultSelector() as ready:
            ready.register(self._kernel.stdin, EVENT_WRITE)
            while left:
                ready.select(TICK_S)
                self._look()
                try:
                    left = left[os.write(self._kernel.stdin.fileno(), left) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise Ended(self._died()) from None

    def _read(self) -> list[tuple[bytes, bytes]]:
        try:
            data = os.read(self._kernel.stdout.fileno(), 1 << 18)
        except BlockingIOError:
            return []
        if not data:
            raise Ended(self._died())
        try:
            return list(self._frames.feed(data))
        except Malformed:
            raise Ended("The code crashed its process.") from None

    def _died(self) -> str:
        return "The code's process ended. It may have used too much memory."

    def _hear(self, kind: bytes, payload: bytes) -> None:
        """Keep what was printed, up to the limit: a kernel that was taken over may send more."""
        self._n_heard += len(payload)
        if self._n_heard > 2 * self._place.limits.output_bytes:
            raise Ended("The code printed too much.")
        text = payload.decode("utf-8", "replace")
        if kind == PRINTED:
            self._outcome.printed += text
            self._watch.heard(text)
        elif kind == COMPLAINED:
            self._outcome.complained += text
        else:
            raise Ended("The code crashed its process.")

    def _take_result(self, payload: bytes) -> None:
        try:
            told = json.loads(payload)
            for name in ("value", "markdown", "error"):
                setattr(self._outcome, name, str(told.get(name, ""))[:40_000])
        except (ValueError, AttributeError, RecursionError):
            raise Ended("The code crashed its process.") from None
        if self._interrupted is not None:
            self._outcome.error = self._why

    def _look(self) -> None:
        """Twenty times a second: if the call uses too much or is unwanted, interrupt it, then end it."""
        now = time.monotonic()
        if now - self._ticked < TICK_S:
            return
        self._ticked = now
        usage = self._kernel.usage()
        if usage is None:
            return  # what it said before it ended is still read
        limits = self._place.limits
        if usage.memory_bytes > limits.memory_bytes * 1.25:
            raise Ended(f"The code used more than {limits.memory_bytes >> 20} MB of memory.")
        if usage.n_threads > limits.n_threads:
            raise Ended(f"The code started more than {limits.n_threads} threads.")
        self._look_at_disk(now)
        self._stop_if_due(now, usage.cpu_s - self._cpu_before)

    def _look_at_disk(self, now: float) -> None:
        """Looking takes time where there is much to see, so it takes at most a tenth of all."""
        if now < self._disk_due:
            return
        folders.check_size(self._place.files.parent, self._place.limits)
        self._disk_due = time.monotonic() + 10 * (time.monotonic() - now)

    def _stop_if_due(self, now: float, cpu_s: float) -> None:
        if self._interrupted is not None:
            if now - self._interrupted > GRACE_S:
                raise Ended(self._why)
            return
        if self._watch.stopped():
            self._why = STOPPED
        elif now - self._begun > self._wall_s:
            self._why = f"The code took longer than {self._wall_s:g} s and was stopped."
        elif cpu_s > self._place.limits.cpu_s:
            self._why = f"The code used more than {self._place.limits.cpu_s:g} s of processor time and was stopped."
        else:
            return
        self._interrupted = now
        self._kernel.interrupt()
