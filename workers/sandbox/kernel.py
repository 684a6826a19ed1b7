"""The process in which the code of one conversation runs: `python -P -m workers.sandbox.kernel CONFIGURATION`.

It reads code from standard input and answers on standard output, in frames. Variables, imports and open files stay
from call to call. It confines itself before the first line (restrictions.py); whatever it sends afterwards may come
from the code, so the service trusts none of it.
"""

import importlib
import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from workers.confinement import frames
from workers.confinement.frames import HEADER, RESULT, STDERR, STDOUT
from workers.confinement.machine import die_with
from workers.sandbox import cells, restrictions


class TooMuchOutput(RuntimeError):
    """The code printed more than is kept; print a summary instead."""


class OutputStream(io.RawIOBase):
    """Standard output or error as frames of `kind`; after `max_bytes` in one call it raises TooMuchOutput."""

    def __init__(self, channel: "Channel", kind: bytes, max_bytes: int) -> None:
        self._channel, self._kind, self._max_bytes = channel, kind, max_bytes
        self.left = max_bytes

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        payload = bytes(data)
        self._channel.send(self._kind, payload[: self.left])
        fits = len(payload) <= self.left
        self.left = max(0, self.left - len(payload))
        if not fits:
            raise TooMuchOutput(TooMuchOutput.__doc__)
        return len(payload)

    def begin_call(self) -> None:
        """Reset the amount that may be printed."""
        self.left = self._max_bytes


class Channel:
    """The two pipes to the service, moved away from standard input and output, which belong to the code."""

    def __init__(self) -> None:
        self._in, self._out = os.fdopen(os.dup(0), "rb"), frames.detach_output()
        os.dup2(1, 0)
        self._lock = threading.Lock()

    def send(self, kind: bytes, payload: bytes) -> None:
        """Write one frame. Thread-safe."""
        with self._lock:
            frames.send(self._out, kind, payload)

    def receive(self) -> dict[str, Any]:
        """The next request. Raises EOFError when the service is gone."""
        _, length = HEADER.unpack(self._exactly(HEADER.size))
        content = json.loads(self._exactly(length))
        assert isinstance(content, dict)
        return content

    def _exactly(self, n_bytes: int) -> bytes:
        if len(data := self._in.read(n_bytes)) < n_bytes:
            raise EOFError
        return data


class Interrupts:
    """SIGINT raises KeyboardInterrupt in the code; between calls it has no effect."""

    def __init__(self) -> None:
        self.enabled = False
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, where: FrameType | None) -> None:
        if self.enabled:
            raise KeyboardInterrupt


def main(configuration: dict[str, Any]) -> None:
    """Serve calls until the service is gone."""
    if configuration["uid"] is not None:
        # From root to the session's user, irreversibly.
        uid = configuration["uid"]
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    # After the change of user, which would reset it.
    die_with(configuration["parent"])
    os.chdir(configuration["files"])
    os.umask(0o077)
    channel = Channel()
    interrupts = Interrupts()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # A file that grows too large is an OSError.
    restrictions.limit(configuration["limits"], configuration["uid"] is not None)
    restrictions.confine([Path(configuration["files"]), Path(configuration["tmp"])])
    streams = _redirect(channel, configuration["limits"]["output_bytes"])
    # The code's variables are those of a new `__main__`, with the session's folder on the import path.
    sys.modules["__main__"] = module = ModuleType("__main__")
    sys.path.insert(0, "")
    channel.send(RESULT, b"{}")
    while True:
        try:
            request = channel.receive()
        except EOFError:
            os._exit(0)
        for each in streams:
            each.begin_call()
        channel.send(RESULT, json.dumps(_result(request["code"], module.__dict__, interrupts)).encode())


def _result(code: str, namespace: dict[str, Any], interrupts: Interrupts) -> dict[str, str]:
    """The result of running the code; an interrupt that arrives at the very end still counts."""
    try:
        interrupts.enabled = True
        result = cells.run(code, namespace)
        interrupts.enabled = False
    except KeyboardInterrupt:
        result = {"error": "KeyboardInterrupt"}
    finally:
        interrupts.enabled = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception as error:  # noqa: BLE001  # the code may have replaced the stream
            result.setdefault("error", f"{type(error).__name__}: {error}")
    return result


def _redirect(channel: Channel, max_bytes: int) -> list[OutputStream]:
    streams = [OutputStream(channel, STDOUT, max_bytes), OutputStream(channel, STDERR, max_bytes // 8)]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(each), "utf-8", "replace", line_buffering=True) for each in streams
    )
    sys.stdin = open(os.devnull)  # noqa: SIM115  # input() raises EOFError
    return streams


if __name__ == "__main__":
    # This module under its own name, since `__main__` becomes the code's.
    importlib.import_module("workers.sandbox.kernel").main(json.loads(sys.argv[1]))
