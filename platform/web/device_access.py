"""Which pages may use the devices behind a browser: chats the microphone, to dictate; no page any other."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

# By the names of their URLs. A new chat's page can have either name, which share a path.
DICTATED: Final = ("chat", "chat_new", "chat_start")
NONE: Final = "camera=(), display-capture=(), geolocation=(), microphone=()"


class DeviceAccess:
    """Middleware that sets `Permissions-Policy`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response, with what its page may use."""
        response = self._get_response(request)
        match = request.resolver_match
        may_dictate = match is not None and match.url_name in DICTATED
        policy = NONE.replace("microphone=()", "microphone=(self)") if may_dictate else NONE
        response.headers["Permissions-Policy"] = policy
        return response
