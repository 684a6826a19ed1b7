"""The client of the sandbox service, for workers that must not run foreign code themselves."""

import json
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from gpts.safety.labels import Label
from workers.confinement.frames import FILE, HEADER, Frames, Malformed, json_frame
from workers.sandbox.errors import BY_NAME, SandboxError, TooManyFiles, Unavailable
from workers.sandbox.folders import Artefact
from workers.sandbox.session import NO_TERMS, CodeResult, CodeTerms
from workers.sandbox.settings import SandboxLimits

_CONNECT_S: Final = 5.0
# How often a waiting call runs the caller's `check`.
_POLL_S: Final = 0.1
# What the service may need besides the code's own time: starting a kernel, reading and sending files.
_EXTRA_S: Final = 60.0
_MAX_FRAME: Final = 64 << 20
_STOPPED: Final = "The sandbox stopped the call. Try again."


class Client:
    """Calls the service that listens at `path`. Thread-safe: each call is a connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def why_not(self) -> str:
        """Why no code can be run now, as a sentence; "" if it can."""
        try:
            return str(self._health()["why"])
        except SandboxError as error:
            return str(error)

    def n_live(self) -> dict[str, int]:
        """How many sessions in use each person has; empty without a service."""
        try:
            return dict(self._health()["n_live"])
        except SandboxError:
            return {}

    def _health(self) -> dict[str, Any]:
        with _Connection(self._path) as connection:
            connection.send(json_frame(do="health"))
            return connection.next_json()

    def run(
        self,
        session: str,
        code: str,
        files: Mapping[str, Path],
        wall_s: float,
        check: Callable[[], None] = lambda: None,
        on_output: Callable[[str], None] = lambda text: None,
        terms: CodeTerms = NO_TERMS,
    ) -> CodeResult:
        """Run code in a session with these files. What `check` raises stops the code. Raises SandboxError, OSError.

        No file is opened before all sizes are known to fit, and none is held in memory. The result's label is joined
        with those of all earlier calls.
        """
        if not SandboxLimits().take([path.stat().st_size for path in files.values()]):
            raise TooManyFiles
        call = {"session": session, "code": code, "wall_s": wall_s, "n_sessions": terms.n_sessions}
        call["label"] = terms.label.model_dump(mode="json")
        with _Connection(self._path, check, wall_s + _EXTRA_S) as connection:
            connection.send(json_frame(do="run", files=list(files), **call))
            for path in files.values():
                connection.send_file(path)
            while True:
                answer = connection.next_json()
                if "result" in answer:
                    result = answer["result"]
                    result["label"] = Label.model_validate(result["label"])
                    artefacts = [Artefact(name, connection.next_frame()) for name in result.pop("files")]
                    return CodeResult(**result, artefacts=artefacts)
                on_output(str(answer.get("stdout", "")))

    def end(self, session: str) -> None:
        """End a session and remove its files. Raises SandboxError."""
        with _Connection(self._path) as connection:
            connection.send(json_frame(do="end", session=session))
            connection.next_json()


class _Connection:
    """One call. Closing the connection stops code that still runs."""

    def __init__(self, path: Path, check: Callable[[], None] = lambda: None, wait_s: float = 10.0) -> None:
        self._check, self._n_polls = check, int(wait_s / _POLL_S)
        self._frames = Frames(_MAX_FRAME)
        self._waiting: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(_CONNECT_S)
            self._socket.connect(str(path))
            self._socket.settimeout(_POLL_S)
        except OSError as error:
            self._socket.close()
            raise Unavailable("The sandbox is not running.") from error

    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send all of `data`. Raises SandboxError."""
        try:
            self._socket.settimeout(_EXTRA_S)
            self._socket.sendall(data)
            self._socket.settimeout(_POLL_S)
        except OSError as error:
            raise SandboxError(_STOPPED) from error

    def send_file(self, path: Path) -> None:
        """Send the content of a file as a frame. Raises SandboxError."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.send(HEADER.pack(FILE, size))
            try:
                self._socket.settimeout(_EXTRA_S)
                self._socket.sendfile(file, count=size or None)
                self._socket.settimeout(_POLL_S)
            except OSError as error:
                raise SandboxError(_STOPPED) from error

    def next_json(self) -> dict[str, Any]:
        """The next JSON object. Raises the SandboxError that it reports."""
        content = json.loads(self.next_frame())
        if "error" in content:
            raise BY_NAME.get(content["error"], SandboxError)(content["message"])
        assert isinstance(content, dict)
        return content

    def next_frame(self) -> bytes:
        """The payload of the next frame. Raises SandboxError, and what `check` raises."""
        while not self._waiting:
            try:
                self._waiting += [payload for _, payload in self._frames.feed(self._received())]
            except (OSError, Malformed) as error:
                raise SandboxError(_STOPPED) from error
        return self._waiting.pop(0)

    def _received(self) -> bytes:
        for _ in range(self._n_polls):
            self._check()
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                continue
            if not data:
                raise SandboxError(_STOPPED)
            return data
        raise SandboxError("The sandbox didn't respond in time. Try again.")
