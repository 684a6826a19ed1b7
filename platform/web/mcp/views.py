"""The URL of the MCP server, for programs with an API key."""

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from web.accounts.requests import key_of
from web.mcp.callers import CALLER, Caller
from web.mcp.sessions import sessions
from web.runs.bridge import respond
from web.runs.connections import close_connection, in_database, take_stream
from web.runs.errors import TooManyStreams
from web.runs.programs import refused

NO_KEY: Final = "A valid API key is required: send “Authorization: Bearer gh_…”."
WRONG_ORIGIN: Final = "Requests from pages of this origin are not allowed."


@csrf_exempt
@require_http_methods(["GET", "POST", "DELETE"])
async def endpoint(request: HttpRequest) -> HttpResponseBase:
    """Answer a request of the Model Context Protocol over streamable HTTP, on behalf of the key's owner.

    `?gpts=a,b` offers these GPTs only.
    """
    if not _is_own_origin(request):
        return refused(403, WRONG_ORIGIN)
    key = await in_database(key_of, request)
    if key is None:
        return refused(401, NO_KEY)
    await close_connection()
    only = tuple(filter(None, request.GET.get("gpts", "").split(",")))
    caller = Caller(key.user, key.pk, key.may_approve, only)
    try:
        slot = await take_stream(key.user.pk)
    except TooManyStreams as error:
        return refused(error.status, str(error))
    # A session is its key's: the SDK shows it to nobody else.
    token = AccessToken(token="", client_id=str(key.pk), scopes=[], subject=str(key.user.pk))
    facts: dict[str, Any] = {CALLER: caller, "user": AuthenticatedUser(token)}
    application = (await sessions()).handle_request
    return await respond(application, request, request.read(), facts, slot)


def _is_own_origin(request: HttpRequest) -> bool:
    """Whether no page sent it, or one of this site or of an origin that operators allow."""
    origin = request.headers.get("Origin")
    own = (*settings.CSRF_TRUSTED_ORIGINS, f"{request.scheme}://{request.get_host()}")
    return origin is None or origin in own or not {"*", origin}.isdisjoint(settings.API_ORIGINS)
