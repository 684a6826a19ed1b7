"""A GPT's Agent Card, and the URL at which programs call it."""

from typing import Any, Final

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from web.a2a.bridge import dispatched
from web.a2a.cards import card_of
from web.a2a.handler import RunHandler
from web.accounts.requests import owner_of_key
from web.builder.models import Gpt
from web.builder.services import access_gpt
from web.runs.connections import close_connection, in_database, take_stream
from web.runs.errors import TooManyStreams

NO_KEY: Final = "A valid API key is required: send “Authorization: Bearer gh_…”."
NO_AGENT: Final = "Agent not found."
# Limit of a request without its files, which base64 makes a third longer.
MAX_BODY_BYTES: Final = 2_500_000


@require_safe
def card(request: HttpRequest, slug: str) -> HttpResponse:
    """The Agent Card: public while the GPT is in the store, otherwise for those who may chat with it."""
    try:
        gpt = _callable(owner_of_key(request) or AnonymousUser(), slug)
    except Http404:
        return _refused(404, NO_AGENT)
    assert gpt.published
    response = JsonResponse(agent_card_to_dict(card_of(gpt, gpt.published)))
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@csrf_exempt
@require_POST
async def call(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Answer a JSON-RPC request of the A2A protocol, with the key of someone who may chat with the GPT."""
    user = await in_database(owner_of_key, request)
    if user is None:
        return _refused(401, NO_KEY)
    try:
        gpt = await in_database(_callable, user, slug)
    except Http404:
        return _refused(404, NO_AGENT)
    await close_connection()
    limit = settings.MAX_ATTACHMENT_BYTES * 4 // 3 + MAX_BODY_BYTES
    body = request.read(limit + 1)
    if len(body) > limit:
        return _refused(413, "The request is too large.")
    try:
        return await dispatched(request, body, RunHandler(user, gpt), await take_stream(user.pk))
    except TooManyStreams as error:
        return _refused(error.status, str(error))


def _callable(user: Any, slug: str) -> Gpt:
    """The published GPT that programs of `user` may call as an agent. Raises Http404."""
    gpt = access_gpt(user, slug)
    if not gpt.a2a or gpt.published is None:
        raise Http404(NO_AGENT)
    return gpt


def _refused(status: int, message: str) -> JsonResponse:
    response = JsonResponse({"error": {"message": message}}, status=status)
    if status == 429:
        response.headers["Retry-After"] = "5"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
