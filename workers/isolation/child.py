"""The child that reads an uploaded file: `python -m workers.isolation.child FUNCTION ARGS LIMITS`.

The file is standard input, the result goes to standard output in frames. An exception of FUNCTION is sent as the name
of a FileError.

Before it reads the file, the process drops its access to network, other processes and other files. Two mechanisms of
Linux do that, for ordinary users and inside unprivileged containers too: a seccomp filter denies sockets, processes,
programs, signals to others, tracing, mounts and writing; Landlock (kernel 5.13 and later) leaves only our code and
libraries readable. `missing()` says which of them this system lacks. Without Landlock the child can read whatever its
user can, but cannot send it anywhere; on systems other than Linux only the limits on memory and time apply.
"""

import importlib
import json
import os
import resource
import struct
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from workers.confinement import landlock, seccomp
from workers.confinement.frames import ERROR, PROGRESS, RESULT, detach_output, send
from workers.confinement.machine import die_with, machine
from workers.confinement.policies import own_code, read_only, restrict_process, single_process
from workers.confinement.syscalls import DENIED
from workers.isolation.errors import BrokenFile, FileError, TooLarge

# The payload of a PROGRESS frame: pages read, and of how many.
PAGES: Final = struct.Struct(">II")

_channel: int | None = None


def report_pages(n_read: int, n_pages: int) -> None:
    """Report that `n_read` of `n_pages` pages are read, which raises the time limits."""
    if _channel is not None:
        send(_channel, PROGRESS, PAGES.pack(n_read, n_pages))


def confine(readable: Iterable[Path] = ()) -> None:
    """Restrict this process, irreversibly, while it has one thread; beyond our code `readable` stays readable."""
    ours = own_code("gpts", "workers")
    restrict_process([*ours, *readable], (), DENIED.values(), single_process(os.getpid()) | read_only())


@cache
def missing() -> tuple[str, ...]:
    """What this system lacks for full confinement, for its operator; empty if nothing."""
    if not machine():
        return ("seccomp and Landlock are not available here: files are parsed under limits on memory and time only",)
    lacks = []
    if not seccomp.available():
        lacks.append("this kernel has no seccomp filters: a parser can open connections and start programs")
    if not landlock.version():
        lacks.append("this kernel has no Landlock: a parser can read the files that its user can read")
    return tuple(lacks)


def main(function: str, args: Sequence[Any], limits: dict[str, Any]) -> None:
    """Run `function` ("module:name") on the bytes of standard input and send what it returns."""
    global _channel
    os.nice(5)  # chats go first
    die_with(limits["parent"])
    _channel = detach_output()
    module, _, name = function.partition(":")
    run = getattr(importlib.import_module(module), name)
    _limit_self(limits)
    confine([Path(os.environ["TESSDATA"])] if os.environ.get("TESSDATA") else [])
    send(_channel, *_outcome(run, args))


def _outcome(run: Callable[..., bytes], args: Sequence[Any]) -> tuple[bytes, bytes]:
    try:
        with os.fdopen(0, "rb", closefd=False) as file:
            data = file.read()
        return RESULT, run(data, *args)
    except FileError as error:
        return ERROR, _reason(error, traceback.format_exc() if error.__cause__ else "")
    except (MemoryError, RecursionError):
        return ERROR, _reason(TooLarge())
    except Exception:  # noqa: BLE001  # libraries raise anything on hostile bytes; for the owner all mean the same
        return ERROR, _reason(BrokenFile(), traceback.format_exc())


def _reason(error: FileError, trace: str = "") -> bytes:
    """The error's name and message, and an unexpected error's traceback for the operator's log."""
    return json.dumps([type(error).__name__, str(error), trace]).encode()


def _limit_self(limits: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    # The parent raises the soft limit as pages are read.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_s"], limits["max_s"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    # Under its import name, so that parsers that import report_pages find the open channel.
    importlib.import_module("workers.isolation.child").main(
        sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
    )
