"""Hostile servers on the loopback interface, for tests of the guarded client."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace


class Asked(BaseHTTPRequestHandler):
    """One request; `server.answer` decides what is sent, `server.seen` keeps what came."""

    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        """Remember the request and answer it."""
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length) if length else b""
        self.server.seen.append(
            SimpleNamespace(path=self.path, headers=self.headers, body=self.body, command=self.command)
        )
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_HEAD = do_PUT = do_GET

    def give(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; underscores in names of headers stand for hyphens."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(answer: Callable[[Asked], None], address: str = "127.0.0.1") -> Iterator[ThreadingHTTPServer]:
    """A server that answers each request with `answer`; `.port` and `.seen` are set."""
    kind = type("Server", (ThreadingHTTPServer,), {"address_family": socket.AF_INET, "daemon_threads": True})
    server = kind((address, 0), Asked)
    server.answer, server.seen, server.port = answer, [], server.server_address[1]
    Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
