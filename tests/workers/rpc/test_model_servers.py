"""Which models a server has: what it lists, and a fixed word for each way in which it does not."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from web.operate.models_connected import seal_key
from workers.rpc import model_servers

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def server():
    """A server that answers `reply`, and keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args) -> None:
            """Nothing."""

        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Authorization")))
            status, body = made.reply
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.url = [], f"http://127.0.0.1:{made.server_port}"
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_a_server_on_this_machine_is_asked_for_its_models_with_its_key(server, path):
    names = ["b", "a", "a", "", "x" * 201, "bad\nname"]
    server.reply = 200, json.dumps({"data": [{"id": name} for name in names]}).encode()
    url = server.url + path
    assert model_servers.list_models(url, seal_key(KEY, url)) == {"models": ["a", "b"]}
    assert server.asked == [("/v1/models", f"Bearer {KEY}")]


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ((401, b""), "key"),
        ((403, KEY.encode()), "key"),
        ((500, b"{}"), "answer"),
        ((404, b"<html>"), "answer"),
        ((302, b""), "silent"),
        ((200, b"<html>"), "answer"),
        ((200, b"[]"), "answer"),
        ((200, b'{"data": [1]}'), "answer"),
        ((200, b'{"data": [{"id": 1}]}'), "answer"),
        ((200, b"[" * 100_000), "answer"),
        ((200, b" " * 1_100_000), "silent"),
    ],
)
def test_whatever_else_it_answers_is_refused_with_a_fixed_word(server, reply, refused):
    server.reply = reply
    assert model_servers.list_models(server.url, "") == {"refused": refused}


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "metadata.corp"])
def test_metadata_services_are_never_asked(host, monkeypatch):
    monkeypatch.setattr("workers.egress.resolving.look_up", lambda name, port: ["169.254.169.254"])
    monkeypatch.setattr("httpcore.SyncBackend.connect_tcp", lambda *args: pytest.fail("it connects"))
    assert model_servers.list_models(f"http://{host}", "") == {"refused": "address"}


def test_a_key_is_not_sent_to_another_server(server):
    assert model_servers.list_models(server.url, seal_key(KEY, "https://example.org")) == {"refused": "key"}
    assert server.asked == []
