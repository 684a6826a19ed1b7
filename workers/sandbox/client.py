"""Calls of the sandbox service, for workers that must not run foreign code themselves."""

import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workers.sandbox.errors import BY_NAME, SandboxError, Unavailable
from workers.sandbox.folders import Artefact
from workers.sandbox.frames import FILE, Frames, Malformed, frame, words

_CONNECT_S: Final = 5.0
# How often a waiting caller is asked whether the result is still wanted.
_ASK_S: Final = 0.1
# What the service may need on top of the code's own time: starting a kernel, reading and sending files.
_EXTRA_S: Final = 60.0
_MAX_FRAME: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class CodeResult:
    """What running code gave; the same as the service's Outcome."""

    printed: str
    complained: str
    value: str
    markdown: str
    error: str
    notes: tuple[str, ...]
    artefacts: tuple[Artefact, ...]


class Client:
    """Calls the service that listens at `path`. Safe to use from many threads: each call is a connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def why_not(self) -> str:
        """Why no code can be run now, as a sentence; empty if it can."""
        try:
            with _Connection(self._path) as connection:
                connection.send(words(do="health"))
                return str(connection.next_words()["why"])
        except SandboxError as error:
            return str(error)

    def run(
        self,
        session: str,
        code: str,
        files: Mapping[str, bytes],
        wall_s: float,
        check: Callable[[], None] = lambda: None,
        heard: Callable[[str], None] = lambda text: None,
    ) -> CodeResult:
        """Run code in a session with these files. What `check` raises stops the code. Raises SandboxError."""
        with _Connection(self._path, check, wall_s + _EXTRA_S) as connection:
            connection.send(words(do="run", session=session, code=code, wall_s=wall_s, files=list(files)))
            for content in files.values():
                connection.send(frame(FILE, content))
            while True:
                told = connection.next_words()
                if "outcome" in told:
                    return _answer(told["outcome"], connection)
                heard(str(told.get("printed", "")))

    def end(self, session: str) -> None:
        """End a session and remove its files. Raises SandboxError."""
        with _Connection(self._path) as connection:
            connection.send(words(do="end", session=session))
            connection.next_words()


def _answer(told: dict[str, Any], connection: "_Connection") -> CodeResult:
    artefacts = tuple(Artefact(name, connection.next_frame()) for name in told["files"])
    texts = {name: str(told[name]) for name in ("printed", "complained", "value", "markdown", "error")}
    return CodeResult(notes=tuple(map(str, told["notes"])), artefacts=artefacts, **texts)


class _Connection:
    """One call. Leaving it closes the connection, which stops what still runs."""

    def __init__(self, path: Path, check: Callable[[], None] = lambda: None, wait_s: float = 10.0) -> None:
        self._check, self._n_asks = check, int(wait_s / _ASK_S)
        self._frames = Frames(_MAX_FRAME)
        self._waiting: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(_CONNECT_S)
            self._socket.connect(str(path))
            self._socket.settimeout(_ASK_S)
        except OSError as error:
            self._socket.close()
            raise Unavailable("The sandbox is not running.") from error

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it, as fast as the service takes it. Raises SandboxError."""
        try:
            self._socket.settimeout(_EXTRA_S)
            self._socket.sendall(data)
            self._socket.settimeout(_ASK_S)
        except OSError as error:
            raise SandboxError("The sandbox stopped the call. Try again.") from error

    def next_words(self) -> dict[str, Any]:
        """The next JSON object. Raises the SandboxError that it reports."""
        told = json.loads(self.next_frame())
        if "error" in told:
            raise BY_NAME.get(told["error"], SandboxError)(told["message"])
        assert isinstance(told, dict)
        return told

    def next_frame(self) -> bytes:
        """The payload of the next frame. Raises SandboxError, and what `check` raises."""
        while not self._waiting:
            try:
                self._waiting += [payload for _, payload in self._frames.feed(self._received())]
            except (OSError, Malformed) as error:
                raise SandboxError("The sandbox stopped the call. Try again.") from error
        return self._waiting.pop(0)

    def _received(self) -> bytes:
        for _ in range(self._n_asks):
            self._check()
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                continue
            if not data:
                raise SandboxError("The sandbox stopped the call. Try again.")
            return data
        raise SandboxError("The sandbox didn't respond in time. Try again.")
