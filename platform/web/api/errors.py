"""API errors: `problem_of` decides what an exception means to the caller; the shapes format it for /v1 and /api."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, ValidationError
from django.http import Http404, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import Schema
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as RequestInvalid
from pydantic import Field

from gpts.runs.form_answers import InvalidAnswers
from web.accounts.quotas import QuotaExceeded
from web.rpc import NoResult
from web.runs.errors import OverQuota, Refused, RunOver
from web.runs.events import Rewritten
from web.store.reviews import TooManyReviews

logger = logging.getLogger(__name__)

RETRY_AFTER_S: Final = 5
# Where every error has the shape of the path, whoever made it, and where else programs call.
APIS: Final = ("/v1", "/api")
DOORS: Final = (*APIS, "/a2a/", "/mcp", "/scim/", "/token", "/revoke", "/register")
PROBLEM_JSON: Final = "application/problem+json"
SCIM_JSON: Final = "application/scim+json"
SCIM_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error for the caller. `fields` holds (field, message) of each invalid field, `field` the first of them.

    `is_final`: the same request must not be sent again, which official clients do by themselves after some statuses.
    With the status 429 or 503, `retry_after_s` is when to try again; 0 if time alone does not help. `details` are
    for programs, as fields of the error.
    """

    status: int
    message: str
    field: str | None = None
    code: str | None = None
    fields: tuple[tuple[str, str], ...] = ()
    is_final: bool = False
    retry_after_s: int = RETRY_AFTER_S
    details: Mapping[str, Any] | None = None


