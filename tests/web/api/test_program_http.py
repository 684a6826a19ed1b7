"""What HTTP clients expect of `/v1` beside the answers: ids, CORS, HEAD, slashes, gzip, and what had no effect."""

import gzip
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from django.test import Client

from tests.publishing import publish
from tests.web.api.conftest import bearer, key_of, live, worker
from web.builder.models import Gpt
from web.builder.services import create_gpt
from web.checks import problems
from web.runs import services, stream
from web.runs.models import Run
from workers.engine.scripted import CAPABLE

__all__ = ["live", "worker"]


@pytest.fixture
def bobs(db, bob, gpt) -> Client:
    return bearer(key_of(bob))


def test_every_response_has_an_id_of_its_own(bobs, client):
    ids = [answer.headers["x-request-id"] for answer in (bobs.get("/v1/models"), client.get("/v1/models"))]
    ids.append(client.post("/v1/nothing").headers["x-request-id"])
    assert len(set(ids)) == 3
    assert all(each.startswith("req_") for each in ids)
    assert "x-request-id" not in client.get("/healthz").headers


def test_slashes_and_head_are_let_pass(bobs):
    whole = bobs.get("/v1/models")
    assert bobs.get("/v1/models/").json() == whole.json()
    assert bobs.post("/v1/chat/completions/", "{", content_type="application/json").status_code == 400
    head = bobs.head("/v1/models")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))
    assert Client().head("/v1/models").status_code == 401


@pytest.mark.parametrize("path", ["/v1/models", "/api/gpts"])
def test_head_and_options_are_answered_wherever_get_is(bobs, path):
    head = bobs.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(bobs.get(path).content))
    options = bobs.options(path)
    assert options.status_code == 204
    assert {"GET", "HEAD", "OPTIONS"} <= set(options.headers["Allow"].split(", "))


def test_a_session_does_not_count_in_requests_of_other_sites_pages(bob, settings):
    settings.API_ORIGINS = ["https://app.example.org"]
    browser = Client()
    browser.force_login(bob)
    assert browser.get("/api/gpts", headers={"Origin": "http://testserver", "Host": "testserver"}).status_code == 200
    assert browser.get("/api/gpts", headers={"Origin": "https://app.example.org"}).status_code == 401


def test_long_answers_are_compressed_for_clients_that_take_it(bobs, bob):
    create_gpt(bob, {"name": "Long", "description": "long " * 50})
    publish(Gpt.objects.get(name="Long"))
    plain = bobs.get("/v1/models", headers={"Accept-Encoding": "identity"})
    packed = bobs.get("/v1/models", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content


def test_pages_of_allowed_origins_may_call_and_no_others(bobs, settings):
    ours, theirs = "https://app.example.org", "https://evil.example"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    refused = Client().options("/v1/chat/completions", headers={"Origin": ours, **asked})
    assert "Access-Control-Allow-Origin" not in refused.headers  # nobody is allowed by default
    settings.API_ORIGINS = [ours]
    before = Client().options("/v1/chat/completions", headers={"Origin": ours, **asked})  # without a key
    assert (before.status_code, before.headers["Access-Control-Allow-Origin"]) == (204, ours)
    assert before.headers["Access-Control-Allow-Headers"] == "authorization"
    assert "POST" in before.headers["Access-Control-Allow-Methods"]
    answer = bobs.get("/v1/models", headers={"Origin": ours})
    assert answer.headers["Access-Control-Allow-Origin"] == ours
    assert "x-request-id" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers  # a session never counts from elsewhere
    for path in ("/v1/models", "/api/gpts"):
        assert "Access-Control-Allow-Origin" not in bobs.get(path, headers={"Origin": theirs}).headers
    assert "Access-Control-Allow-Origin" not in bobs.get("/healthz", headers={"Origin": ours}).headers
    settings.API_ORIGINS = ["*"]
    assert bobs.get("/v1/models", headers={"Origin": theirs}).headers["Access-Control-Allow-Origin"] == theirs
    settings.API_ORIGINS = ["app.example.org"]
    assert any("API_ORIGINS" in str(each) for each in problems(settings, {}))


@pytest.mark.usefixtures("with_valkey")
def test_models_have_their_limits_once_a_worker_has_told_them(bobs):
    stream._client().delete(stream.MODEL_KEY)
    [model] = bobs.get("/v1/models").json()["data"]
    assert (model["context_window"], model["max_completion_tokens"]) == (None, None)
    stream.announce_model("tiny", ability=CAPABLE.model_dump(), ignores=["seed"])
    model = bobs.get("/v1/models/pump-doctor").json()
    assert (model["context_window"], model["max_completion_tokens"]) == (8192, 4096)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": "Hello"}]}),
        ("messages", {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}),
        ("responses", {"input": "Hello"}),
    ],
)
def test_who_leaves_while_the_run_is_created_stops_it(live, gpt, bob, worker, monkeypatch, path, body):
    begun, left, start = threading.Event(), threading.Event(), services.start_run

    def slow(*args, **options):
        run = start(*args, **options)
        begun.set()
        left.wait(20)
        return run

    monkeypatch.setattr(services, "start_run", slow)
    with socket.create_connection(("127.0.0.1", urlsplit(live).port)) as connection:
        sent = json.dumps({"model": gpt.slug, **body}).encode()
        head = f"POST /v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key_of(bob)}\r\n"
        connection.sendall(
            f"{head}Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent
        )
        assert begun.wait(20)
    left.set()
    deadline = time.monotonic() + 20
    while not Run.objects.filter(status=Run.Status.CANCELLED).exists():
        assert time.monotonic() < deadline, "nobody stopped the run"
        time.sleep(0.05)
