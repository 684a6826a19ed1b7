"""One conversation's kernel and files: runs one call at a time, monitors it, and ends it if necessary."""

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

from gpts.safety.labels import Label, join
from workers.confinement.frames import RESULT, STDERR, STDOUT, Frames, Malformed, json_frame
from workers.sandbox import folders
from workers.sandbox.errors import CodeTooLong, SandboxError, TooManyFiles
from workers.sandbox.folders import Artefact, FolderTooLarge
from workers.sandbox.running import Running, SessionPlace

# How often a running call is checked, and how long code may take to end after an interruption.
TICK_S: Final = 0.05
GRACE_S: Final = 1.0
START_S: Final = 20.0
_MAX_FRAME: Final = 4 << 20

GONE: Final = "Variables and imports of earlier calls are gone. The files are still there."
STOPPED: Final = "The code was stopped."
_DIED: Final = "The code's process ended. It may have used too much memory."
_CRASHED: Final = "The code crashed its process."
_TOO_MUCH_DISK: Final = (
    "The code wrote more than {} MB or {} files. It was stopped, and all variables and files in this conversation's "
    "sandbox are gone."
)


@dataclass(slots=True)
class CodeResult:
    """The result of a call. `error` is a trimmed traceback or a sentence; `notes` are for people and models.

    `label` is that of everything that ran in the session so far.
    """

    stdout: str = ""
    stderr: str = ""
    value: str = ""
    markdown: str = ""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    artefacts: list[Artefact] = field(default_factory=list)
    kernel_ended: bool = False
    label: Label = field(default_factory=Label)

    def to_json(self) -> dict[str, Any]:
        """Everything but the files' content, as JSON."""
        names = ("stdout", "stderr", "value", "markdown", "error", "notes")
        rest = {"files": [each.name for each in self.artefacts], "label": self.label.model_dump(mode="json")}
        return {name: getattr(self, name) for name in names} | rest


@dataclass(frozen=True, slots=True)
class Callbacks:
    """`is_cancelled`: whether the call is no longer wanted. `on_output` receives what the code prints."""

    is_cancelled: Callable[[], bool] = lambda: False
    on_output: Callable[[str], None] = lambda text: None


@dataclass(frozen=True, slots=True)
class CodeTerms:
    """How code may run: its label and that of files, and how many sessions its person may use at once (None: any)."""

    label: Label = field(default_factory=Label)
    n_sessions: int | None = None


NO_TERMS: Final = CodeTerms()


class CodeSession:
    """See the module. Calls are serialised by `lock`, which `Sessions` also takes to end a session.

    Variables and files stay from call to call, also of runs that failed and that later turns do not see. So `label`,
    joined from all calls, stays as long as they do.
    """

    def __init__(self, place: SessionPlace, start: Callable[[SessionPlace], Running], fonts: Path) -> None:
        self._place, self._start, self._fonts = place, start, fonts
        self._running: Running | None = None
        # The hash of each file that was written, by name.
        self._written: dict[str, str] = {}
        self._had_kernel = False
        self.label = Label()
        self.lock = threading.Lock()
        self.used_at = time.monotonic()

    @property
    def live(self) -> bool:
        """Whether a kernel is running."""
        return self._running is not None

    def run(
        self, code: str, files: Mapping[str, bytes], wall_s: float, callbacks: Callbacks, label: Label
    ) -> CodeResult:
        """Write the files that are new, run the code, collect the files it made. Raises SandboxError.

        `label` is that of the code and the files.
        """
        if len(code.encode("utf-8", "replace")) > self._place.limits.code_bytes:
            raise CodeTooLong
        self.label = join((self.label, label))
        result = CodeResult(label=self.label)
        kernel = self._kernel(result)
        try:
            self._write_new(files)
            before = folders.snapshot(self._place.files, self._place.limits)
            kernel.resume()
            _KernelCall(kernel, self._place, result, min(wall_s, self._place.limits.wall_s), callbacks).run(code)
            kernel.pause()
            result.artefacts, left_out = folders.made_since(self._place.files, before, self._place.limits)
            result.notes += left_out
        except FolderTooLarge:
            limits = self._place.limits
            result.error = _TOO_MUCH_DISK.format(limits.disk_bytes >> 20, limits.n_entries)
            self.close()
            self._had_kernel = False
        finally:
            self.used_at = time.monotonic()
            if result.kernel_ended:
                self.end()
        return result

    def end(self) -> None:
        """End the kernel; the files stay."""
        if self._running is not None:
            self._running.kill()
            self._running = None

    def close(self) -> None:
        """End the kernel and remove the files."""
        self.end()
        self._written.clear()
        self.label = Label()
        folders.remove(self._place.files.parent)

    def _kernel(self, result: CodeResult) -> Running:
        """The kernel of the last call, or a new one; if variables were lost, a note in `result` says so."""
        if self._running is not None and self._running.alive():
            return self._running
        self.end()
        if self._had_kernel:
            result.notes.append(GONE)
        self._make_folders()
        try:
            self._running = self._start(self._place)
            _KernelCall(self._running, self._place, CodeResult(), START_S, Callbacks()).await_result()
        except (OSError, KernelEnded) as error:
            self.end()
            raise SandboxError("The sandbox couldn't start. The error was logged.") from error
        self._had_kernel = True
        return self._running

    def _make_folders(self) -> None:
        """Make the session's folders, without an earlier kernel's temporary files and with the list of fonts."""
        folders.remove(self._place.tmp)
        self._place.files.parent.mkdir(parents=True, mode=0o711, exist_ok=True)
        os.chmod(self._place.files.parent, 0o711)  # noqa: S103  # the session's user must pass through it
        fonts = self._place.tmp / "matplotlib"
        for folder in (self._place.files, self._place.tmp, fonts):
            folders.make(folder, self._place.uid)
        for path in self._fonts.glob("fontlist-*.json"):
            folders.put(fonts, path.name, path.read_bytes(), self._place.uid)

    def _write_new(self, files: Mapping[str, bytes]) -> None:
        """Write files that are new or differ; what code changed since is not overwritten. Raises TooManyFiles."""
        limits = self._place.limits
        if not limits.take([len(content) for content in files.values()]):
            raise TooManyFiles
        taken: set[str] = set()
        for name, content in files.items():
            name = folders.safe_name(name, taken)
            taken.add(name)
            digest = hashlib.sha256(content).hexdigest()
            if self._written.get(name) != digest:
                folders.put(self._place.files, name, content, self._place.uid)
                self._written[name] = digest


