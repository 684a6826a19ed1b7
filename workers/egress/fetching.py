"""One request through the guard, its redirects included."""

import mimetypes
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final
from urllib.parse import urljoin

import httpcore

from gpts.egress.config import EgressConfig
from gpts.egress.errors import EgressError, EgressFailed, EgressRefused
from gpts.egress.guard import Guard
from gpts.egress.urls import Target
from workers.egress.config import FetchLimits, Response, media_type
from workers.egress.connecting import GuardedBackend, tls
from workers.egress.headers import harmless, read_headers, request_headers
from workers.egress.resolving import Deadline
from workers.egress.unpacking import Unpacker

_REDIRECTS: Final = frozenset([301, 302, 303, 307, 308])
_METHODS: Final = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
_DEFAULT: Final = FetchLimits()
# Models read these errors as the site's own words: nothing that a server sent may be in them, such as its headers or
# the host that it redirects to.
_ELSEWHERE: Final = "The address redirects to another host, which couldn't be opened."
_KNOWN_TYPES: Final = frozenset(mimetypes.types_map.values())


@dataclass(frozen=True, slots=True)
class _Request:
    """The next request to send; a redirect makes another."""

    method: str
    target: Target
    headers: Mapping[str, str]
    content: bytes | None


def fetch(
    url: str,
    config: EgressConfig,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    limits: FetchLimits = _DEFAULT,
    check: Callable[[], None] = lambda: None,
) -> Response:
    """The response of `url`, whatever its status. Raises EgressRefused, EgressFailed, and what `check` raises.

    `check` is called several times a second. Redirects are followed, each checked like the first address; headers
    that could be secret are not sent to another origin, and a body is not sent to another host.
    """
    guard, deadline = Guard(config), Deadline(monotonic() + limits.timeout_s, limits.timeout_s, check)
    if method not in _METHODS:
        raise EgressRefused(f"The method {method[:20]!r} isn't supported.")
    request = _Request(method, guard.target(url), dict(headers or {}), content)
    host = request.target.host
    for n_left in range(limits.max_redirects, -1, -1):
        try:
            answer = _perform(request, guard, deadline, limits)
        except EgressError as error:
            if request.target.host == host:
                raise
            raise type(error)(_ELSEWHERE) from error
        if not _redirects(answer.status, answer.headers):
            return answer
        if n_left:
            request = _redirected(request, answer, guard, limits)
    raise EgressFailed(f"{host} redirects too often.")


def _perform(request: _Request, guard: Guard, deadline: Deadline, limits: FetchLimits) -> Response:
    """The response on a new connection, which is not reused; a redirect's body is not read. Raises EgressError."""
    target = request.target
    headers = request_headers(target, request.headers, guard.config.user_agent, request.content)
    waits = {"timeout": {"read": limits.silence_s}}
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=tls(), max_connections=1, network_backend=GuardedBackend(guard, deadline)
            ) as pool,
            pool.stream(
                request.method, core_url(target), headers=headers, content=request.content, extensions=waits
            ) as answer,
        ):
            received = read_headers(answer.headers)
            if _redirects(answer.status, received):
                return Response(answer.status, received, b"", target.url)
            if answer.status < 400:
                _check_type(received, limits)
            unpacker = Unpacker(received, limits.max_bytes)
            content = b"".join(unpacker.feed(piece) for piece in answer.iter_stream())
            deadline.check()
            return Response(answer.status, received, content, target.url)
    except httpcore.ReadTimeout as error:
        raise EgressFailed(f"{target.host} sent nothing for {limits.silence_s:g} seconds.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise _failed(error, target.host) from error


def _redirects(status: int, headers: Mapping[str, str]) -> bool:
    return status in _REDIRECTS and bool(headers.get("location"))


def _check_type(headers: Mapping[str, str], limits: FetchLimits) -> None:
    wanted, found = limits.content_types, media_type(headers.get("content-type", ""))
    if wanted is None or found in wanted:
        return
    if not any(each.endswith("/") and found.startswith(each) for each in wanted):
        known = found if found in _KNOWN_TYPES else "an unknown content type"
        raise EgressFailed(f"The address returned {known}, which isn't supported.")


def core_url(target: Target) -> httpcore.URL:
    """`target` for httpcore, without parsing the URL again."""
    return httpcore.URL(
        scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.rest.encode("ascii")
    )


def _failed(error: Exception, host: str) -> EgressFailed:
    """`error` as an EgressFailed with a readable message."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return EgressFailed(f"The certificate of {host} isn't valid.")
        if isinstance(cause, ssl.SSLError):
            return EgressFailed(f"Couldn't connect securely to {host}.")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore.ProtocolError):
        return EgressFailed(f"{host} sent an invalid response.")
    return EgressFailed(f"Couldn't connect to {host}.")


def _redirected(request: _Request, redirect: Response, guard: Guard, limits: FetchLimits) -> _Request:
    """The request to the redirect's target, checked like the first. Raises EgressError."""
    old = request.target
    try:
        # Servers send unescaped spaces, which browsers accept.
        new = guard.target(urljoin(old.url, redirect.headers["location"].strip().replace(" ", "%20")))
    except EgressRefused as error:
        raise EgressRefused("The address redirects to one that can't be opened.") from error
    if limits.same_host and new.host != old.host:
        raise EgressRefused("The address redirects to another host.")
    headers = request.headers if new.origin == old.origin else harmless(request.headers)
    keeps_body = redirect.status in (307, 308) or request.method in ("GET", "HEAD")
    if not keeps_body:
        kept = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
        return _Request("GET", new, kept, None)
    if request.method not in ("GET", "HEAD") and new.origin != old.origin:
        raise EgressRefused("The address redirects the request to another host.")
    return _Request(request.method, new, headers, request.content)
