"""Answers calls on a Unix socket that only the service's user can open, each connection in its own thread.

A call is a JSON frame (`do`: run, end, health) and a frame for each file that it names. The answer is what the code
prints as it comes, then the result and a frame for each file it made. Closing the connection interrupts the code.
"""

import json
import logging
import os
import select
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from gpts.safety.labels import Label
from workers.confinement.frames import FILE, JSON, Frames, Malformed, frame, json_frame
from workers.sandbox.errors import SandboxError, Unavailable
from workers.sandbox.selfcheck import open_sessions
from workers.sandbox.session import Callbacks, CodeTerms
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import SandboxSettings

logger = logging.getLogger(__name__)

_TIDY_S: Final = 30.0
_MAX_FRAME: Final = 64 << 20
# How long a call waits for the self-check at the service's start.
_CHECK_S: Final = 8.0
# How long a client may take to send its call.
_SEND_S: Final = 60.0


class Service(socketserver.ThreadingUnixStreamServer):
    """Answers as soon as it is constructed, and runs code once `check` has found a backend."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.sessions: Sessions | None = None
        self.backend, self.why_not = "", "The sandbox is still being checked."
        self._closing = threading.Event()
        self.checked = threading.Event()
        settings.socket.parent.mkdir(parents=True, exist_ok=True)
        self._unheard = settings.socket.with_suffix(".new")
        self._unheard.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(self._unheard), Handler)
        finally:
            os.umask(before)

    def server_activate(self) -> None:
        """Listen, and only then take the name by which the socket is known: who finds it is never refused."""
        super().server_activate()
        self._unheard.replace(self.settings.socket)

    def check(self) -> None:
        """Choose the strongest backend that withstands the attacks, if any."""
        begun = time.monotonic()
        self.sessions, self.backend, self.why_not = open_sessions(self.settings)
        self.checked.set()
        if self.sessions is None:
            logger.warning("no code is run: %s", self.why_not)
            return
        logger.info("code is run with %s; it passed the self-check in %.1f s", self.backend, time.monotonic() - begun)
        threading.Thread(target=self._tidy_repeatedly, name="tidy", daemon=True).start()

    def close(self) -> None:
        """End all sessions and remove the socket."""
        self._closing.set()
        self.server_close()
        self.settings.socket.unlink(missing_ok=True)
        if self.sessions is not None:
            self.sessions.close()

    def _tidy_repeatedly(self) -> None:
        while self.sessions is not None and not self._closing.wait(_TIDY_S):
            try:
                self.sessions.tidy()
            except OSError:
                logger.exception("tidying failed")


class Handler(socketserver.BaseRequestHandler):
    """One connection, which is one call."""

    server: Service
    request: socket.socket

    def handle(self) -> None:
        """Answer the call; a SandboxError is sent as its name and message."""
        try:
            self.request.settimeout(_SEND_S)
            frames = self._frames()
            _, payload = next(frames)
            call = json.loads(payload)
            files = {name: next(frames)[1] for name in call.get("files", [])}
            self._answer(call, files)
        except SandboxError as error:
            self._send(json_frame(error=type(error).__name__, message=str(error)))
        except (Malformed, ValueError, AttributeError, KeyError, TypeError, StopIteration, OSError) as error:
            logger.info("a call was malformed or incomplete: %r", error)

    def _answer(self, call: dict[str, Any], files: dict[str, bytes]) -> None:
        self.server.checked.wait(_CHECK_S)
        if call["do"] == "health":
            n_live = self.server.sessions.n_live() if self.server.sessions else {}
            self._send(json_frame(backend=self.server.backend, why=self.server.why_not, n_live=n_live))
            return
        if self.server.sessions is None:
            raise Unavailable(self.server.why_not)
        if call["do"] == "end":
            self.server.sessions.end(str(call["session"]))
            self._send(json_frame(ended=True))
            return
        callbacks = Callbacks(self._is_closed, lambda text: self._send(json_frame(stdout=text)))
        session, code, wall_s = str(call["session"]), str(call["code"]), float(call["wall_s"])
        terms = CodeTerms(Label.model_validate(call["label"]), call["n_sessions"])
        result = self.server.sessions.run(session, code, files, wall_s, callbacks, terms)
        self._send(json_frame(result=result.to_json()))
        for each in result.artefacts:
            self._send(frame(FILE, each.content))

    def _frames(self) -> Iterator[tuple[bytes, bytes]]:
        frames = Frames(_MAX_FRAME)
        while data := self.request.recv(1 << 18):
            for kind, payload in frames.feed(data):
                if kind not in (JSON, FILE):
                    raise Malformed
                yield kind, payload

    def _is_closed(self) -> bool:
        """Whether the client has closed its end; it sends nothing after its call."""
        try:
            readable, _, _ = select.select([self.request], [], [], 0)
            return bool(readable) and self.request.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def _send(self, data: bytes) -> None:
        try:
            self.request.sendall(data)
        except OSError:
            return  # _is_closed notices it.
