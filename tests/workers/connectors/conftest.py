"""A web server of the tests' own, whose pages can change."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

import pytest

from workers.connectors import Item, Reader
from workers.egress import EgressConfig


@dataclass
class Served:
    """What is served: bytes by path, and what was asked for, with its headers."""

    url: str = ""
    port: int = 0
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def put(self, path: str, text: str | bytes, kind: str = "text/html") -> None:
        self.pages[path] = (kind, text if isinstance(text, bytes) else text.encode())

    def reader(self, **known: str) -> Reader:
        return Reader(EgressConfig(allow=(f"127.0.0.1:{self.port}",)), MappingProxyType(known))

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
def served() -> Iterator[Served]:
    """A site that answers conditional requests by ETag."""
    site = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers.items())))
            kind, content = site.pages.get(self.path) or site.pages.get(self.path.partition("?")[0]) or ("", b"")
            etag = f'"{sha256(content).hexdigest()[:16]}"'
            status = 404 if not kind else 304 if self.headers.get("If-None-Match") == etag else 200
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("ETag", etag)
            self.send_header("Content-Length", str(len(content) if status == 200 else 0))
            self.end_headers()
            if status == 200:
                self.wfile.write(content)

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port, site.url = server.server_port, f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


def by_key(items: Iterator[Item]) -> dict[str, Item]:
    return {item.key: item for item in items}
