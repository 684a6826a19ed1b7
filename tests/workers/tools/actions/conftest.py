"""A service on loopback that tells what it was asked, and contexts to call it in."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gpts.runs.steps import FileRef
from gpts.spec.gpt import GptSpec
from workers.egress import EgressConfig
from workers.tools import InputFile, ToolContext
from workers.tools.credentials import Credential, FindCredential
from workers.tools.settings import ToolSettings

SECRET = "sk-very/secret+key=42"
Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Asked:
    """A request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Service:
    """The service: its address, what it was asked, and what it answers next."""

    url: str
    # What signs requests in.
    find_credential: FindCredential = lambda *_: Credential({"Authorization": f"Bearer {SECRET}"}, (SECRET,))
    asked: list[Asked] = field(default_factory=list)
    respond: Callable[[Asked], Answer] = lambda asked: (200, {"Content-Type": "application/json"}, b"{}")

    @property
    def settings(self) -> ToolSettings:
        """Settings that open the service."""
        return ToolSettings(EgressConfig(allow=(self.url.removeprefix("http://"),)), self.find_credential)

    def says(self, value: Any, status: int = 200) -> None:
        """Answer with this JSON from now on."""
        self.respond = lambda asked: (status, {"Content-Type": "application/json"}, json.dumps(value).encode())


@pytest.fixture
def service() -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            served.asked.append(asked)
            status, headers, content = served.respond(asked)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Service(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield served
    server.shutdown()
    server.server_close()


class Kept(list[tuple[str, str, bytes]]):
    """The files that calls have kept."""

    def keep(self, name: str, mime: str, data: bytes) -> FileRef:
        self.append((name, mime, data))
        return FileRef(name=name, mime=mime, size=len(data))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def context(kept, tmp_path: Path) -> ToolContext:
    """Bob's call, with one file in the conversation."""
    note = tmp_path / "note.txt"
    note.write_bytes(b"a note")
    spec = GptSpec(slug="x", name="X")
    return ToolContext("c1", "s1", 2, spec, 45.0, files=(InputFile("note.txt", note),), keep=kept.keep)
