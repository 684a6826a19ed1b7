"""Connectors: where knowledge is that changes by itself. To add one, write a module and register it in KINDS.

A connector is a function of the settings of its kind (`gpts/spec/sources.py`), its secret and a `Reader`. It yields
an `Item` for each document that is there now; an Item whose `version` is the one that is known needs no content.
Whatever it yields is text from outside: it is parsed in a confined process and never trusted. Every request goes
through `workers.egress`, and `reader.check()` is called at least every few seconds: it raises once the work must end.
So does `reader.spend()`, which counts the bytes that were read.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from workers.egress import EgressConfig, FetchLimits, Response, fetch
from workers.isolation.errors import FileError
from workers.isolation.parent import ParserLimits, run_on_bytes

# Of one document.
MOST_BYTES: Final = 20_000_000
_LISTING: Final = ParserLimits(wall_s=30, cpu_s=20, page_s=1, max_s=40, answer_bytes=16_000_000)
_STATUS: Final = {
    401: "{host} refuses the sign-in.",
    403: "{host} doesn’t let this site read it.",
    404: "{host} has nothing at this address.",
    410: "{host} no longer has it.",
    429: "{host} is receiving too many requests.",
}
_FAILED: Final = "{host} returned an error (status {status})."


class SourceError(Exception):
    """The source could not be read: one sentence for its creator."""


@dataclass(frozen=True, slots=True)
class Item:
    """A document of a source. `key` names it there, `version` changes with its content.

    `content` is None if the version is the known one. `error`: why this document could not be read, while others can.
    """

    key: str
    name: str
    version: str
    content: bytes | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """What a connector reads with. `known` are the versions of the documents read before, by key."""

    egress: EgressConfig
    known: Mapping[str, str]
    check: Callable[[], None] = lambda: None
    spend: Callable[[int], None] = lambda n_bytes: None

    def get(self, url: str, headers: Mapping[str, str] | None = None, most_bytes: int = MOST_BYTES) -> Response:
        """The response of `url`, 304 included. Raises SourceError for any other failure, and EgressError."""
        limits = FetchLimits(most_bytes, timeout_s=60.0, silence_s=20.0)
        response = fetch(url, self.egress, headers=headers, limits=limits, check=self.check)
        self.spend(len(response.content))
        if response.status >= 400:
            said = _STATUS.get(response.status, _FAILED)
            raise SourceError(said.format(host=response.url.split("/")[2], status=response.status))
        return response

    def isolated(self, function: str, content: bytes, *args: str) -> bytes:
        """What a function of a connector makes of `content`, in a confined process. Raises SourceError."""
        try:
            return run_on_bytes(f"workers.connectors.{function}", content, args, _LISTING, self.check)
        except FileError as error:
            raise SourceError("What the source returned could not be read.") from error


class Connector(Protocol):
    """Yields what a source has now. Raises SourceError and EgressError if that cannot be known."""

    def __call__(self, settings: Any, secret: str, reader: Reader) -> Iterator[Item]:
        """The documents, each once."""


def connectors() -> dict[str, Connector]:
    """The connector of each kind of source."""
    from workers.connectors import feed, git, imap, s3, web

    return {
        "page": web.page,
        "site": web.site,
        "feed": feed.feed,
        "git": git.repository,
        "s3": s3.bucket,
        "imap": imap.mailbox,
    }
