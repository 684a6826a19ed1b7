"""The child that reads an uploaded file: `python -m workers.knowledge.confined FUNCTION ARGS LIMITS`.

The file comes as standard input, the answer goes to standard output as frames (see apart.py), and before it looks at
the file the process gives up what it does not need (see confinement.py). Whatever FUNCTION raises is told as the name
of a KnowledgeError.
"""

import importlib
import json
import os
import resource
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from workers.confinement.machine import die_with
from workers.knowledge.confinement import confine
from workers.knowledge.errors import BrokenFile, KnowledgeError, TooLarge

# Kind and length of what follows.
HEADER: Final = struct.Struct(">cQ")
PAGES: Final = struct.Struct(">II")
PROGRESS: Final = b"P"
RESULT: Final = b"R"
ERROR: Final = b"E"

_channel: int | None = None


def tell_pages(n_read: int, n_pages: int) -> None:
    """Report that `n_read` of `n_pages` pages are read; a parser's own time limit grows with it."""
    if _channel is not None:
        _send(_channel, PROGRESS, PAGES.pack(n_read, n_pages))


def main(function: str, args: Sequence[Any], limits: dict[str, Any]) -> None:
    """Run `function` ("module:name") on the bytes of standard input and send what it returns."""
    global _channel
    die_with(limits["parent"])
    _channel = os.dup(1)
    # What a library prints must not be taken for an answer.
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    module, _, name = function.partition(":")
    run = getattr(importlib.import_module(module), name)
    _limit_self(limits)
    confine([Path(os.environ["TESSDATA"])] if os.environ.get("TESSDATA") else [])
    kind, answer = _outcome(run, args)
    _send(_channel, kind, answer)


def _outcome(run: Callable[..., bytes], args: Sequence[Any]) -> tuple[bytes, bytes]:
    try:
        with os.fdopen(0, "rb", closefd=False) as file:
            data = file.read()
        return RESULT, run(data, *args)
    except KnowledgeError as error:
        return ERROR, _reason(error, traceback.format_exc() if error.__cause__ else "")
    except (MemoryError, RecursionError):
        return ERROR, _reason(TooLarge())
    except Exception:  # noqa: BLE001  # libraries raise anything on hostile bytes; each means the same to the owner
        return ERROR, _reason(BrokenFile(), traceback.format_exc())


def _reason(error: KnowledgeError, trace: str = "") -> bytes:
    """The error's name and message, and for the operator's log the origin of an unexpected one."""
    return json.dumps([type(error).__name__, str(error), trace]).encode()


def _limit_self(limits: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    # The parent raises the first of the two as pages are read.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["max_s"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _send(channel: int, kind: bytes, payload: bytes) -> None:
    left = memoryview(HEADER.pack(kind, len(payload)) + payload)
    while left:
        left = left[os.write(channel, left) :]


if __name__ == "__main__":
    # This module under its own name, so that parsers that import it find the open channel.
    importlib.import_module("workers.knowledge.confined").main(
        sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    )
