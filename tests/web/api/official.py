"""OpenAI's official client in front of Django's test client, and its answers held against OpenAI's own types."""

from typing import Any, TypeVar

import httpx2
from django.test import Client
from openai import OpenAI
from pydantic import BaseModel, TypeAdapter

from tests.web.api.conftest import key_of
from web.accounts.models import User

Answer = TypeVar("Answer", bound=BaseModel)


class _Within(httpx2.BaseTransport):
    """Sends requests to this process's site, without a server."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
        kind, body = request.headers.get("content-type", ""), request.read()
        path = request.url.raw_path.decode()
        answer: Any = Client().generic(request.method, path, body, content_type=kind, **names)
        headers = {name: value for name, value in answer.headers.items() if name != "Content-Encoding"}
        return httpx2.Response(answer.status_code, headers=headers, content=answer.getvalue())


def official(user: User) -> OpenAI:
    """The official client with a key of `user`'s."""
    http = httpx2.Client(transport=_Within(), headers={"Accept-Encoding": "identity"})
    return OpenAI(base_url="http://testserver/v1", api_key=key_of(user), max_retries=0, http_client=http)


def checked(answer: Answer) -> Answer:
    """The answer, which strictly has the type that the client promises."""
    TypeAdapter(type(answer)).validate_python(answer.to_dict(), strict=False)
    return answer
