"""Runs a function on an uploaded file in a child process, so that the file can exhaust or crash only that.

The child (child.py) is a new interpreter without torch, with limits on memory, CPU time, written files and
open files; the parent adds limits on elapsed time and on the result. Both time limits grow with each page read.
Every failure of the child is one FileError here.
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
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from tempfile import NamedTemporaryFile
from time import monotonic
from typing import Final

from workers.confinement.frames import ERROR, PROGRESS, RESULT, Frames, Malformed
from workers.isolation.child import PAGES, missing
from workers.isolation.errors import BY_NAME, BrokenFile, EmptyFile, NotAFile, TimedOut, TooLarge

logger = logging.getLogger(__name__)

# The environment variables passed to the child: the OCR models' folder, and the languages to read.
_PASSED_ON: Final = ("TESSDATA", "OCR_LANGUAGES")
_ROOT: Final = Path(__file__).resolve().parents[2]

# Called several times a second with the number of pages read and of all pages (0, 0 if unknown). What it raises stops
# the child.
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
        """The limit in seconds after `n_read` pages; `base_s` is that of a file without pages."""
        return min(self.max_s, base_s + self.page_s * n_read)


LIMITS: Final = ParserLimits()


def run_isolated(
    function: str,
    source: Path,
    args: Sequence[str | int | float] = (),
    limits: ParserLimits = LIMITS,
    on_progress: OnProgress = lambda n_read, n_pages: None,
) -> bytes:
    """The result of `function` ("module:name") for the bytes of `source` and `args`, run in a child process.

    Raises a FileError with the reason if there is none, NotAFile if `source` is no regular file.
    """
    _log_what_is_missing()
    passed_on = {name: value for name in _PASSED_ON if (value := os.environ.get(name))}
    with _opened(source) as descriptor:
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [
                *(sys.executable, "-P", "-m", "workers.isolation.child"),
                *(function, json.dumps(list(args)), json.dumps(asdict(limits) | {"parent": os.getpid()})),
            ],
            cwd="/",
            env={
                "PATH": os.defpath,
                "PYTHONPATH": str(_ROOT),
                "PYTHONUTF8": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                "OMP_NUM_THREADS": "1",
                "OMP_THREAD_LIMIT": "1",
                **passed_on,
            },
            stdin=descriptor,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        return _result(_answer(child, limits, on_progress), child.wait())
    finally:
        child.kill()
        child.wait()


def run_on_bytes(
    function: str,
    data: bytes,
    args: Sequence[str | int | float] = (),
    limits: ParserLimits = LIMITS,
    check: Callable[[], None] = lambda: None,
) -> bytes:
    """Like `run_isolated`, for bytes that are in no file yet. `check` is called several times a second."""
    with NamedTemporaryFile(prefix="guildhall-") as file:
        file.write(data)
        file.flush()
        return run_isolated(function, Path(file.name), args, limits, lambda *_: check())


@cache
def _log_what_is_missing() -> None:
    """Log once what this system lacks for full confinement."""
    for each in missing():
        logger.warning("files are read with less protection: %s", each)


@contextmanager
def _opened(source: Path) -> Iterator[int]:
    """A descriptor of the regular file `source`, opened without blocking or side effects."""
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


def _answer(
    child: "subprocess.Popen[bytes]", limits: ParserLimits, on_progress: OnProgress
) -> tuple[bytes, bytes] | None:
    """The kind and payload of the child's last frame, None if it ended without one. Raises TimedOut, TooLarge."""
    assert child.stdout is not None
    frames, started = Frames(limits.answer_bytes), monotonic()
    pages = (0, 0)
    with child.stdout as pipe, DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        while True:
            on_progress(*pages)
            if monotonic() - started > limits.allowed(limits.wall_s, pages[0]):
                raise TimedOut
            if not selector.select(timeout=0.2):
                continue
            data = os.read(pipe.fileno(), 1 << 20)
            if not data:
                return None
            try:
                for kind, payload in frames.feed(data):
                    if kind != PROGRESS:
                        return kind, payload
                    pages = _pages_read(payload, child.pid, limits)
            except Malformed as error:
                raise TooLarge from error


def _pages_read(payload: bytes, pid: int, limits: ParserLimits) -> tuple[int, int]:
    """The pages that the child has read, and of how many; raises its limit on CPU time accordingly."""
    if len(payload) != PAGES.size:
        raise BrokenFile
    n_read, n_pages = PAGES.unpack(payload)
    # If this fails, it has ended or has less time left than this; its own limit applies.
    with suppress(ProcessLookupError, PermissionError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_CPU, (limits.allowed(limits.cpu_s, n_read), limits.max_s))
    return n_read, n_pages


def _result(answer: tuple[bytes, bytes] | None, exit_code: int) -> bytes:
    if exit_code == -signal.SIGXCPU:
        raise TimedOut
    if answer is None or exit_code != 0:
        logger.warning("the process that read a file ended without a result, exit code %d", exit_code)
        raise BrokenFile
    kind, payload = answer
    if kind == RESULT:
        return payload
    if kind != ERROR:
        raise BrokenFile
    raise _error(payload)


def _error(payload: bytes) -> Exception:
    """The error that the child named, BrokenFile if it is malformed."""
    try:
        name, message, trace = json.loads(payload)
        if trace:
            logger.info("reading a file failed:\n%s", trace)
        return BY_NAME[name](str(message))
    except (ValueError, KeyError, TypeError):
        return BrokenFile()