class ApiError(Exception):
    """An invalid request."""

    def __init__(
        self,
        status: int,
        message: str,
        field: str | None = None,
        code: str | None = None,
        *,
        is_final: bool = False,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.problem = Problem(status, message, field, code, is_final=is_final, details=details)


class FieldError(Schema):
    """An invalid field of the request."""

    field: str
    message: str


class ProblemDetails(Schema):
    """Every response under /api with a status of 400 or more: `application/problem+json` (RFC 9457).

    If fields are invalid, `errors` lists them and `field` is the first.
    """

    type: str = Field(description="The URI of `code`; about:blank without one.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What went wrong, for people.")
    instance: str = Field(description="The path of the request.")
    code: str | None = Field(None, description="What went wrong, for programs.")
    field: str | None = None
    errors: list[FieldError] | None = None


# What routes of `/api` answer besides what was asked for: of one's own things, a list of these, anything that has a
# name, a list of these, and requests with a body.
OWN: Final = {401: ProblemDetails}
OWN_LISTED: Final = {**OWN, 422: ProblemDetails}
DENIED: Final = {**OWN, 403: ProblemDetails, 404: ProblemDetails}
LISTED: Final = {**DENIED, 422: ProblemDetails}
INVALID: Final = {**DENIED, 400: ProblemDetails, 413: ProblemDetails, 422: ProblemDetails}


class OpenAiError(Schema):
    """An error in OpenAI's format."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None
    guildhall: dict[str, Any] | None = Field(None, description="Details of `code`, where it has any.")


class OpenAiErrorBody(Schema):
    """Every response under /v1 with a status of 400 or more."""

    error: OpenAiError


# What most of /v1 may answer besides.
ERRORS: Final = dict.fromkeys((400, 401, 403, 404, 429), OpenAiErrorBody)


class AnthropicError(Schema):
    """An error in Anthropic's format."""

    type: str
    message: str
    details: dict[str, Any] | None = Field(None, description="`error_code`, and what belongs to it.")


class AnthropicErrorBody(Schema):
    """Every response under /v1/messages with a status of 400 or more."""

    type: Literal["error"] = "error"
    error: AnthropicError


def problem_of(error: Exception) -> Problem:
    """What `error` means to the caller. Unexpected errors are logged and reported as a 500."""
    match error:
        case ApiError():
            return error.problem
        case OverQuota():
            return problem_of(error.quota)
        case QuotaExceeded():
            code = "rate_limit_exceeded" if error.is_passing else "insufficient_quota"
            text, after_s = error.messages[0], error.retry_after_s
            return Problem(429, text, code=code, retry_after_s=after_s, is_final=not error.is_passing)
        case Refused():
            return Problem(error.status, str(error), code=_CODES.get(error.status))
        case Rewritten():
            return Problem(500, str(Rewritten.__doc__), code="answer_rewritten")
        case InvalidAnswers():
            return _invalid(list(error.errors.items()))
        case RunOver():
            return Problem(409, "This run has already ended.", code="run_over")
        case TooManyReviews():
            return Problem(429, error.messages[0], code="rate_limit_exceeded")
        case NoResult():
            return Problem(503, str(error), code="workers_away")
        case Http404():
            return Problem(404, str(error) or "Not found.", code="not_found")
        case AuthenticationError():
            return Problem(401, NO_KEY, code="invalid_api_key")
        case HttpError():
            return Problem(error.status_code, str(error))
        case RequestInvalid():
            return _invalid([(_field(each["loc"]), _sentence(each)) for each in error.errors])
        case ValidationError():
            return _invalid(_messages(error))
        case RequestDataTooBig():
            return Problem(413, "The request is too large.", code="request_too_large")
        case MultiPartParserError() | BadRequest() | SuspiciousOperation() | UnreadablePostError():
            return Problem(400, "The request could not be read. Send it again.")
    logger.exception("an API request failed", exc_info=error)
    return Problem(500, "Something went wrong. The error was logged; try again later.", code="internal_error")


NO_KEY: Final = "A valid API key is required: send “Authorization: Bearer gh_…”. Create keys on your account page."
UNKNOWN_FIELD: Final = "This request has no such field. Check its spelling, or leave it out."
_CODES: Final = {413: "message_too_long", 429: "rate_limit_exceeded", 409: "conflict"}


def _sentence(error: dict[str, Any]) -> str:
    is_unknown = error["type"] in ("extra_forbidden", "unexpected_keyword_argument")
    return UNKNOWN_FIELD if is_unknown else str(error["msg"]).removeprefix("Value error, ")


def _field(loc: tuple[Any, ...]) -> str:
    """The field's path in the request, without our parameter's name and pydantic's names of alternatives."""
    place = loc[2:] if len(loc) > 2 and loc[0] == "body" else loc[1:] or loc
    return ".".join(part for part in map(str, place) if part != "str" and "[" not in part)


def _messages(error: ValidationError) -> list[tuple[str, str]]:
    if hasattr(error, "error_dict"):
        return [
            ("" if name == "__all__" else name, text) for name, texts in error.message_dict.items() for text in texts
        ]
    return [("", text) for text in error.messages]


def _invalid(fields: list[tuple[str, str]]) -> Problem:
    name, message = fields[0]
    named = tuple((field, text) for field, text in fields if field)
    return Problem(422, f"{name}: {message}" if name else message, name or None, "invalid", named)


def native_shape(problem: Problem, path: str) -> tuple[int, dict[str, Any]]:
    """The status and body at a `path` under /api."""
    fields = [FieldError(field=field, message=message) for field, message in problem.fields]
    details = ProblemDetails(
        type=f"{settings.SITE_URL}/docs/api/#{problem.code}" if problem.code else "about:blank",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        detail=problem.message,
        instance=quote(path),
        code=problem.code,
        field=problem.field,
        errors=fields or None,
    )
    return problem.status, details.model_dump(exclude_none=True)


_TYPES: Final = {401: "authentication_error", 429: "rate_limit_error"}


def openai_shape(problem: Problem) -> tuple[int, dict[str, Any]]:
    """The status and body under /v1, where invalid fields are a 400, and in front of A2A and MCP."""
    status = 400 if problem.status == 422 else problem.status
    fallback = "server_error" if status >= 500 else "invalid_request_error"
    error = {
        "message": problem.message,
        "type": "insufficient_quota" if problem.code == "insufficient_quota" else _TYPES.get(status, fallback),
        "param": problem.field,
        "code": problem.code,
        **({"guildhall": dict(problem.details)} if problem.details else {}),
    }
    return status, {"error": error}


_ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def anthropic_shape(problem: Problem) -> tuple[int, dict[str, Any]]:
    """The status and body under /v1/messages."""
    status = 400 if problem.status == 422 else problem.status
    kind = _ANTHROPIC_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    details = {"error_code": problem.code, **(problem.details or {})} if problem.code else None
    error = AnthropicError(type=kind, message=problem.message, details=details)
    return status, AnthropicErrorBody(error=error).model_dump(exclude_none=True)


def scim_shape(problem: Problem) -> tuple[int, dict[str, Any]]:
    """The status and body under /scim (RFC 7644, section 3.12), which has codes for these statuses only."""
    code = {"scimType": problem.code} if problem.code and problem.status in (400, 409) else {}
    return problem.status, {"schemas": [SCIM_ERROR], "status": str(problem.status), **code, "detail": problem.message}


def respond(problem: Problem, path: str) -> HttpResponse:
    """The error response for `problem`, in the shape of the request's path."""
    content_type = "application/json"
    if path.startswith("/api"):
        content_type = PROBLEM_JSON
        status, body = native_shape(problem, path)
    elif path.startswith("/scim/"):
        content_type = SCIM_JSON
        status, body = scim_shape(problem)
    else:
        status, body = (anthropic_shape if path.startswith("/v1/messages") else openai_shape)(problem)
    response = JsonResponse(body, status=status, content_type=content_type)
    if status in (429, 503) and problem.retry_after_s:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.is_final:
        response.headers["X-Should-Retry"] = "false"  # read by the clients of OpenAI and Anthropic
    return response


_REFUSALS: Final = {401: "invalid_api_key", 408: "timeout", 413: "request_too_large", 429: "rate_limit_exceeded"}


def refusal(status: int, text: str, path: str) -> HttpResponse:
    """The response to a request that is refused before any view has it; the scripts of pages show the text."""
    if path.startswith(DOORS):
        return respond(Problem(status, text, code=_REFUSALS[status]), path)
    return JsonResponse({"error": text}, status=status, headers={"Retry-After": "5"} if status == 429 else {})
