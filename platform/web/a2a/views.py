"""A GPT's Agent Cards, and the URLs at which programs call it: over JSON-RPC, or over HTTP and JSON below."""

import hashlib
from typing import Any, Final

from a2a.compat.v0_3.conversions import to_compat_agent_card
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.server.routes.rest_routes import create_rest_routes
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.routing import Route

from web.a2a import requests
from web.a2a.cards import card_of
from web.a2a.handler import RunHandler
from web.accounts.requests import owner_of_key
from web.bodies import a2a_bytes
from web.builder.access import access_gpt
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.runs.bridge import respond
from web.runs.connections import close_connection, in_database, take_stream
from web.runs.errors import TooManyStreams
from web.runs.programs import refused

NO_KEY: Final = "A valid API key is required: send “Authorization: Bearer gh_…”."
NO_AGENT: Final = "Agent not found."
# Limit of a request's values, by the commas between them: 14 MB of empty objects would take 500 once they are parsed.
MAX_COMMAS: Final = 200_000
# How long a card may be used without asking again.
CARD_S: Final = 300


@require_safe
def card(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The Agent Card: public while the GPT is in the store, otherwise for those who may chat with it."""
    return _card(request, slug, is_old=False)


@require_safe
def old_card(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same in the format of version 0.3, where earlier clients look first."""
    return _card(request, slug, is_old=True)


def _card(request: HttpRequest, slug: str, is_old: bool) -> HttpResponseBase:
    try:
        gpt = _callable(owner_of_key(request) or AnonymousUser(), slug)
    except Http404:
        return refused(404, NO_AGENT)
    assert gpt.published
    made = card_of(gpt, gpt.published)
    data = to_compat_agent_card(made).model_dump(exclude_none=True) if is_old else MessageToDict(made)
    response = JsonResponse(data)
    who = "public" if gpt.sharing == Sharing.STORE else "private"
    response.headers["Cache-Control"] = f"{who}, max-age={CARD_S}"
    response.headers["ETag"] = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    patch_vary_headers(response, ["Authorization"])
    return get_conditional_response(request, etag=response.headers["ETag"], response=response) or response


@csrf_exempt
@require_http_methods(["GET", "POST"])
async def call(request: HttpRequest, slug: str, rest: str = "") -> HttpResponseBase:
    """Answer a request of the A2A protocol, with the key of someone who may chat with the GPT.

    JSON-RPC without `rest`, in the current version or 0.3; with it, the binding to HTTP and JSON.
    """
    user = await in_database(owner_of_key, request)
    if user is None:
        return refused(401, NO_KEY)
    try:
        gpt = await in_database(_callable, user, slug)
    except Http404:
        return refused(404, NO_AGENT)
    await close_connection()
    body = request.read(a2a_bytes() + 1)
    if len(body) > a2a_bytes() or body.count(b",") > MAX_COMMAS:
        return refused(413, "The request is too large.")
    told = {} if rest else requests.read(body)
    if wrong := requests.params_error(told):
        return JsonResponse(wrong)
    try:
        slot = await take_stream(user.pk)
    except TooManyStreams as error:
        return refused(error.status, str(error))
    handler = RunHandler(user, gpt, requests.asks_no_status(request, told))
    headers = requests.added_headers(request, told, is_rest=bool(rest))
    return await respond(_application(handler, reverse("a2a", args=[slug])), request, body, {}, slot, headers)


def _application(handler: RunHandler, path: str) -> Starlette:
    """The SDK's application for requests to one GPT at `path`."""
    rpc = JsonRpcDispatcher(handler, enable_v0_3_compat=True)
    rest = create_rest_routes(handler, path_prefix=path)
    at = [Route(each, rpc.handle_requests, methods=["POST"]) for each in (path, f"{path}/")]
    return Starlette(routes=[*at, *rest])


def _callable(user: Any, slug: str) -> Gpt:
    """The published GPT that programs of `user` may call as an agent. Raises Http404."""
    gpt = access_gpt(user, slug)
    if not gpt.lets("a2a"):
        raise Http404(NO_AGENT)
    return gpt
