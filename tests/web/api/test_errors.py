"""Bad requests: each door answers in its own shape, says what was wrong, and never with a page or a 500."""

import json
import re
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.web.api.conftest import bearer, key_of
from web.api.native import native
from web.builder.models import Gpt
from web.runs.models import Run
from workers.engine.scripted import CAPABLE

COMPLETIONS = "/v1/chat/completions"


@pytest.fixture
def bobs(transactional_db, bob) -> Client:
    return bearer(key_of(bob))


@pytest.fixture
def alices(transactional_db, alice) -> Client:
    return bearer(key_of(alice))


def ask(client: Client, body: bytes | dict) -> tuple[int, dict]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(COMPLETIONS, raw, content_type="application/json")
    return response.status_code, response.json()["error"]


def question(**changes) -> dict:
    return {"model": "pump-doctor", "messages": [{"role": "user", "content": "Hello"}], **changes}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe{}",
        b'{"model": "\xc3\x28"}',
        b'{"model": NaN}',
        b'{"model": "\\ud800", "messages": [{"role": "user", "content": "x"}]}',
        b"[" * 100_000,
        b'{"model": "pump-doctor", "messages": ' + b'[{"role":"user","content":' * 5_000,
        b'{"temperature": 1e999}',
    ],
)
def test_bodies_that_are_no_request_are_400(bobs, body):
    status, error = ask(bobs, body)
    assert (status, error["type"]) == (400, "invalid_request_error")
    assert error["message"]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": 5}, "model"),
        ({"model": "pump\x00doctor"}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages"),
        ({"messages": [{"role": "user", "content": "a\x00b"}]}, "messages.0.content"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages.0.content.0.type"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"stop": [""]}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stream": "perhaps"}, "stream"),
        ({"tools": [{"type": "function"}]}, "tools.0.function"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"seed": 2**63}, "seed"),
        ({"n": 9}, "n"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"instructions": "Be brief."}, "instructions"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"logit_bias": {"the": 1}}, "logit_bias"),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ],
)
def test_wrong_values_name_their_parameter(bobs, gpt, changes, param):
    status, error = ask(bobs, question(**changes))
    assert (status, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert not Run.objects.exists()


def test_neutral_and_unknown_parameters_are_let_through(bobs, gpt, settings):
    settings.MAX_ACTIVE_RUNS = 0  # the last check before a run begins
    status, error = ask(bobs, question(n=1, tools=[], seed=None, logprobs=False, user="u", anything={"deep": [1]}))
    assert (status, error["code"]) == (429, "rate_limit_exceeded")


def test_what_does_not_fit_the_model_is_said_so_and_what_is_too_large_is_413(bobs, gpt, settings, monkeypatch):
    settings.MAX_MESSAGE_CHARS = 10  # which is for people
    monkeypatch.setattr(
        "web.runs.model_facts.model_worker", lambda: {"ability": {**CAPABLE.model_dump(), "context_tokens": 2}}
    )
    long = [{"role": "user", "content": "x" * 17}]
    shared = [{"role": "user", "content": "x" * 9}, {"role": "user", "content": "y" * 9}]
    for messages in (long, shared):
        status, error = ask(bobs, question(messages=messages))
        assert (status, error["code"], error["param"]) == (400, "context_length_exceeded", "messages")
        assert "maximum context length is 2 tokens" in error["message"]  # what LiteLLM and LangChain look for
    settings.MAX_ATTACHMENT_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 0, 100
    status, error = ask(bobs, question(messages=[{"role": "user", "content": "x" * 200}]))
    assert (status, error["code"]) == (413, "request_too_large")
    assert not Run.objects.exists()


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/chat", "/v1/models/a/b", "/v1"])
def test_an_unknown_address_under_v1_is_404_in_openais_shape(client, path):
    response = client.post(path, b"{}", content_type="application/json")
    assert response.status_code in (404, 405)
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_method_is_405_with_the_right_ones(bobs):
    response = bobs.put(COMPLETIONS)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, POST")
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert bobs.put("/api/gpts").json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("model", ["nothing", "pump-doctor%00", "%F0%9F%92%A9", "a" * 3_000])
def test_a_model_that_is_not_there_is_not_found(bobs, model):
    response = bobs.get(f"/v1/models/{model}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "model_not_found")


def test_a_crash_is_a_500_in_shape_that_tells_nothing(bobs, monkeypatch):
    def crash(*args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("web.api.v1._model", crash)
    monkeypatch.setattr("web.api.v1.access_model", crash)
    response = bobs.get("/v1/models/any")
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "server_error"
    assert "secret" not in response.content.decode()


class TestNative:
    """The same under /api, with fields."""

    @pytest.mark.parametrize(
        ("status", "code", "method", "path", "extra"),
        [
            (400, None, "POST", "/api/gpts", {"data": b"{"}),
            (400, None, "GET", "/api/gpts", {"headers": {"Host": "elsewhere.example.org"}}),
            (401, "invalid_api_key", "GET", "/api/gpts", {"headers": {"Authorization": "Bearer gh_no"}}),
            (404, "not_found", "GET", "/api/gpts/n%C3%B6", {}),
            (404, "unknown_url", "GET", "/api/no/such/thing", {}),
            (404, "unknown_url", "GET", "/api", {}),
            (405, "method_not_allowed", "PUT", "/api/gpts", {}),
            (405, "method_not_allowed", "POST", "/api/openapi.json", {}),
            (405, "method_not_allowed", "POST", "/api/docs", {}),
            (422, "invalid", "POST", "/api/gpts", {"data": b"{}"}),
            (500, "internal_error", "GET", "/api/permissions", {}),
        ],
    )
    def test_every_error_is_a_problem_of_rfc_9457(
        self, alices, settings, monkeypatch, status, code, method, path, extra
    ):
        monkeypatch.delattr("web.runs.permissions.permissions_of")
        settings.ALLOWED_HOSTS = ["testserver"]
        response = alices.generic(method, path, content_type="application/json", **extra)
        problem = response.json()
        assert (response.status_code, problem["status"], problem.get("code")) == (status, status, code)
        assert response.headers["Content-Type"] == "application/problem+json"
        assert problem["type"] == (f"{settings.SITE_URL}/docs/api/#{code}" if code else "about:blank")
        assert (problem["title"], problem["instance"]) == (HTTPStatus(status).phrase, path)
        assert problem["detail"]

    def test_each_wrong_field_is_named(self, alices):
        body = {"name": "x" * 51, "starters": ["ok", "y" * 201], "temperature": "warm"}
        response = alices.post("/api/gpts", body, content_type="application/json")
        error = response.json()
        assert response.status_code == 422
        assert error["field"] == "name"
        assert [wrong["field"] for wrong in error["errors"]] == ["name", "starters.1", "temperature"]
        assert not Gpt.objects.exists()

    @pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff", b'{"name": "\\ud800"}'])
    def test_unreadable_json_is_400(self, alices, body):
        response = alices.post("/api/gpts", body, content_type="application/json")
        assert response.status_code == 400
        assert response.json()["detail"]

    def test_every_body_that_is_no_object_is_422(self, alice, gpt, settings):
        settings.API_REQUESTS_A_MINUTE = None  # to count them would take most of the time
        browser = Client()
        browser.force_login(alice)
        accepted, n_asked = set(), 0
        for path, methods in native.get_openapi_schema()["paths"].items():
            named = path.replace("{slug}", "pump-doctor").replace("{number}", "1")
            named = re.sub("{(person|group)_id}", "1", named)  # no other id is a 404 before the body is read
            address = re.sub(r"{[^}]*id}", str(uuid4()), named)
            for method, operation in methods.items():
                if "application/json" in operation.get("requestBody", {}).get("content", {}):
                    n_asked += 1
                    for body in (b"null", b"5", b'"zzz"', b"[null]", b"[]", b"true"):
                        response = browser.generic(method.upper(), address, body, content_type="application/json")
                        if response.status_code != 422:
                            accepted.add((method, path, body))
        assert n_asked > 20
        assert accepted == {("put", "/api/gpts/{slug}/delegates", b"[]")}  # the only one that is a list

    @pytest.mark.parametrize("field", ["name", "description", "instructions"])
    def test_nul_characters_are_refused(self, alices, gpt, field):
        response = alices.patch("/api/gpts/pump-doctor", {field: "a\x00b"}, content_type="application/json")
        assert (response.status_code, response.json()["field"]) == (422, field)

    def test_a_huge_body_is_413(self, alices, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        response = alices.post("/api/gpts", {"name": "x" * 200}, content_type="application/json")
        assert (response.status_code, response.json()["code"]) == (413, "request_too_large")

    def test_broken_multipart_is_a_client_error(self, alices, gpt):
        for body, kind in ((b"--x\r\nno", "multipart/form-data"), (b"x", "multipart/form-data; boundary=x")):
            response = alices.generic("POST", "/api/gpts/pump-doctor/files", body, content_type=kind)
            assert response.status_code in (400, 422)
            assert response.json()["detail"]

    def test_an_empty_file_says_so(self, alices, gpt):
        response = alices.post("/api/gpts/pump-doctor/files", {"file": SimpleUploadedFile("a.txt", b"")})
        assert (response.status_code, response.json()["detail"]) == (422, "The file is empty.")

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "scope=all"])
    def test_a_wrong_page_is_422(self, alices, query):
        assert alices.get(f"/api/gpts?{query}").status_code == 422

    def test_a_version_number_beyond_any_is_not_found(self, alices, gpt):
        assert alices.post(f"/api/gpts/pump-doctor/versions/{10**30}/restore").status_code == 404

    def test_an_unknown_address_is_404_in_shape(self, client):
        assert client.post("/api/nothing").json()["code"] == "unknown_url"
