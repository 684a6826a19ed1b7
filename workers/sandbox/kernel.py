"""The process in which the code of one conversation runs: `python -P -m workers.sandbox.kernel CONFIGURATION`.

It takes code from standard input and answers on standard output, in frames (frames.py). Variables, imports and open
files stay from call to call. Before the first line it builds the walls (walls.py); what it says afterwards may come
from the code itself, so the service believes none of it.
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

from workers.confinement.machine import die_with
from workers.sandbox import cells, walls
from workers.sandbox.frames import COMPLAINED, HEADER, PRINTED, RESULT, frame


class TooMuchOutput(RuntimeError):
    """The code printed more than is kept; print a summary instead."""


class Stream(io.RawIOBase):
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
        """The whole amount may be printed again."""
        self.left = self._max_bytes


class Channel:
    """The two pipes to the service, moved out of the way of what code calls standard input and output."""

    def __init__(self) -> None:
        self._in, self._out = os.fdopen(os.dup(0), "rb"), os.dup(1)
        self._lock = threading.Lock()
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)

    def send(self, kind: bytes, payload: bytes) -> None:
        """Write one frame; threads take turns."""
        with self._lock:
            left = memoryview(frame(kind, payload))
            while left:
                left = left[os.write(self._out, left) :]

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


class Interruptions:
    """SIGINT raises KeyboardInterrupt in the code, and nothing between calls."""

    def __init__(self) -> None:
        self.welcome = False
        signal.signal(signal.SIGINT, self._come)

    def _come(self, number: int, where: FrameType | None) -> None:
        if self.welcome:
            raise KeyboardInterrupt


def main(configuration: dict[str, Any]) -> None:
    """Serve calls until the service is gone."""
    if configuration["uid"] is not None:
        _become(configuration["uid"])
    # After the change of user, which takes this back.
    die_with(configuration["parent"])
    os.chdir(configuration["files"])
    os.umask(0o077)
    channel = Channel()
    interruptions = Interruptions()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows too long is an OSError
    walls.limit(configuration["limits"], configuration["uid"] is not None)
    walls.confine([Path(configuration["files"]), Path(configuration["tmp"])])
    streams = _redirect(channel, configuration["limits"]["output_bytes"])
    namespace = _namespace()
    channel.send(RESULT, b"{}")
    while True:
        try:
            request = channel.receive()
        except EOFError:
            os._exit(0)
        for each in streams:
            each.begin_call()
        channel.send(RESULT, json.dumps(_outcome(request["code"], namespace, interruptions)).encode())


def _become(uid: int) -> None:
    """From root to the user of this session's own, for good."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _outcome(code: str, namespace: dict[str, Any], interruptions: Interruptions) -> dict[str, Any]:
    """Run the code; what came of it. An interruption that arrives at the very end counts as one."""
    try:
        interruptions.welcome = True
        outcome = cells.run(code, namespace)
        interruptions.welcome = False
    except KeyboardInterrupt:
        outcome = {"error": "KeyboardInterrupt"}
    finally:
        interruptions.welcome = False
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception as error:  # noqa: BLE001  # the code may have put anything there
            outcome.setdefault("error", f"{type(error).__name__}: {error}")
    return outcome


def _redirect(channel: Channel, max_bytes: int) -> list[Stream]:
    streams = [Stream(channel, PRINTED, max_bytes), Stream(channel, COMPLAINED, max_bytes // 8)]
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.BufferedWriter(each), "utf-8", "replace", line_buffering=True) for each in streams
    )
    sys.stdin = open(os.devnull)  # noqa: SIM115  # input() then says that there is none
    return streams


def _namespace() -> dict[str, Any]:
    """The variables of the code: those of a fresh `__main__`, with the session's folder on the path for imports."""
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.path.insert(0, "")
    return module.__dict__


if __name__ == "__main__":
    # This module under its own name, since `__main__` becomes the code's.
    importlib.import_module("workers.sandbox.kernel").main(json.loads(sys.argv[1]))
