"""Authentication: an API key for programs, or the session of a signed-in browser."""

from typing import Final, cast

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from web.accounts.models import User
from web.accounts.requests import key_of, owner_of_key
from web.api.errors import ApiError

NOT_APPROVER: Final = (
    "This API key can’t answer approval requests. A person answers on the run’s page, or a program with a key that"
    " was created with “Can approve actions”."
)


class KeyAuth(HttpBearer):
    """`Authorization: Bearer gh_…`, created on the page “API keys” or with `manage.py createkey`."""

    def __call__(self, request: HttpRequest) -> User | None:
        """The key's owner, also if it came in `x-api-key`."""
        return owner_of_key(request)

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The key's owner; None if it is unknown, revoked or expired."""
        return owner_of_key(request)


class ApproverKeyAuth(HttpBearer):
    """A key that may approve calls. Others may not: an agent with one would approve its own calls."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The key's owner, as for KeyAuth. Raises ApiError if the key lacks this scope."""
        key = key_of(request)
        if key and not key.may_approve:
            raise ApiError(403, NOT_APPROVER, code="key_cannot_approve")
        return key.user if key else None


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
