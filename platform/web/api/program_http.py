"""What HTTP clients of programs expect at every door: request ids, CORS, HEAD, trailing slashes; gzip for all pages.

A page of another site may call with a key if operators allow its origin. Cookies never count there: the responses do
not allow credentials.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

from web.api.apis import shaped
from web.api.errors import APIS, DOORS, problem_of, respond
from web.bodies import json_limit

logger = logging.getLogger(__name__)

REQUEST_ID: Final = "x-request-id"
# Where the clients of Anthropic look for it.
ANTHROPIC_ID: Final = "request-id"
PREFLIGHT_S: Final = 600
# Of a request with files, by the commas between its values: parsed, they take far more memory than bytes.
MAX_VALUES: Final = 200_000
METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED: Final = (
    "x-request-id, request-id, x-ignored-parameters, x-should-retry, retry-after, ratelimit,"
    " ratelimit-policy, mcp-session-id, www-authenticate,"
    " x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests"
)


class ProgramHttp:
    """Middleware before all others that may answer a program."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._gzip = GZipMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response, with what programs expect of it."""
        if not request.path.startswith(DOORS):
            return self._smaller(request, self._get_response(request))
        response = HttpResponse(status=204) if _is_preflight(request) else self._answer(request)
        _allow_origin(request, response)
        response.headers[REQUEST_ID] = response.headers[ANTHROPIC_ID] = f"req_{uuid.uuid4().hex}"
        if response.status_code >= 500:
            logger.error("%s: %s %s is %d", response[REQUEST_ID], request.method, request.path, response.status_code)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Read a body of JSON with files in it, which may be larger than Django reads by itself.

        Django reads forms in pieces.
        """
        match = request.resolver_match
        limit = json_limit(match.route) if match and request.path.startswith("/v1/") else None
        if limit is None or hasattr(request, "_body"):
            return None
        body = request.read(limit + 1)
        if len(body) > limit or body.count(b",") > MAX_VALUES:
            return respond(problem_of(RequestDataTooBig()), request.path)
        request._body = body
        return None

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if _is_elsewhere(request):
            request.COOKIES.clear()
        is_head = request.method == "HEAD" and request.path.startswith(APIS)
        if is_head:
            request.method = "GET"
        if request.path.startswith("/v1/") and request.path.endswith("/"):
            request.path, request.path_info = request.path.rstrip("/"), request.path_info.rstrip("/")
        response = self._get_response(request)
        if request.path.startswith(APIS):
            response = shaped(request, response)
        if is_head:
            _empty(response)
            return response
        return self._smaller(request, response)

    def _smaller(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response in gzip, but not one that streams: its events would wait for more to compress."""
        return response if response.streaming else self._gzip.process_response(request, response)


def _empty(response: HttpResponseBase) -> None:
    """Make it the response to HEAD."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = iter(())
    elif isinstance(response, HttpResponse):
        response.headers["Content-Length"] = str(len(response.content))
        response.content = b""


def _is_elsewhere(request: HttpRequest) -> bool:
    """Whether a page of another site sent it, for which no cookie counts."""
    origin = request.headers.get("Origin")
    here = f"{request.scheme}://{request.headers.get('Host', '')}"  # which is checked later
    own = (settings.SITE_URL, *settings.CSRF_TRUSTED_ORIGINS, here)
    return origin is not None and origin not in own


def _is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _allow_origin(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let pages of an allowed origin read the response."""
    if not settings.API_ORIGINS:
        return
    patch_vary_headers(response, ["Origin"])
    origin = request.headers.get("Origin", "")
    if not origin or not {"*", origin} & set(settings.API_ORIGINS):
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if _is_preflight(request):
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = request.headers.get("Access-Control-Request-Headers", "")
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
