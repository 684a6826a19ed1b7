"""Who searches: SearXNG, Brave, Tavily or DuckDuckGo. To add one, write its function and its line in PROVIDERS."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import unescape
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from workers.egress import EgressError, FetchLimits, Response, fetch
from workers.tools import ToolError
from workers.tools.settings import SearchSettings, ToolSettings

_LIMITS: Final = FetchLimits(max_bytes=3_000_000, timeout_s=15, same_host=True)
_TAG: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")
_SNIPPET_CHARS: Final = 400
_TITLE_CHARS: Final = 160

Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Hit:
    """A result: what the searcher says of a page."""

    title: str
    url: str
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """`find` gives results, best first, and raises ToolError; `needs` names the setting it cannot do without."""

    find: Callable[[str, int, ToolSettings, Check], list[Hit]]
    needs: str = ""

    def missing(self, search: SearchSettings) -> str:
        """What is not set though it is needed, in a sentence; empty if nothing is."""
        value = {"SEARCH_URL": search.url, "SEARCH_KEY": search.key}.get(self.needs, "set")
        return "" if value else f"The web search {search.provider} needs the setting {self.needs}."


def _searxng(query: str, n: int, settings: ToolSettings, check: Check) -> list[Hit]:
    """SearXNG's own API, which the server's settings.yml must offer (search: formats: json)."""
    address = f"{settings.search.url.rstrip('/')}/search?{urlencode({'q': query, 'format': 'json'})}"
    found = _asked(address, settings, check)
    return _hits(found.get("results"), "title", "url", "content")[:n]


def _brave(query: str, n: int, settings: ToolSettings, check: Check) -> list[Hit]:
    """https://api-dashboard.search.brave.com/app/documentation/web-search"""
    base = settings.search.url or "https://api.search.brave.com/res/v1/web/search"
    address = f"{base}?{urlencode({'q': query, 'count': n})}"
    found = _asked(address, settings, check, headers={"X-Subscription-Token": settings.search.key})
    web = found.get("web")
    return _hits(web.get("results") if isinstance(web, dict) else None, "title", "url", "description")[:n]


def _tavily(query: str, n: int, settings: ToolSettings, check: Check) -> list[Hit]:
    """https://docs.tavily.com/documentation/api-reference/endpoint/search"""
    base = settings.search.url or "https://api.tavily.com/search"
    headers = {"Authorization": f"Bearer {settings.search.key}", "Content-Type": "application/json"}
    content = json.dumps({"query": query, "max_results": n}).encode()
    found = _asked(base, settings, check, headers=headers, content=content)
    return _hits(found.get("results"), "title", "url", "content")[:n]


def _duckduckgo(query: str, n: int, settings: ToolSettings, check: Check) -> list[Hit]:
    """DuckDuckGo's page for people, read by the library ddgs, which goes to no address but that."""
    from ddgs import DDGS
    from ddgs.exceptions import DDGSException

    check()
    try:
        found = DDGS(timeout=10).text(query, max_results=n, backend="duckduckgo")
    except DDGSException as error:
        if "No results" in str(error):
            return []
        raise ToolError("The web search could not be reached.") from error
    return _hits(found, "title", "href", "body")[:n]


PROVIDERS: Final[dict[str, Provider]] = {
    "searxng": Provider(_searxng, "SEARCH_URL"),
    "brave": Provider(_brave, "SEARCH_KEY"),
    "tavily": Provider(_tavily, "SEARCH_KEY"),
    "duckduckgo": Provider(_duckduckgo),
}


def _asked(
    address: str,
    settings: ToolSettings,
    check: Check,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> dict[str, Any]:
    """The JSON object that the searcher answers with. Raises ToolError."""
    egress = settings.egress
    if settings.search.url:
        # The operator chose this host, private or not; it is open to searches and to nothing else.
        egress = replace(egress, allow=(*egress.allow, _host_and_port(settings.search.url)))
    method = "GET" if content is None else "POST"
    try:
        answer = fetch(address, egress, method=method, headers=headers, content=content, limits=_LIMITS, check=check)
    except (EgressError, ValueError) as error:
        raise ToolError(f"The web search could not be reached. {error}") from error
    return _object(answer)


def _object(answer: Response) -> dict[str, Any]:
    if answer.status in (401, 403):
        raise ToolError("The web search refuses this site: its key is wrong, or it does not offer JSON.")
    if answer.status == 429:
        raise ToolError("The web search does not answer so many requests; try again later.")
    if answer.status >= 400:
        raise ToolError(f"The web search answers with error {answer.status}.")
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise ToolError("The web search gave an answer that makes no sense.") from error
    return found if isinstance(found, dict) else {}


def _host_and_port(address: str) -> str:
    """The host of a setting with its port, as the guard's lists have them. Raises ValueError."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _hits(found: Any, title: str, url: str, snippet: str) -> list[Hit]:
    """The results in `found`, each address once; what is no result is passed over."""
    hits: dict[str, Hit] = {}
    for each in found if isinstance(found, list) else ():
        address = str(each.get(url) or "") if isinstance(each, dict) else ""
        if address.startswith(("http://", "https://")) and not re.search(r"\s", address):
            name = _plain(each.get(title))[:_TITLE_CHARS] or address
            hits.setdefault(address, Hit(name, address, _plain(each.get(snippet))[:_SNIPPET_CHARS]))
    return list(hits.values())


def _plain(value: Any) -> str:
    """`value` on one line without markup."""
    return " ".join(unescape(_TAG.sub("", str(value or ""))).split())
