"""Headers of requests: none that change a request's destination or length, none with line breaks."""

import re
from collections.abc import Mapping
from typing import Final

from gpts.egress.errors import EgressRefused
from gpts.egress.urls import Target
from workers.egress.unpacking import ACCEPTED

Headers = list[tuple[bytes, bytes]]

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}", re.ASCII)
# Line breaks and other controls, and characters outside Latin-1.
_BAD_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
# Set by the client only: they define a request's destination and length (RFC 9110, 9112).
_OURS: Final = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade expect accept-encoding "
    "proxy-authorization proxy-connection proxy-authenticate".split()
)
# Headers kept on a redirect to another origin; any other could be a secret (Authorization, Cookie, X-Api-Key, …).
_HARMLESS: Final = frozenset(["accept", "accept-language", "user-agent"])


def request_headers(target: Target, headers: Mapping[str, str], user_agent: str, content: bytes | None) -> Headers:
    """The headers of a request to `target`. Raises EgressRefused for invalid names or values."""
    given = {name.lower(): (name, value) for name, value in headers.items()}
    for name, value in given.values():
        check_header(name, value)
    own = {"Host": target.authority, "Accept-Encoding": ACCEPTED, "Connection": "close"}
    if "user-agent" not in given:
        own["User-Agent"] = user_agent
    if "accept" not in given:
        own["Accept"] = "*/*"
    if content is not None:
        own["Content-Length"] = str(len(content))
    every = [*own.items(), *given.values()]
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in every]


def check_header(name: str, value: str) -> None:
    """Refuse a header that the client sets itself or that could inject another."""
    if not _NAME.fullmatch(name):
        raise EgressRefused("A header name has invalid characters.")
    if name.lower() in _OURS:
        raise EgressRefused(f"The header {name} can't be set.")
    if _BAD_VALUE.search(value):
        raise EgressRefused(f"The header {name} has invalid characters.")


def harmless(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may be sent to a site other than the one they were meant for."""
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}


def read_headers(raw: Headers) -> dict[str, str]:
    """The headers of a response, names in lower case, values of the same name joined."""
    found: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        text = _text(value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
