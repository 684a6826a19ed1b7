"""What an API key may do: which scope each address of the APIs needs, declared here once and checked before any view.

An address that RULES do not know takes no key at all, such as those that make keys and end them; a test walks all
addresses. Sessions, and the tokens of connected programs, which are for one address only, have no scopes.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from web.accounts.models import Scope
from web.accounts.requests import key_of
from web.api.errors import Problem, respond

NOT_APPROVER: Final = (
    "This API key can’t answer approval requests. A person answers on the run’s page, or a program with a key that"
    " was created with “Can approve actions”."
)
MISSING: Final = "This API key lacks the scope {scopes}, which this request needs. Create one that has it."
_DOORS: Final = ("/api/", "/v1/", "/a2a/", "/mcp")
_CHAT, _READ, _MANAGE, _APPROVE = Scope.CHAT, Scope.READ, Scope.MANAGE, Scope.APPROVE


def _rule(methods: str, paths: str, *scopes: Scope) -> tuple[re.Pattern[str], frozenset[Scope]]:
    return re.compile(rf"({methods}) /({paths})(?=[/?.]|$)"), frozenset(scopes)


# The first whose pattern begins “METHOD /path” counts. A key needs one of the scopes. Whoever chats also reads what
# comes of it, and sends files along.
_READS: Final = "GET|HEAD|OPTIONS"
_WRITES: Final = "POST|PUT|PATCH|DELETE"
_CHATS: Final = "chat/completions|completions|messages|responses|conversations|batches|files"
_OF_GPT: Final = r"api/gpts/[^/]+"
RULES: Final = (
    _rule(f"{_READS}|{_WRITES}", "api/operate/(people|groups|audit)", _APPROVE),  # whose addresses no agent needs
    _rule(_WRITES, r"api/runs/[^/]+/approve|api/runs/[^/]+/apps/[^/]+/calls/[^/]+/answer|api/operate", _APPROVE),
    _rule(_READS, f"v1/models|v1/({_CHATS})|api/(runs|attachments)|a2a|mcp", _CHAT, _READ),
    _rule(_WRITES, f"v1/({_CHATS}|embeddings|moderations|images|audio)|a2a|mcp", _CHAT),
    _rule(_WRITES, rf"{_OF_GPT}/runs|api/(runs|attachments|conversations|shared-chats)", _CHAT),
    _rule("POST", r"v1/vector_stores/[^/]+/search", _READ),
    _rule(_READS, "v1/(vector_stores|openapi)|api", _READ),
    _rule(_WRITES, "v1/vector_stores", _MANAGE),
    _rule(_WRITES, "api/(account|gpts|import|sign-ins|permissions|memories|schedules|projects|collections)", _MANAGE),
    _rule(_WRITES, "api/(imports|reviews|reports)", _MANAGE),
)


def needed(method: str, path: str) -> frozenset[Scope]:
    """The scopes of which a key needs one; empty where no key is taken."""
    line = f"{method} {path}"
    return next((scopes for pattern, scopes in RULES if pattern.match(line)), frozenset())


class KeyScopes:
    """After the limits of requests: refuses what the key of a request may not do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The response."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponseBase | None:
        """403 if the request has a valid key without the scope. The view refuses all else."""
        if not request.path_info.startswith(_DOORS) or _is_nowhere(request):
            return None
        key, scopes = key_of(request), needed(request.method or "", request.path_info)
        if key is None or not scopes.isdisjoint(key.scopes):
            return None
        if not scopes:
            request.__dict__["api_key"] = None  # as if none was sent
            return None
        return respond(_refusal(scopes), request.path)


def _is_nowhere(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name == "api_nowhere"


def _refusal(scopes: frozenset[Scope]) -> Problem:
    if scopes == {Scope.APPROVE}:
        return Problem(403, NOT_APPROVER, code="key_cannot_approve")
    names = " or ".join(f"“{scope}”" for scope in Scope if scope in scopes)
    return Problem(403, MISSING.format(scopes=names), code="missing_scope")
