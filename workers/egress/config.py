"""The limits of a single request of the guarded client, and its response."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """The limits of one request, redirects included: `timeout_s` for all of it, `silence_s` for the next bytes.

    `max_bytes` limits the body both as sent and as unpacked. `content_types` are the accepted types, "text/" for a
    whole family, "" for a response without a type; None: any. `same_host`: redirects must not leave the host.
    """

    max_bytes: int = 5_000_000
    timeout_s: float = 20.0
    silence_s: float = 10.0
    max_redirects: int = 3
    content_types: tuple[str, ...] | None = None
    same_host: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A response. Names in `headers` are lower case. `url` is the final URL, after redirects."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str

    @property
    def content_type(self) -> str:
        """The MIME type that the server claims, without parameters."""
        return media_type(self.headers.get("content-type", ""))


def media_type(header: str) -> str:
    """The MIME type in a Content-Type header, lower case, without parameters."""
    return header.split(";", 1)[0].strip().lower()
