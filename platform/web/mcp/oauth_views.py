"""The URLs of the authorization server: its metadata, the page that asks the person, tokens, registration."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from mcp.server.auth.handlers.authorize import AuthorizationHandler
from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.provider import construct_redirect_uri
from mcp.server.auth.settings import ClientRegistrationOptions
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from web.accounts import grants
from web.accounts.models import Program
from web.accounts.quotas import QuotaExceeded
from web.accounts.requests import PersonRequest
from web.checks import is_loopback
from web.mcp.oauth import SCOPE, WRONG_RESOURCE, OAuthProvider, origin_of, resource_of
from web.mcp.oauth_documents import is_document, learn

_SALT: Final = "web.mcp.oauth"
# How long a person may look at the question.
CONSENT_S: Final = 3_600
METADATA_S: Final = 3_600
FORM: Final = "application/x-www-form-urlencoded"
EXPIRED: Final = "This page is too old. Start again in the program."


@require_safe
def resource_metadata(request: HttpRequest) -> JsonResponse:
    """What protects the MCP server (RFC 9728)."""
    site = origin_of(request)
    return _public(
        resource=resource_of(request),
        authorization_servers=[site],
        scopes_supported=[SCOPE],
        bearer_methods_supported=["header"],
        resource_documentation=f"{site}/docs/api",
    )


@require_safe
def server_metadata(request: HttpRequest) -> JsonResponse:
    """What the authorization server offers (RFC 8414)."""
    site = origin_of(request)
    return _public(
        issuer=site,
        authorization_endpoint=site + reverse("oauth_authorize"),
        token_endpoint=site + reverse("oauth_token"),
        registration_endpoint=site + reverse("oauth_register"),
        revocation_endpoint=site + reverse("oauth_revoke"),
        scopes_supported=[SCOPE],
        response_types_supported=["code"],
        response_modes_supported=["query"],
        grant_types_supported=["authorization_code", "refresh_token"],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        code_challenge_methods_supported=["S256"],
        client_id_metadata_document_supported=True,
        authorization_response_iss_parameter_supported=True,
        service_documentation=f"{site}/docs/api",
    )


def _public(**metadata: Any) -> JsonResponse:
    # Pages of any origin may read it: it is the same for everyone.
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": f"public, max-age={METADATA_S}"}
    return JsonResponse(metadata, headers=headers)


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def authorize(request: PersonRequest) -> HttpResponse:
    """Ask the person whether the program may act for them, and send them back to it with their answer."""
    if request.method == "POST":
        return _decide(request)
    if is_document(client_id := request.GET.get("client_id", "")):
        learn(request.user, client_id)
    provider = OAuthProvider(resource_of(request))
    response = async_to_sync(AuthorizationHandler(provider).handle)(_as_starlette(request))
    if provider.asked is None:
        # Anybody can register a program: without a click, only one that the person has connected gets them back.
        if response.status_code == 302 and grants.live_grants(request.user).filter(program=client_id).exists():
            return _redirect(request, response.headers["location"])
        return _refusal(request)
    asked = provider.asked
    sent = {
        "program": client_id,
        "redirect_uri": str(asked.redirect_uri),
        "state": asked.state,
        "code_challenge": asked.code_challenge,
    }
    return _page(request, sent, signing.dumps(sent, salt=_SALT))


def _page(request: PersonRequest, sent: dict[str, Any], signed: str, error: str = "") -> HttpResponse:
    program, target = get_object_or_404(Program, id=sent["program"]), urlsplit(sent["redirect_uri"])
    is_app = target.scheme not in ("http", "https")
    context = {
        "program": program,
        "document": urlsplit(program.id).netloc if is_document(program.id) else "",
        "is_local": is_loopback(target.hostname),
        "is_app": is_app,
        "target": target.scheme if is_app else target.netloc,
        "signed": signed,
        "error": error,
    }
    response = render(request, "account/authorize.html", context, status=409 if error else 200)
    # Browsers hold the redirect that follows on the form to this, too.
    place = f"{target.scheme}:" if is_app else f"{target.scheme}://{target.netloc}"
    response._csp_update = {"form-action": [place]}  # type: ignore[attr-defined]
    return response


def _decide(request: PersonRequest) -> HttpResponse:
    """Send the person back, with a code if they allow it."""
    signed = request.POST.get("request", "")
    try:
        sent = signing.loads(signed, salt=_SALT, max_age=CONSENT_S)
    except signing.BadSignature:
        return render(request, "account/authorize.html", {"refused": EXPIRED}, status=400)
    if request.POST.get("decision") != "allow":
        return _redirect(request, sent["redirect_uri"], error="access_denied", state=sent["state"])
    program = get_object_or_404(Program, id=sent["program"])
    kept = {name: sent[name] for name in ("redirect_uri", "code_challenge")}
    try:
        code = grants.grant(request.user, program, resource_of(request), kept)
    except QuotaExceeded as error:
        return _page(request, sent, signed, error.messages[0])
    return _redirect(request, sent["redirect_uri"], code=code, state=sent["state"])


def _redirect(request: HttpRequest, uri: str, **parameters: str | None) -> HttpResponse:
    """Back to the program, which checks `iss` (RFC 9207). Not Django's own redirect, which refuses apps' schemes."""
    location = construct_redirect_uri(uri, **parameters, iss=origin_of(request))
    return HttpResponse(status=302, headers={"Location": location})


def _refusal(request: HttpRequest) -> HttpResponse:
    """A page for the person, who isn't sent on to an address that they have not seen."""
    return render(request, "account/authorize.html", status=400)


def _endpoint(
    view: Callable[[HttpRequest, OAuthProvider], Awaitable[Response]],
) -> Callable[[HttpRequest], HttpResponse]:
    """The Django view of one of the SDK's handlers."""

    @wraps(view)
    @csrf_exempt
    @require_POST
    def endpoint(request: HttpRequest) -> HttpResponse:
        response = async_to_sync(view)(request, OAuthProvider(resource_of(request)))
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return HttpResponse(response.body, status=response.status_code, headers=headers)

    return endpoint


@_endpoint
async def token(request: HttpRequest, provider: OAuthProvider) -> Response:
    """Tokens for a code or a refresh token."""
    if request.content_type != FORM:
        return JSONResponse({"error": "invalid_request", "error_description": f"Send {FORM}."}, status_code=400)
    if request.POST.getlist("resource") not in ([], [provider.resource]):
        return JSONResponse({"error": "invalid_target", "error_description": WRONG_RESOURCE}, status_code=400)
    return await TokenHandler(provider, ClientAuthenticator(provider)).handle(_as_starlette(request))


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> JsonResponse:
    """End the grant of a token (RFC 7009). Not by the SDK's handler, which demands a client secret of everyone."""
    if not {"token", "client_id"} <= set(request.POST):
        return JsonResponse({"error": "invalid_request"}, status=400)
    grants.revoke(request.POST["client_id"], request.POST["token"])
    return JsonResponse({})


@_endpoint
async def register(request: HttpRequest, provider: OAuthProvider) -> Response:
    """A new program, which nobody has granted anything yet (RFC 7591)."""
    return await RegistrationHandler(provider, ClientRegistrationOptions(enabled=True)).handle(_as_starlette(request))


def _as_starlette(request: HttpRequest) -> Request:
    """The request as the SDK's handlers take it."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    headers = [(b"content-type", (request.content_type or "").encode())]
    query = request.META.get("QUERY_STRING", "").encode("latin-1")
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": query,
        "headers": headers,
    }
    return Request(scope, receive)
