"""Search providers: SearXNG, Brave, Tavily and DuckDuckGo. To add one, write a function and list it in PROVIDERS."""

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from workers.egress import EgressError, FetchLimits, Response, fetch
from workers.tools import ToolError
from workers.tools.settings import ToolSettings

logger = logging.getLogger(__name__)

_LIMITS: Final = FetchLimits(max_bytes=3_000_000, timeout_s=15, same_host=True)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_SNIPPET_CHARS: Final = 400
_TITLE_CHARS: Final = 160

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A search result, with the provider's snippet of the page."""

    title: str
    url: str
    snippet: str = ""


def _searxng(query: str, n: int, settings: ToolSettings, check: Check) -> list[SearchResult]:
    """SearXNG's own API; the server's settings.yml must allow JSON (search: formats: json)."""
    address = f"{settings.search.url.rstrip('/')}/search?{urlencode({'q': query, 'format': 'json'})}"
    found = _fetched(address, settings, check)
    return _results(found.get("results"), "title", "url", "content")[:n]


def _brave(query: str, n: int, settings: ToolSettings, check: Check) -> list[SearchResult]:
    """https://api-dashboard.search.brave.com/app/documentation/web-search"""
    base = settings.search.url or "https://api.search.brave.com/res/v1/web/search"
    address = f"{base}?{urlencode({'q': query, 'count': n})}"
    found = _fetched(address, settings, check, headers={"X-Subscription-Token": settings.search.key})
    web = found.get("web")
    return _results(web.get("results") if isinstance(web, dict) else None, "title", "url", "description")[:n]


def _tavily(query: str, n: int, settings: ToolSettings, check: Check) -> list[SearchResult]:
    """https://docs.tavily.com/documentation/api-reference/endpoint/search"""
    base = settings.search.url or "https://api.tavily.com/search"
    headers = {"Authorization": f"Bearer {settings.search.key}", "Content-Type": "application/json"}
    content = json.dumps({"query": query, "max_results": n}).encode()
    found = _fetched(base, settings, check, method="POST", headers=headers, content=content)
    return _results(found.get("results"), "title", "url", "content")[:n]


def _duckduckgo(query: str, n: int, settings: ToolSettings, check: Check) -> list[SearchResult]:
    """DuckDuckGo's result page, read by the library ddgs, which requests no other address."""
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException

    check()
    try:
        found = DDGS(timeout=10).text(query, max_results=n, backend="duckduckgo")
    except DDGSException as error:
        if "No results" in str(error):
            return []
        raise ToolError("Couldn't connect to the search engine.") from error
    return _results(found, "title", "href", "body")[:n]


# Each returns up to `n` results, best first, and raises ToolError and what `check` raises. web/checks.py makes sure
# that the URL or key that a provider needs is set.
PROVIDERS: Final[dict[str, Callable[[str, int, ToolSettings, Check], list[SearchResult]]]] = {
    "searxng": _searxng,
    "brave": _brave,
    "tavily": _tavily,
    "duckduckgo": _duckduckgo,
}


def _fetched(address: str, settings: ToolSettings, check: Check, **request: Any) -> dict[str, Any]:
    """The JSON object that the provider returns. Raises ToolError."""
    egress = settings.egress
    try:
        if settings.search.url:
            # The operator chose this host, private or not; it is allowed for searches only.
            egress = replace(egress, allow=(*egress.allow, _host_and_port(settings.search.url)))
        return _object(fetch(address, egress, limits=_LIMITS, check=check, **request))
    except (EgressError, ValueError) as error:
        raise ToolError(f"Couldn't connect to the search engine. {error}") from error


def _object(answer: Response) -> dict[str, Any]:
    if answer.status == 429:
        raise ToolError("The search engine is receiving too many requests. Try again later.")
    if answer.status in (401, 403):
        logger.error("the search provider rejected SEARCH_KEY or does not allow JSON (status %s)", answer.status)
        raise ToolError("The search engine rejected this site's request. Tell your admin.")
    if answer.status >= 400:
        raise ToolError(f"The search engine returned an error (status {answer.status}).")
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise ToolError("The search engine returned an invalid response.") from error
    return found if isinstance(found, dict) else {}


def _host_and_port(address: str) -> str:
    """Host and port of a URL, in the form of the egress lists. Raises ValueError."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _results(found: Any, title: str, url: str, snippet: str) -> list[SearchResult]:
    """The results in `found`, each URL once; invalid entries are skipped."""
    results: dict[str, SearchResult] = {}
    for each in found if isinstance(found, list) else ():
        address = str(each.get(url) or "") if isinstance(each, dict) else ""
        if address.startswith(("http://", "https://")) and not re.search(r"\s", address):
            name = _plain(each.get(title))[:_TITLE_CHARS] or address
            results.setdefault(address, SearchResult(name, address, _plain(each.get(snippet))[:_SNIPPET_CHARS]))
    return list(results.values())


def _plain(value: Any) -> str:
    """`value` on one line without markup."""
    return " ".join(unescape(_TAG.sub("", str(value or ""))).split())
