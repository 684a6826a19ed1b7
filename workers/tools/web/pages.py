"""A page by its address: fetched through the guard, read in a process apart, kept for some minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from workers.egress import EgressConfig, EgressError, FetchLimits, Guard, Response, fetch
from workers.knowledge.errors import EmptyFile, KnowledgeError, NoText, ScannedPages, TimedOut, TooLarge
from workers.knowledge.isolation import ParserLimits, run_isolated
from workers.tools import ToolError
from workers.tools.web.page import Page

# Images, sound and films are not read; of what remains its content decides.
_KINDS: Final = ("text/", "application/", "message/", "")
_MAX_BYTES: Final = 10_000_000
_READING: Final = ParserLimits(wall_s=20, cpu_s=15, page_s=1, max_s=40, answer_bytes=8_000_000)
_READ: Final = "workers.tools.web.reading:read_here"
_HEADERS: Final = {"Accept": "text/html,application/xhtml+xml,application/pdf,text/plain,application/json,*/*;q=0.5"}
_KEPT_S: Final = 300.0
_MAX_KEPT: Final = 64
_STATUS: Final = {
    401: "wants people to sign in before they read this page",
    403: "does not let this site read the page",
    404: "has no such page",
    410: "no longer has this page",
    429: "does not answer so many requests; try again later",
}

_kept: dict[str, tuple[float, "OpenedPage"]] = {}
_keeping = Lock()


@dataclass(frozen=True, slots=True)
class OpenedPage:
    """A page with the address that it came from in the end."""

    url: str
    page: Page

    @property
    def host(self) -> str:
        """The host of its address."""
        return urlsplit(self.url).hostname or ""

    @property
    def title(self) -> str:
        """Its title, else its host."""
        return self.page.document.title or self.host

    @property
    def author(self) -> str:
        """Who may have written it, for people ("the page example.org/news")."""
        parts = urlsplit(self.url)
        return f"the page {parts.netloc}{parts.path}".rstrip("/")[:200]


def opened(url: str, egress: EgressConfig, check: Callable[[], None], timeout_s: float = 20.0) -> OpenedPage:
    """The page at `url`, from a few minutes ago or now. Raises ToolError with a sentence, and what `check` raises."""
    try:
        url = Guard(egress).target(url).url
        if (page := _recall(url)) is not None:
            return page
        limits = FetchLimits(_MAX_BYTES, timeout_s, content_types=_KINDS)
        response = fetch(url, egress, headers=_HEADERS, limits=limits, check=check)
    except EgressError as error:
        raise ToolError(str(error)) from error
    host = urlsplit(response.url).hostname or ""
    if response.status >= 400:
        raise ToolError(f"{host} {_STATUS.get(response.status, f'answers with error {response.status}')}.")
    page = OpenedPage(response.url, _read(response, check))
    _keep(url, page)
    return page


def _read(response: Response, check: Callable[[], None]) -> Page:
    """What is read in the answer, in a child process. Raises ToolError."""
    with NamedTemporaryFile(prefix="guildhall-page-") as file:
        file.write(response.content)
        file.flush()
        try:
            args = [response.url, response.content_type]
            answer = run_isolated(_READ, Path(file.name), args, _READING, lambda n_read, n_pages: check())
            return Page.model_validate_json(answer)
        except (EmptyFile, NoText, ScannedPages) as error:
            raise ToolError("There is no text to read on this page.") from error
        except (TimedOut, TooLarge) as error:
            raise ToolError("The page is too large to be read.") from error
        except (KnowledgeError, ValidationError) as error:
            raise ToolError("What is at this address is no page or document that can be read.") from error


def _recall(url: str) -> OpenedPage | None:
    with _keeping:
        kept_at, page = _kept.get(url, (0.0, None))
        return page if page is not None and monotonic() - kept_at < _KEPT_S else None


def _keep(url: str, page: OpenedPage) -> None:
    with _keeping:
        _kept.pop(url, None)
        _kept[url] = (monotonic(), page)
        while len(_kept) > _MAX_KEPT:
            del _kept[next(iter(_kept))]


def forget() -> None:
    """Forget every page."""
    with _keeping:
        _kept.clear()
