"""Authentication: an API key for programs, or the session of a signed-in browser."""

from typing import cast

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from web.accounts.models import User
from web.accounts.requests import owner_of_key
from web.api.errors import ApiError


class KeyAuth(HttpBearer):
    """`Authorization: Bearer gh_…`, created on the page “API keys” or with `manage.py createkey`."""

    def __call__(self, request: HttpRequest) -> User | None:
        """The key's owner, also if it came in `x-api-key`."""
        return owner_of_key(request)

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The key's owner; None if it is unknown, revoked or expired."""
        return owner_of_key(request)


class SessionAuth(APIKeyCookie):
    """The session cookie of a signed-in browser; writes need the CSRF token in `X-CSRFToken` as well."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> User | None:
        """The signed-in person; None if there is none, or if the request has a key, which then decides alone."""
        if "Authorization" in request.headers or not request.user.is_authenticated:
            return None
        if check_csrf(request):
            raise ApiError(403, "Missing or invalid CSRF token. Send it in the X-CSRFToken header.", code="csrf")
        return request.user

    def authenticate(self, request: HttpRequest, key: str | None) -> None:
        """Never called: `__call__` decides."""
        raise NotImplementedError


def caller(request: HttpRequest) -> User:
    """The person on whose behalf this authenticated request acts."""
    return cast(User, request.auth)  # type: ignore[attr-defined]
