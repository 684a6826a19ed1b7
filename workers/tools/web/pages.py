"""Opens web pages: fetches them through the guard, reads them in a child process, caches them for some minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from workers.egress import EgressConfig, EgressError, FetchLimits, Guard, Response, fetch
from workers.isolation.errors import EmptyFile, FileError, NoText, ScannedPages, TimedOut, TooLarge
from workers.isolation.parent import ParserLimits, run_on_bytes
from workers.tools import ToolError
from workers.tools.web.page import Page

# Excludes images, audio and video; the content of all else decides how it is read.
_KINDS: Final = ("text/", "application/", "message/", "")
_MAX_BYTES: Final = 10_000_000
_READING: Final = ParserLimits(wall_s=20, cpu_s=15, page_s=1, max_s=40, answer_bytes=8_000_000)
_READ: Final = "workers.tools.web.reading:read_here"
_HEADERS: Final = {"Accept": "text/html,application/xhtml+xml,application/pdf,text/plain,application/json,*/*;q=0.5"}
_KEPT_S: Final = 300.0
_MAX_KEPT: Final = 64
_STATUS: Final = {
    401: "requires a sign-in for this page",
    403: "doesn't let this site read the page",
    404: "has no such page",
    410: "no longer has this page",
    429: "is receiving too many requests. Try again later",
}

_kept: dict[str, tuple[float, "OpenedPage"]] = {}
_keeping = Lock()


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A page with its final URL after redirects."""

    url: str
    page: Page

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def title(self) -> str:
        return self.page.document.title or self.host

    @property
    def author(self) -> str:
        """The source for labels ("the page example.org/news")."""
        parts = urlsplit(self.url)
        return f"the page {parts.netloc}{parts.path}".rstrip("/")[:200]


def opened(url: str, egress: EgressConfig, check: Callable[[], None], timeout_s: float = 20.0) -> OpenedPage:
    """The page at `url`, from the cache or fetched now. Raises ToolError, and what `check` raises."""
    try:
        url = Guard(egress).target(url).url
        with _keeping:
            kept_at, kept = _kept.get(url, (0.0, None))
        if kept is not None and monotonic() - kept_at < _KEPT_S:
            return kept
        limits = FetchLimits(_MAX_BYTES, timeout_s, content_types=_KINDS)
        response = fetch(url, egress, headers=_HEADERS, limits=limits, check=check)
    except EgressError as error:
        raise ToolError(str(error)) from error
    host = urlsplit(url).hostname or ""
    if response.status >= 400:
        raise ToolError(f"{host} {_STATUS.get(response.status, f'returned an error (status {response.status})')}.")
    page = OpenedPage(response.url, _read(response, check))
    _keep(url, page)
    return page


def _read(response: Response, check: Callable[[], None]) -> Page:
    """The content of the response, read in a child process. Raises ToolError."""
    try:
        args = [response.url, response.content_type]
        return Page.model_validate_json(run_on_bytes(_READ, response.content, args, _READING, check))
    except (EmptyFile, NoText, ScannedPages) as error:
        raise ToolError("This page has no readable text.") from error
    except (TimedOut, TooLarge) as error:
        raise ToolError("The page is too large.") from error
    except (FileError, ValidationError) as error:
        raise ToolError("The content at this address isn't a readable page or document.") from error


def _keep(url: str, page: OpenedPage) -> None:
    with _keeping:
        _kept.pop(url, None)
        _kept[url] = (monotonic(), page)
        while len(_kept) > _MAX_KEPT:
            del _kept[next(iter(_kept))]
