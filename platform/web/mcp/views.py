"""The URL of the MCP server, for programs with an API key or an access token."""

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from web.accounts.requests import grant_of, key_of
from web.mcp.callers import CALLER, Caller
from web.mcp.oauth import SCOPE, origin_of
from web.mcp.sessions import sessions
from web.runs.bridge import respond
from web.runs.connections import close_connection, in_database, take_stream
from web.runs.errors import TooManyStreams
from web.runs.programs import refused

NO_KEY: Final = "Sign in, or send a valid API key: “Authorization: Bearer gh_…”."
WRONG_ORIGIN: Final = "Requests from pages of this origin are not allowed."


@csrf_exempt
@require_http_methods(["GET", "POST", "DELETE"])
async def endpoint(request: HttpRequest) -> HttpResponseBase:
    """Answer a request of the Model Context Protocol over streamable HTTP, for the owner of the key or token.

    `?gpts=a,b` offers these GPTs only.
    """
    if not _is_own_origin(request):
        return refused(403, WRONG_ORIGIN)
    caller = await in_database(_caller, request)
    if caller is None:
        return refused(401, NO_KEY, _how_to_sign_in(request))
    await close_connection()
    try:
        slot = await take_stream(caller.user.pk)
    except TooManyStreams as error:
        return refused(error.status, str(error))
    # A session is its key's: the SDK shows it to nobody else.
    token = AccessToken(token="", client_id=caller.secret_id, scopes=[], subject=str(caller.user.pk))
    facts: dict[str, Any] = {CALLER: caller, "user": AuthenticatedUser(token)}
    application = (await sessions()).handle_request
    return await respond(application, request, request.read(), facts, slot)


def _caller(request: HttpRequest) -> Caller | None:
    """Who calls, by a key or an access token, with which nothing can be approved; None without either."""
    only = tuple(filter(None, request.GET.get("gpts", "").split(",")))
    if key := key_of(request):
        return Caller(key.user, f"key-{key.pk}", key.may_approve, only)
    if grant := grant_of(request):
        return Caller(grant.user, f"grant-{grant.pk}", False, only)
    return None


def _how_to_sign_in(request: HttpRequest) -> str:
    """The challenge that leads a client to the authorization server (RFC 9728, 5.1)."""
    metadata = origin_of(request) + reverse("oauth_resource")
    error = ', error="invalid_token"' if "Authorization" in request.headers else ""
    return f'Bearer resource_metadata="{metadata}", scope="{SCOPE}"{error}'


def _is_own_origin(request: HttpRequest) -> bool:
    """Whether no page sent it, or one of this site or of an origin that operators allow."""
    origin = request.headers.get("Origin")
    own = (*settings.CSRF_TRUSTED_ORIGINS, f"{request.scheme}://{request.get_host()}")
    return origin is None or origin in own or not {"*", origin}.isdisjoint(settings.API_ORIGINS)
