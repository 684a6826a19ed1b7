"""Limits of requests a minute, by person or address, with the standard headers that tell programs what is left.

Counts are in Redis, for all web processes together; without Redis nothing is refused. A window is a minute of the
clock. Headers: RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10), Retry-After, and under /v1
also OpenAI's own.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext, gettext_noop

from web.accounts.requests import owner_of_secret, secret_of
from web.api.errors import DOORS, Problem, respond

logger = logging.getLogger(__name__)

WINDOW_S: Final = 60
TOO_MANY: Final = gettext_noop("Too many requests. Try again in {seconds} s.")


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests whose method and path match `pattern` are counted under `name`; `setting` is the limit a minute."""

    name: str
    setting: str
    pattern: re.Pattern[str]


RULES: Final = (
    Rule(
        "uploads",
        "UPLOADS_A_MINUTE",
        re.compile(r"POST /(api/attachments|files/attach|v1/files|(api/)?(import|gpts/[^/]+/files))\b"),
    ),
    Rule(
        "shares",
        "SHARES_A_MINUTE",
        re.compile(
            r"POST /(api/)?gpts/[^/]+/(shares|people)(\?|$)|GET /(api/gpts/[^/]+/access\b|gpts/[^/]+/people\?)"
        ),
    ),
    Rule("webhooks", "WEBHOOKS_A_MINUTE", re.compile(r"\w+ /api/schedules/[^/]+/trigger/")),
    Rule("api", "API_REQUESTS_A_MINUTE", re.compile(r"\w+ /(((api|v1|a2a|scim)/)|mcp\b|(token|revoke)\b)")),
    Rule(
        "sign-in",
        "SIGN_INS_A_MINUTE",
        # Not what needs a link that nobody guesses, or a class that joins at once from one address would wait.
        re.compile(
            r"POST /(account/(?!me/|keys/|programs/|logout/|confirm-email/.)|enter/)"
            r"|\w+ /(account/(oidc|saml)/|(register|authorize)\b)"
        ),
    ),
    Rule("visitors", "NEW_VISITORS_A_MINUTE", re.compile(r"POST /embed/[^/]+/visit/")),
    Rule("search", "SEARCHES_A_MINUTE", re.compile(r"GET /(g/mentionable)?\?.*\bq=")),
    # All else that is sent from pages: whatever a form adds to the database has this bound at least.
    Rule("changes", "CHANGES_A_MINUTE", re.compile(r"(POST|PUT|PATCH|DELETE) /")),
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many requests of a rule were made in this window, this one included."""

    rule: Rule
    n: int
    limit: int
    left_s: int

    @property
    def is_over(self) -> bool:
        """Whether this request is one too many."""
        return self.n > self.limit

    def headers(self, is_openai: bool) -> Iterator[tuple[str, str]]:
        """What is left, for programs."""
        remaining = max(0, self.limit - self.n)
        yield "RateLimit-Policy", f'"{self.rule.name}";q={self.limit};w={WINDOW_S}'
        yield "RateLimit", f'"{self.rule.name}";r={remaining};t={self.left_s}'
        if is_openai:
            yield "x-ratelimit-limit-requests", str(self.limit)
            yield "x-ratelimit-remaining-requests", str(remaining)
            yield "x-ratelimit-reset-requests", f"{self.left_s}s"


class RateLimits:
    """Middleware after authentication: refuses requests beyond a limit with 429, before any view runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response, with what is left; or the refusal."""
        count = counted(request)
        if count is None:
            return self._get_response(request)
        response = _refusal(request, count) if count.is_over else self._get_response(request)
        for name, value in count.headers(request.path.startswith("/v1/")):
            response.headers[name] = value
        return response


def counted(request: HttpRequest) -> Count | None:
    """The request, counted; None if no rule is for it or for nobody, its rule has no limit, or Redis is away."""
    line = f"{request.method} {request.get_full_path()}"
    rule = next((rule for rule in RULES if rule.pattern.match(line)), None)
    limit: int | None = getattr(settings, rule.setting) if rule else None
    is_nobodys = rule is not None and rule.name == "changes" and not request.user.is_authenticated
    if rule is None or limit is None or is_nobodys:  # a class joins at once, from one address
        return None
    now = time.time()
    key = f"rate:{rule.name}:{_who(request, rule)}:{int(now // WINDOW_S)}"
    try:
        pipe = _client(settings.REDIS_URL).pipeline()
        pipe.incr(key)
        pipe.expire(key, 2 * WINDOW_S)
        n = cast(int, pipe.execute()[0])
    except redis.RedisError as error:
        logger.warning("requests are not counted: %s", error)
        return None
    return Count(rule, n, limit, max(1, round(WINDOW_S - now % WINDOW_S)))


def _who(request: HttpRequest, rule: Rule) -> str:
    """The person; for sign-ins and people who are not signed in, the address."""
    if rule.name != "sign-in":
        person: Any = owner_of_secret(request) if secret_of(request) else request.user
        if person is not None and person.is_authenticated:
            return f"person-{person.pk}"
    return str(request.META.get("REMOTE_ADDR", ""))


def _refusal(request: HttpRequest, count: Count) -> HttpResponse:
    text = gettext(TOO_MANY).format(seconds=count.left_s)
    if request.path.startswith(DOORS):
        problem = Problem(429, text, code="rate_limit_exceeded", retry_after_s=count.left_s)
        return respond(problem, request.path)
    headers = {"Retry-After": str(count.left_s)}
    if "application/json" in request.headers.get("Accept", "") or not request.accepts("text/html"):
        return JsonResponse({"error": text}, status=429, headers=headers)
    response = render(request, "429.html", {"text": text}, status=429)
    response.headers["Retry-After"] = headers["Retry-After"]
    return response


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
