"""Who sends a request: the API key that it carries, and the request of views behind `login_required`."""

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest

from web.accounts import grants
from web.accounts.models import ApiKey, Grant, User
from web.accounts.services import valid_key


class PersonRequest(HttpRequest):
    """A request whose user is a person and never anonymous."""

    user: User


def secret_of(request: HttpRequest) -> str:
    """The `Authorization` of the request, or that of the key in `x-api-key`, as Anthropic's clients send it."""
    key = request.headers.get("x-api-key")
    return request.headers.get("Authorization") or (f"Bearer {key}" if key else "")


def key_of(request: HttpRequest) -> ApiKey | None:
    """The valid key in `Authorization: Bearer …`, or None. It is looked up once a request."""
    if "api_key" not in request.__dict__:
        kind, _, secret = secret_of(request).partition(" ")
        request.__dict__["api_key"] = valid_key(secret.strip()) if kind.lower() == "bearer" else None
    key: ApiKey | None = request.__dict__["api_key"]
    return key


def grant_of(request: HttpRequest) -> Grant | None:
    """The grant of the valid access token in `Authorization: Bearer …`, at the one path that it is for; or None."""
    if "grant" not in request.__dict__:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        found = grants.access(secret.strip()) if kind.lower() == "bearer" else None
        request.__dict__["grant"] = found if found and urlsplit(found.resource).path == request.path else None
    grant: Grant | None = request.__dict__["grant"]
    return grant


def owner_of_secret(request: HttpRequest) -> User | None:
    """The owner of the valid key or access token of the request, or None."""
    sent = key_of(request) or grant_of(request)
    return sent.user if sent else None


def sender_of(request: HttpRequest) -> int | None:
    """The id of the person who sends the request, by its key or session, before any middleware; None if unknown."""
    if secret_of(request):
        owner = owner_of_secret(request)
        return owner.pk if owner else None
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    return user.pk if user.is_authenticated else None


def owner_of_key(request: HttpRequest) -> User | None:
    """The owner of that key, or None."""
    key = key_of(request)
    return key.user if key else None
