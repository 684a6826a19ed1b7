"""Bodies of requests: what is too large is refused before it is stored, and files are taken from people only."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.web.api.conftest import key_of
from web import bodies
from web.accounts import directory_tokens
from web.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)
MB = 1024 * 1024
CHUNK = b"x" * MB


@dataclass
class Answer:
    """The response, and how many bytes of the body were read."""

    status: int = 0
    text: str = ""
    n_read: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)


def send(
    path: str, n_chunks: int, *headers: tuple[bytes, bytes], method="POST", declared=True, silent=False
) -> Answer:
    """POST a body of `n_chunks` MB, with its length declared or chunked; a silent client sends one only."""
    answer = Answer()
    chunks = iter(range(n_chunks))
    length = (b"content-length", str(n_chunks * MB).encode()) if declared else (b"transfer-encoding", b"chunked")

    async def receive() -> dict[str, Any]:
        number = next(chunks, None)
        if number is None or (silent and number):
            await asyncio.sleep(3600)
        answer.n_read += MB
        return {"type": "http.request", "body": CHUNK, "more_body": number != n_chunks - 1}

    async def respond(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], dict(message["headers"])
        answer.text += message.get("body", b"").decode()

    head = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    scope = {**head, "http_version": "1.1", "scheme": "http", "headers": [(b"host", b"localhost"), length, *headers]}
    asyncio.run(application({**scope, "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9)}, receive, respond))
    return answer


def signed_in(user: Any) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(user)
    return (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())


def with_key(user: Any) -> tuple[bytes, bytes]:
    return (b"authorization", f"Bearer {key_of(user)}".encode())


@pytest.mark.parametrize("path", ["/healthz", "/account/login/", "/v1/chat/completions", "/nowhere", "/api/gpts"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PROPFIND"])
def test_a_large_body_is_refused_before_a_byte_of_it_is_read(path: str, method: str) -> None:
    answer = send(path, 900, method=method)
    assert (answer.status, answer.n_read) == (413, 0)
    body = json.loads(answer.text)
    assert "Too large" in json.dumps(body["detail"] if path.startswith("/api") else body["error"])


@pytest.mark.parametrize(
    ("path", "text"),
    [("/files/attach", "This file is too large: up to 25 MB each."), ("/a2a/x", "a request here can have up to")],
)
def test_a_file_that_is_too_large_is_told_of_the_limit_of_files(path: str, text: str) -> None:
    assert text in send(path, 900).text


def test_a_body_without_a_length_is_counted_while_it_is_read(alice) -> None:
    answer = send("/healthz", 900, declared=False)
    assert (answer.status, answer.n_read, answer.headers[b"connection"]) == (413, MB, b"close")
    answer = send("/api/gpts", 900, with_key(alice), declared=False)
    assert (answer.status, answer.n_read) == (413, 3 * MB)


def test_a_length_that_lies_or_means_nothing_does_not_help(alice) -> None:
    for declared in (b"-1", b"+5", b"1e3", b""):
        answer = send("/healthz", 900, (b"content-length", declared), declared=False)
        assert (answer.status, answer.n_read) == (413, MB), declared


def test_files_are_taken_from_people_who_are_signed_in_only(alice, gpt, settings) -> None:
    settings.MAX_FILE_BYTES, settings.MAX_ATTACHMENT_BYTES = 20 * MB, 5 * MB
    page, api, attach = f"/gpts/{gpt.slug}/files", f"/api/gpts/{gpt.slug}/files", "/files/attach"
    forged = [(), ((b"cookie", b"sessionid=forged"),), ((b"authorization", b"Bearer gh_forged"),)]
    for path in (page, api, attach, f"/a2a/{gpt.slug}", "/v1/files"):
        for headers in forged:
            answer = send(path, 5, *headers)
            assert (answer.status, answer.n_read) == (401, 0), path
            assert send(path, 900, *headers, declared=False).n_read == MB
    for path, n_allowed in ((page, 20), (api, 20), (attach, 5), ("/api/attachments", 5), ("/v1/files", 20)):
        who = with_key(alice) if path.startswith(("/api", "/v1")) else signed_in(alice)
        assert send(path, n_allowed, who).n_read == n_allowed * MB, "reaches the view"
        answer = send(path, n_allowed + 4, who)
        assert (answer.status, answer.n_read) == (413, 0)
        assert send(path, 900, who, declared=False).n_read == (n_allowed + 3) * MB


def test_a_directory_sends_the_members_of_large_groups() -> None:
    _, secret = directory_tokens.create(None, "Okta")
    header = (b"authorization", f"Bearer {secret}".encode())
    for headers, n_chunks, status, n_read in (((), 2, 401, 0), ((header,), 2, 400, 2 * MB), ((header,), 3, 413, 0)):
        answer = send("/scim/v2/Groups", n_chunks, *headers)
        assert (answer.status, answer.n_read, json.loads(answer.text)["status"]) == (status, n_read, str(status))
    assert send("/api/gpts", 2, header).status == 401


def test_files_within_json_are_smaller_as_they_take_much_memory(alice, gpt, settings) -> None:
    settings.MAX_ATTACHMENT_BYTES = 25 * MB
    answer = send(f"/a2a/{gpt.slug}", 17, with_key(alice))
    assert (answer.status, answer.n_read) == (413, 0)
    assert send(f"/a2a/{gpt.slug}", 15, with_key(alice)).n_read == 15 * MB


def test_a_long_answer_does_not_hold_the_upload_that_its_question_was(alice, settings, monkeypatch) -> None:
    settings.MAX_ATTACHMENT_BYTES, held = 5 * MB, []
    answer_later = application._application

    async def count(scope, receive, send) -> None:
        await answer_later(scope, receive, send)
        held.append(application.uploads.n_held(alice.id))

    monkeypatch.setattr(application, "_application", count)
    answer = send("/v1/chat/completions", 6, with_key(alice))
    assert (answer.n_read, held) == (6 * MB, [0])
    assert answer.status == 400, "is no JSON"
    error = json.loads(send("/v1/chat/completions", 900, with_key(alice)).text)["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "request_too_large")


def test_one_person_uploads_few_files_at_once(alice, bob, gpt, settings) -> None:
    path = f"/gpts/{gpt.slug}/files"
    held = [application.uploads.take(alice.id, 9) for _ in range(settings.MAX_UPLOADS_PER_PERSON)]
    answer = send(path, 5, signed_in(alice))
    assert (answer.status, answer.n_read, answer.headers[b"retry-after"]) == (429, 0, b"5")
    assert send(path, 5, signed_in(bob)).n_read == 5 * MB, "others are not held up"
    held.pop().free()
    assert send(path, 5, signed_in(alice)).n_read == 5 * MB
    assert application.uploads.n_held(alice.id) == settings.MAX_UPLOADS_PER_PERSON - 1


def test_a_client_that_goes_silent_does_not_hold_its_request(alice, gpt, monkeypatch) -> None:
    monkeypatch.setattr(bodies, "SILENT_S", 0.05)
    answer = send(f"/gpts/{gpt.slug}/files", 5, signed_in(alice), silent=True)
    assert (answer.status, answer.n_read) == (408, MB)
    assert not application.uploads.n_held(alice.id)


def test_every_route_with_a_limit_of_its_own_exists() -> None:
    def routes(resolver: Any, before: str = "") -> set[str]:
        found = set()
        for each in resolver.url_patterns:
            route = before + str(each.pattern)
            found |= routes(each, route) if hasattr(each, "url_patterns") else {route}
        return found

    assert set(bodies.UPLOADS) <= routes(get_resolver(), "")
