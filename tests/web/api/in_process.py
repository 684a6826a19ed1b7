"""The official `openai` client on the site of this process, whose workers' calls are done by the tasks themselves."""

import httpx
import pytest
from django.test import Client
from openai import OpenAI

from tests.web.api.conftest import key_of
from web import rpc
from web.accounts.models import User
from web.celery import app


class _Site(httpx.BaseTransport):
    """Sends the client's requests to Django."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "accept-encoding")}
        kind = headers.pop("content-type", "application/json")
        sent = Client().generic(
            request.method, request.url.raw_path.decode(), request.read(), content_type=kind, headers=headers
        )
        return httpx.Response(sent.status_code, headers=dict(sent.headers.items()), content=sent.getvalue())


def openai_client(user: User) -> OpenAI:
    """The client with a key of `user`."""
    http = httpx.Client(transport=_Site())
    return OpenAI(base_url="http://testserver/v1", api_key=key_of(user), max_retries=0, http_client=http)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The calls of workers, each done at once by its task."""
    calls: list[tuple[str, ...]] = []

    def call(task: str, *args: str, queue: str, timeout_s: float) -> object:
        calls.append((task, queue, *args))
        return app.tasks[task](*args)

    app.loader.import_default_modules()
    monkeypatch.setattr(rpc, "call", call)
    return calls