class KernelEnded(Exception):
    """The kernel ended, or violates the message format."""


class _KernelCall:
    """One request to the kernel and its output until the result. Raises KernelEnded, FolderTooLarge."""

    def __init__(
        self, kernel: Running, place: SessionPlace, result: CodeResult, wall_s: float, callbacks: Callbacks
    ) -> None:
        self._kernel, self._place, self._result, self._callbacks = kernel, place, result, callbacks
        self._frames = Frames(_MAX_FRAME)
        self._wall_s, self._begun = wall_s, time.monotonic()
        self._checked_at = 0.0
        self._disk_due = 0.0
        self._interrupted_at: float | None = None
        self._reason = STOPPED
        usage = kernel.usage()
        self._cpu_before = usage.cpu_s if usage else 0.0
        self._n_received = 0

    def run(self, code: str) -> None:
        """Send the code and read its output; errors are in the result."""
        try:
            self._send(json_frame(code=code))
            self._take_result(self.await_result())
        except KernelEnded as reason:
            self._result.kernel_ended = True
            self._result.error = self._result.error or str(reason)
            self._result.notes.append(GONE)
        folders.check_size(self._place.files.parent, self._place.limits)

    def await_result(self) -> bytes:
        """The payload of the kernel's result frame; earlier output is kept."""
        with DefaultSelector() as ready:
            ready.register(self._kernel.stdout, EVENT_READ)
            while True:
                found = ready.select(TICK_S)
                self._check()
                for kind, payload in self._read() if found else ():
                    if kind == RESULT:
                        return payload
                    self._keep_output(kind, payload)

    def _send(self, data: bytes) -> None:
        """Write the request without blocking on a kernel that does not read."""
        left = memoryview(data)
        with DefaultSelector() as ready:
            ready.register(self._kernel.stdin, EVENT_WRITE)
            while left:
                ready.select(TICK_S)
                self._check()
                try:
                    left = left[os.write(self._kernel.stdin.fileno(), left) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    raise KernelEnded(_DIED) from None

    def _read(self) -> list[tuple[bytes, bytes]]:
        try:
            data = os.read(self._kernel.stdout.fileno(), 1 << 18)
        except BlockingIOError:
            return []
        if not data:
            raise KernelEnded(_DIED)
        try:
            return list(self._frames.feed(data))
        except Malformed:
            raise KernelEnded(_CRASHED) from None

    def _keep_output(self, kind: bytes, payload: bytes) -> None:
        """Keep what was printed, up to the limit, which a compromised kernel may ignore."""
        self._n_received += len(payload)
        if self._n_received > 2 * self._place.limits.output_bytes:
            raise KernelEnded("The code printed too much.")
        text = payload.decode("utf-8", "replace")
        if kind == STDOUT:
            self._result.stdout += text
            self._callbacks.on_output(text)
        elif kind == STDERR:
            self._result.stderr += text
        else:
            raise KernelEnded(_CRASHED)

    def _take_result(self, payload: bytes) -> None:
        try:
            content = json.loads(payload)
            for name in ("value", "markdown", "error"):
                setattr(self._result, name, str(content.get(name, ""))[:40_000])
        except (ValueError, AttributeError, RecursionError):
            raise KernelEnded(_CRASHED) from None
        if self._interrupted_at is not None:
            self._result.error = self._reason

    def _check(self) -> None:
        """Every TICK_S: interrupt, then end, a call that exceeds a limit or was cancelled."""
        now = time.monotonic()
        if now - self._checked_at < TICK_S:
            return
        self._checked_at = now
        usage = self._kernel.usage()
        if usage is None:
            return  # Its last output is still to be read.
        limits = self._place.limits
        if usage.memory_bytes > limits.memory_bytes * 1.25:
            raise KernelEnded(f"The code used more than {limits.memory_bytes >> 20} MB of memory.")
        if usage.n_threads > limits.n_threads:
            raise KernelEnded(f"The code started more than {limits.n_threads} threads.")
        if now >= self._disk_due:
            # This is slow for many files, so it takes at most a tenth of the time.
            folders.check_size(self._place.files.parent, self._place.limits)
            self._disk_due = time.monotonic() + 10 * (time.monotonic() - now)
        self._stop_if_due(now, usage.cpu_s - self._cpu_before)

    def _stop_if_due(self, now: float, cpu_s: float) -> None:
        if self._interrupted_at is not None:
            if now - self._interrupted_at > GRACE_S:
                raise KernelEnded(self._reason)
            return
        if self._callbacks.is_cancelled():
            self._reason = STOPPED
        elif now - self._begun > self._wall_s:
            self._reason = f"The code took longer than {self._wall_s:g} s and was stopped."
        elif cpu_s > self._place.limits.cpu_s:
            self._reason = f"The code used more than {self._place.limits.cpu_s:g} s of CPU time and was stopped."
        else:
            return
        self._interrupted_at = now
        self._kernel.interrupt()
