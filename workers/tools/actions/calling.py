"""Calls an action: builds the request, attaches the credential, sends it through the guard, scrubs the response."""

from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gpts.runs.steps import FileRef
from gpts.spec.actions import CALL_TIMEOUT_S, ActionSpec, Operation, call_of
from workers.egress import EgressConfig, EgressError, FetchLimits, Response, fetch
from workers.tools import Request, ToolContext, ToolError, ToolOutput, check_length, in_words
from workers.tools.actions import answers
from workers.tools.actions.files import kept_files, reader
from workers.tools.actions.requests import HttpRequest, build_request
from workers.tools.credentials import HIDDEN, Credential, scrub, scrub_bytes, signed
from workers.tools.settings import ToolSettings

# Files in a response are base64: ten of 10 MB would be 140 MB, and a tenth of that is generous.
MAX_ANSWER_BYTES: Final = 16_000_000
# A service may compute for a while before it answers.
SILENT_S: Final = 30.0
# For all files that a response links to.
FILES_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request without its secret, and the scrubbed response."""

    request: HttpRequest
    response: Response
    credential: Credential

    def value(self) -> Any:
        """The response as JSON values, text or None. Scrubbed again, as JSON can escape a secret (`\\u0073`)."""
        return _scrubbed_value(answers.decoded(self.response), self.credential)


def exchange(
    settings: ToolSettings, action: ActionSpec, operation: Operation, arguments: dict[str, Any], context: ToolContext
) -> Exchange:
    """Send the request of a call. Raises ToolError, SignInNeeded, and what `context.check` raises."""
    request = build_request(action, operation, arguments, reader(context))
    call = call_of(operation.method, action.base_url, operation.path)
    credential = settings.credential(action.auth, action.action_id, context.user_id, request.host, call)
    try:
        response = fetch(
            request.url,
            settings.egress,
            method=request.method,
            headers=signed(request.headers, credential),
            content=request.body,
            limits=FetchLimits(MAX_ANSWER_BYTES, min(context.deadline_s, CALL_TIMEOUT_S), SILENT_S),
            check=context.check,
        )
    except EgressError as error:
        raise ToolError(scrub(str(error), credential)) from None
    headers = {name: scrub(value, credential) for name, value in response.headers.items()}
    content, url = scrub_bytes(response.content, credential), scrub(response.url, credential)
    return Exchange(request, Response(response.status, headers, content, url), credential)


def call(
    settings: ToolSettings, action: ActionSpec, operation: Operation, arguments: dict[str, Any], context: ToolContext
) -> ToolOutput:
    """The response of the service. Raises ToolError, SignInNeeded, and what `context.check` raises."""
    done = exchange(settings, action, operation, arguments, context)
    response, host = done.response, done.request.host
    value = done.value()
    if response.status >= 400:
        text = answers.failure(response, host, value)
        return answers.from_outside(host, text, answers.shown(text), ok=False)
    files = _files(value, done, context, settings.egress)
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if name != answers.FILES_OUT}
    text = answers.readable(value)
    check_length(text, f"The response of {host}")
    text = answers.with_files(text, files) or f"{host} returned status {response.status} without content."
    return answers.from_outside(host, text, answers.shown(value), files)


def _scrubbed_value(value: Any, credential: Credential) -> Any:
    if isinstance(value, str):
        return scrub(value, credential)
    if isinstance(value, dict):
        return {scrub(key, credential): _scrubbed_value(each, credential) for key, each in value.items()}
    return [_scrubbed_value(each, credential) for each in value] if isinstance(value, list) else value


def _files(value: Any, done: Exchange, context: ToolContext, egress: EgressConfig) -> list[FileRef]:
    response = done.response
    if isinstance(value, dict) and answers.FILES_OUT in value:
        fetch_file = partial(_fetch_file, done.request.host, egress, context, monotonic() + FILES_S)
        return kept_files(value[answers.FILES_OUT], context, fetch_file, done.credential)
    if value is None and response.content:  # the response is a file itself
        name = unquote(urlsplit(response.url).path.rsplit("/", 1)[-1]) or "response"
        return [context.keep(name[:120], response.content_type, response.content)]
    return []


def _fetch_file(
    host: str, egress: EgressConfig, context: ToolContext, until: float, url: str, max_bytes: int
) -> Response:
    """A file that the response links to, fetched without the credential: the URL may be on any host."""
    left_s = max(until - monotonic(), 0.1)
    try:
        return fetch(url, egress, limits=FetchLimits(max_bytes, left_s), check=context.check)
    except EgressError as error:  # it names the host, which the response chose
        raise ToolError(f"Couldn't fetch a file of the response: {error}", f"the answer of {host}") from None


def describe(action: ActionSpec, operation: Operation, arguments: dict[str, Any]) -> Request:
    """The call in plain language, and the full request without its secret."""
    try:
        request = build_request(action, operation, arguments)
    except ToolError as error:
        return Request(f"An invalid request to {action.name}: {error}", "")
    verb = {"GET": "Read from", "HEAD": "Read from", "DELETE": "Delete from", "POST": "Send to"}.get(
        request.method, "Update on"
    )
    what = (operation.summary or operation.name.replace("_", " ")).rstrip(".")
    sign_in = {"none": "", "oauth": " with your account"}.get(action.auth, " with the creator's key")
    words = f"{verb} {request.host}{sign_in}: {what}.\n{in_words(arguments)}".strip()
    return Request(words, raw_text(request, action.auth))


def raw_text(request: HttpRequest, auth: str = "none") -> str:
    """The request as HTTP text, with a placeholder for the secret."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Authorization: {HIDDEN}"] if auth != "none" else []
    return "\n".join([*lines, *(["", request.shown_body] if request.shown_body else [])])
