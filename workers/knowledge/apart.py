"""Runs a function on an uploaded file in a separate process, so that the file can exhaust or crash only that.

The child (confined.py) is a fresh interpreter without torch, with limits on memory, processor time, written files and
open files; the parent adds a wall clock and a cap on the answer. Both clocks allow more for each page that was read.
Whatever happens there is one KnowledgeError here.
"""

import json
import logging
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Final

from workers.knowledge.confined import ERROR, HEADER, PAGES, PROGRESS, RESULT
from workers.knowledge.confinement import missing
from workers.knowledge.errors import BY_NAME, BrokenFile, EmptyFile, NotAFile, TimedOut, TooLarge

logger = logging.getLogger(__name__)

# The environment variables passed to the child: the OCR models' folder, and the languages to read.
PASSED_ON: Final = ("TESSDATA", "OCR_LANGUAGES")
_ROOT: Final = Path(__file__).resolve().parents[2]

# Told how many of how many pages are read (0, 0 if that is not known), also without news, several times a second.
# It may raise, which stops the child.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ParserLimits:
    """The limits of a child. OCR of a scanned page takes 0.3 to 3 s (measured 2026-11), hence `page_s`."""

    wall_s: int = 120
    cpu_s: int = 90
    page_s: int = 5
    max_s: int = 7_200
    memory_bytes: int = 2_000_000_000
    answer_bytes: int = 64_000_000

    def allowed(self, base_s: int, n_read: int) -> int:
        """Seconds that may have passed once `n_read` pages are read, where a file without pages has `base_s`."""
        return min(self.max_s, base_s + self.page_s * n_read)


LIMITS: Final = ParserLimits()


def run_apart(
    function: str,
    source: Path,
    args: Sequence[str | int | float] = (),
    limits: ParserLimits = LIMITS,
    on_progress: OnProgress = lambda n_read, n_pages: None,
) -> bytes:
    """What `function` ("module:name") returns for the bytes of `source` and `args`, run in a child process.

    Raises a KnowledgeError with the reason when there is no answer, NotAFile if `source` is no regular file.
    """
    _say_what_is_missing()
    with _opened(source) as descriptor:
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [
                *(sys.executable, "-P", "-m", "workers.knowledge.confined"),
                *(function, json.dumps(list(args)), json.dumps(asdict(limits) | {"parent": os.getpid()})),
            ],
            cwd="/",
            env=_environment(),
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        answer = _Conversation(child, limits, on_progress).answer()
        return _result(answer, child.wait())
    finally:
        child.kill()
        child.wait()


@cache
def _say_what_is_missing() -> None:
    """Log once what this system lacks for full confinement."""
    for each in missing():
        logger.warning("files are read with less protection: %s", each)


@contextmanager
def _opened(source: Path) -> Iterator[int]:
    """A descriptor of the regular file `source`; opening it neither blocks nor triggers anything."""
    if not stat.S_ISREG(source.stat().st_mode):
        raise NotAFile
    descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise NotAFile
        if state.st_size == 0:
            raise EmptyFile
        yield descriptor
    finally:
        os.close(descriptor)


def _environment() -> dict[str, str]:
    passed_on = {name: value for name in PASSED_ON if (value := os.environ.get(name))}
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(_ROOT),
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
        **passed_on,
    }


class _Conversation:
    """Reads the child's frames until its result, its end, the time limit or the size limit."""

    def __init__(self, child: "subprocess.Popen[bytes]", limits: ParserLimits, on_progress: OnProgress) -> None:
        self._child = child
        self._limits = limits
        self._on_progress = on_progress
        self._begun = monotonic()
        self._pages = (0, 0)
        self._unread = bytearray()

    def answer(self) -> tuple[bytes, bytes] | None:
        """The kind and payload of the child's last frame, None if it ended without one. Raises TimedOut, TooLarge."""
        assert self._child.stdout is not None
        with self._child.stdout as pipe, DefaultSelector() as selector:
            selector.register(pipe, EVENT_READ)
            while True:
                self._on_progress(*self._pages)
                if monotonic() - self._begun > self._limits.allowed(self._limits.wall_s, self._pages[0]):
                    raise TimedOut
                if not selector.select(timeout=0.2):
                    continue
                piece = os.read(pipe.fileno(), 1 << 20)
                if not piece:
                    return None
                self._unread += piece
                if final := self._take():
                    return final

    def _take(self) -> tuple[bytes, bytes] | None:
        """Take whole frames from the bytes received; a final frame ends the reading."""
        while len(self._unread) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._unread)
            if length > self._limits.answer_bytes:
                raise TooLarge
            end = HEADER.size + length
            if len(self._unread) < end:
                return None
            payload = bytes(memoryview(self._unread)[HEADER.size : end])
            del self._unread[:end]
            if kind != PROGRESS:
                return kind, payload
            self._turn_pages(payload)
        return None

    def _turn_pages(self, payload: bytes) -> None:
        if len(payload) != PAGES.size:
            raise BrokenFile
        n_read, n_pages = PAGES.unpack(payload)
        self._pages = n_read, n_pages
        allowed = self._limits.allowed(self._limits.cpu_s, n_read)
        try:
            resource.prlimit(self._child.pid, resource.RLIMIT_CPU, (allowed, self._limits.max_s))
        except (ProcessLookupError, PermissionError, ValueError):
            # It ended already, or has less left than this; its own limit stands.
            return


def _result(answer: tuple[bytes, bytes] | None, exit_code: int) -> bytes:
    if exit_code == -signal.SIGXCPU:
        raise TimedOut
    if answer is None or exit_code != 0:
        logger.warning("the process that read a file ended without an answer, exit code %d", exit_code)
        raise BrokenFile
    kind, payload = answer
    if kind == RESULT:
        return payload
    if kind != ERROR:
        raise BrokenFile
    raise _error(payload)


def _error(payload: bytes) -> Exception:
    """The error that the child named, BrokenFile if it makes no sense."""
    try:
        name, message, trace = json.loads(payload)
        if trace:
            logger.info("reading a file failed:\n%s", trace)
        return BY_NAME[name](str(message))
    except (ValueError, KeyError, TypeError):
        return BrokenFile()
