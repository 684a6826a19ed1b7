"""Answers calls on a Unix socket that only the service's own user can open, each connection in a thread of its own.

A call is a JSON frame (`do`: run, end, health) and a frame for each file that it names. What the code prints is told
as it comes, then the outcome and a frame for each file it made. Who closes the connection no longer wants the call:
its code is interrupted.
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
from pathlib import Path
from typing import Any, Final

from workers.sandbox.errors import SandboxError, Unavailable
from workers.sandbox.frames import FILE, WORDS, Frames, Malformed, frame, words
from workers.sandbox.selfcheck import open_sessions
from workers.sandbox.session import Watch
from workers.sandbox.sessions import Sessions
from workers.sandbox.settings import Settings

logger = logging.getLogger(__name__)

_TIDY_S: Final = 30.0
_MAX_FRAME: Final = 128 << 20
# Longest that a call waits at the service's start for the end of its check.
_CHECK_S: Final = 8.0
# Longest that a client may take to send its call.
_SEND_S: Final = 60.0


class Service(socketserver.ThreadingUnixStreamServer):
    """Serves from its making on; `close` ends all sessions."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sessions: Sessions | None = None
        self.backend, self.why = "", "The sandbox is still being checked."
        self._closing = threading.Event()
        self.checked = threading.Event()
        settings.socket.parent.mkdir(parents=True, exist_ok=True)
        settings.socket.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(settings.socket), Handler)
        finally:
            os.umask(before)

    def check(self) -> None:
        """Attack the walls, and serve if one of the backends holds."""
        begun = time.monotonic()
        self.sessions, self.backend, self.why = open_sessions(self.settings)
        self.checked.set()
        if self.sessions is None:
            logger.warning("no code is run: %s", self.why)
            return
        logger.info("code is run with %s; its walls held in %.1f s", self.backend, time.monotonic() - begun)
        threading.Thread(target=self._tidy_for_ever, name="tidy", daemon=True).start()

    def close(self) -> None:
        """End all sessions and take the socket away."""
        self._closing.set()
        self.server_close()
        Path(str(self.server_address)).unlink(missing_ok=True)
        if self.sessions is not None:
            self.sessions.close()

    def _tidy_for_ever(self) -> None:
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
        """Answer the call; whatever is wrong with it is told as an error with its name."""
        try:
            self.request.settimeout(_SEND_S)
            frames = self._frames()
            _, payload = next(frames)
            call = json.loads(payload)
            files = {name: next(frames)[1] for name in call.get("files", [])}
            self._answer(call, files)
        except SandboxError as error:
            self._tell(words(error=type(error).__name__, message=str(error)))
        except (Malformed, ValueError, AttributeError, KeyError, TypeError, StopIteration, OSError) as error:
            logger.info("a call was malformed or broken off: %r", error)

    def _answer(self, call: dict[str, Any], files: dict[str, bytes]) -> None:
        self.server.checked.wait(_CHECK_S)
        if call["do"] == "health":
            self._tell(words(backend=self.server.backend, why=self.server.why))
            return
        if self.server.sessions is None:
            raise Unavailable(self.server.why)
        if call["do"] == "end":
            self.server.sessions.end(str(call["session"]))
            self._tell(words(ended=True))
            return
        watch = Watch(self._is_gone, lambda text: self._tell(words(printed=text)))
        session, code, wall_s = str(call["session"]), str(call["code"]), float(call["wall_s"])
        outcome = self.server.sessions.run(session, code, files, wall_s, watch)
        self._tell(words(outcome=outcome.told()))
        for each in outcome.artefacts:
            self._tell(frame(FILE, each.content))

    def _frames(self) -> Iterator[tuple[bytes, bytes]]:
        frames = Frames(_MAX_FRAME)
        while data := self.request.recv(1 << 18):
            for kind, payload in frames.feed(data):
                if kind not in (WORDS, FILE):
                    raise Malformed
                yield kind, payload

    def _is_gone(self) -> bool:
        """Whether the client has closed its end. It sends nothing after its call."""
        try:
            readable, _, _ = select.select([self.request], [], [], 0)
            return bool(readable) and self.request.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def _tell(self, data: bytes) -> None:
        try:
            self.request.sendall(data)
        except OSError:
            return  # a client that is gone is noticed by _is_gone
