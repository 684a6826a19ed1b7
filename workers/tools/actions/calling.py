"""A call of an action: request built, secret attached, sent through the guard, answer scrubbed and read."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gpts.runs.steps import FileRef
from gpts.spec.actions import CALL_TIMEOUT_S, ActionSpec, Operation
from workers.egress import EgressConfig, EgressError, FetchLimits, Response, fetch
from workers.tools import Request, ToolContext, ToolError, ToolOutput, check_length, in_words
from workers.tools.actions import answers
from workers.tools.actions.files import kept_files, reader
from workers.tools.actions.requests import HttpRequest, build_request
from workers.tools.credentials import HIDDEN, Credential, scrub, scrub_bytes, signed
from workers.tools.settings import ToolSettings

# Files inside an answer are base64 (10 of 10 MB would be 140 MB; a tenth of that is generous for an answer).
MAX_ANSWER_BYTES: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it was sent, without the secret, and what came back, scrubbed."""

    request: HttpRequest
    response: Response
    lent: Credential


def exchange(
    settings: ToolSettings, action: ActionSpec, operation: Operation, arguments: dict[str, Any], context: ToolContext
) -> Exchange:
    """Send the request of a call. Raises ToolError, SignInNeeded, and what `context.check` raises."""
    request = build_request(action, operation, arguments, reader(context))
    lent = settings.credential(action.auth, action.action_id, context.user_id, request.host)
    try:
        response = fetch(
            request.url,
            settings.egress,
            method=request.method,
            headers=signed(request.headers, lent),
            content=request.body,
            limits=FetchLimits(max_bytes=MAX_ANSWER_BYTES, timeout_s=min(context.deadline_s, CALL_TIMEOUT_S)),
            check=context.check,
        )
    except EgressError as error:
        raise ToolError(scrub(str(error), lent)) from None
    return Exchange(request, _scrubbed(response, lent), lent)


def _scrubbed(response: Response, lent: Credential) -> Response:
    headers = {name: scrub(value, lent) for name, value in response.headers.items()}
    return Response(response.status, headers, scrub_bytes(response.content, lent), scrub(response.url, lent))


def call(
    settings: ToolSettings, action: ActionSpec, operation: Operation, arguments: dict[str, Any], context: ToolContext
) -> ToolOutput:
    """What the service answered. Raises ToolError, SignInNeeded."""
    done = exchange(settings, action, operation, arguments, context)
    response, host = done.response, done.request.host
    value = _decoded(done)
    if response.status >= 400:
        text = answers.failure(response, host, value)
        return answers.from_outside(host, text, answers.shown(text), ok=False)
    files = _files(value, done, context, settings.egress)
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if name != answers.FILES_OUT}
    text = answers.readable(value)
    check_length(text, f"The answer of {host}")
    told = answers.with_files(text, files) or f"{host} answered with status {response.status} and no content."
    return answers.from_outside(host, told, answers.shown(value), files)


def _decoded(done: Exchange) -> Any:
    """The answer's values, scrubbed once more: JSON can write a secret in ways of its own (\\u0073…)."""
    value = answers.decoded(done.response)
    return _clean(value, done.lent) if done.lent.secrets else value


def _clean(value: Any, lent: Credential) -> Any:
    if isinstance(value, str):
        return scrub(value, lent)
    if isinstance(value, dict):
        return {scrub(key, lent): _clean(each, lent) for key, each in value.items()}
    return [_clean(each, lent) for each in value] if isinstance(value, list) else value


def _files(value: Any, done: Exchange, context: ToolContext, egress: EgressConfig) -> list[FileRef]:
    response = done.response
    if isinstance(value, dict) and answers.FILES_OUT in value:
        return kept_files(value[answers.FILES_OUT], context, partial(_fetch_file, egress, context), done.lent)
    if value is None and response.content:  # the answer is a file itself
        name = unquote(urlsplit(response.url).path.rsplit("/", 1)[-1]) or "answer"
        return [context.keep(name[:120], response.content_type, response.content)]
    return []


def _fetch_file(egress: EgressConfig, context: ToolContext, url: str, limits: FetchLimits) -> Response:
    """A file at an address that the answer names, without the secret: the address may be anybody's."""
    try:
        return fetch(url, egress, limits=limits, check=context.check)
    except EgressError as error:
        raise ToolError(f"A file of the answer could not be fetched: {error}") from None


def describe(action: ActionSpec, operation: Operation, arguments: dict[str, Any]) -> Request:
    """The call in plain words, and the request exactly, without the secret."""
    try:
        request = build_request(action, operation, arguments)
    except ToolError as error:
        return Request(f"A request to {action.name} that cannot be sent: {error}", "")
    verb = {"GET": "Read from", "HEAD": "Read from", "DELETE": "Delete at", "POST": "Send to"}.get(
        request.method, "Change at"
    )
    what = (operation.summary or operation.name.replace("_", " ")).rstrip(".")
    sign_in = {"none": "", "oauth": " with your sign-in there"}.get(action.auth, " with the creator's key")
    words = f"{verb} {request.host}{sign_in}: {what}.\n{in_words(arguments)}".strip()
    return Request(words, raw_text(request, action.auth))


def raw_text(request: HttpRequest, auth: str = "none") -> str:
    """The request as HTTP text; where a secret is attached, a placeholder stands."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Authorization: {HIDDEN}"] if auth != "none" else []
    return "\n".join([*lines, *(["", request.shown_body] if request.shown_body else [])])
