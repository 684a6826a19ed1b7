"""Parses a file in a process of its own, so that a hostile file can exhaust or crash nothing but that process.

The child is a fresh interpreter without torch, with limits on memory, processor time, written files and open files;
the parent adds a wall clock and a cap on the answer. Whatever happens there is one KnowledgeError here.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Final

from gpts.knowledge.documents import Document
from workers.knowledge.errors import BY_NAME, BrokenFile, EmptyFile, TimedOut, TooLarge

WALL_S: Final = 120.0
CPU_S: Final = 90
MEMORY_BYTES: Final = 2_000_000_000
MAX_ANSWER_BYTES: Final = 64_000_000
_ROOT: Final = Path(__file__).resolve().parents[2]


def parse_apart(source: Path, keep_going: Callable[[], None] = lambda: None, wall_s: float = WALL_S) -> Document:
    """The document in the file `source`, parsed in a child process.

    `keep_going` is called some times a second and may raise to stop the child. Raises a KnowledgeError with the
    reason when the file gives no document.
    """
    if source.stat().st_size == 0:
        raise EmptyFile
    child = subprocess.Popen(  # noqa: S603  # our own interpreter and module; the path is an argument, not a command
        [sys.executable, "-m", "workers.knowledge.parsing", str(source)],
        cwd=_ROOT,
        env={"PATH": os.defpath, "PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        answer = _read_all(child, keep_going, monotonic() + wall_s)
        return _document(answer, child.wait())
    finally:
        child.kill()
        child.wait()


def _read_all(child: "subprocess.Popen[bytes]", keep_going: Callable[[], None], deadline: float) -> bytes:
    assert child.stdout is not None
    answer = bytearray()
    with child.stdout as pipe, DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        while True:
            keep_going()
            if monotonic() > deadline:
                raise TimedOut
            if not selector.select(timeout=0.2):
                continue
            piece = os.read(pipe.fileno(), 1 << 20)
            if not piece:
                return bytes(answer)
            answer += piece
            if len(answer) > MAX_ANSWER_BYTES:
                raise TooLarge


def _document(answer: bytes, exit_code: int) -> Document:
    if exit_code == -signal.SIGXCPU:
        raise TimedOut
    if exit_code != 0 or not answer:
        raise BrokenFile
    told = json.loads(answer)
    if "error" in told:
        raise BY_NAME[told["error"]](told["message"])
    return Document.model_validate(told["document"])


def _limit_self() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(source: Path) -> str:
    """What the child tells its parent about `source`, as JSON. A parser that fails has met a broken file."""
    from workers.knowledge.errors import KnowledgeError
    from workers.knowledge.parsers import parse

    try:
        document = parse(source.read_bytes())
    except KnowledgeError as error:
        return json.dumps({"error": type(error).__name__, "message": str(error)})
    except (MemoryError, RecursionError):
        return json.dumps({"error": "TooLarge", "message": ""})
    except Exception:  # noqa: BLE001  # libraries raise anything on hostile bytes; each means the same to the owner
        return json.dumps({"error": "BrokenFile", "message": ""})
    return f'{{"document": {document.model_dump_json()}}}'


if __name__ == "__main__":
    _limit_self()
    sys.stdout.write(_answer(Path(sys.argv[1])))
