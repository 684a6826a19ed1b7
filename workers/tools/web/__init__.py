"""Browsing: the tools web_search and open_page.

`configure` gives them the settings; without it there is no search, and pages of the public internet can be opened.
What runs a call is imported on use, since the process that reads a stranger's page imports from this package too.
"""

from typing import Any, Final

from workers.tools import Request, Tool, ToolContext, ToolOutput
from workers.tools.web.config import WebConfig
from workers.tools.web.specs import OPEN, SEARCH

NO_SEARCH: Final = (
    "This site has no web search set up (SEARCH_PROVIDER); only pages whose address is given can be opened."
)
_configured: list[WebConfig] = [WebConfig()]


def configure(config: WebConfig) -> None:
    """Search and browse as `config` says from now on, in this process."""
    _configured[:] = [config]


def unavailable() -> str:
    """Why the web cannot be searched here, in one sentence; empty if it can."""
    from workers.tools.web.providers import PROVIDERS

    config = _configured[0]
    if not config.provider:
        return NO_SEARCH
    if config.provider not in PROVIDERS:
        return f"SEARCH_PROVIDER is {config.provider!r}, which is none of {', '.join(sorted(PROVIDERS))}."
    return PROVIDERS[config.provider].missing(config)


def _search(arguments: dict[str, Any], context: ToolContext) -> ToolOutput:
    from workers.tools.web.searching import search

    return search(arguments, context, _configured[0], unavailable())


def _open(arguments: dict[str, Any], context: ToolContext) -> ToolOutput:
    from workers.tools.web.opening import open_page

    return open_page(arguments, context, _configured[0])


def _describe_search(arguments: dict[str, Any]) -> Request:
    query = str(arguments.get("query", ""))
    return Request(f"Search the web for “{query}”", f"web_search {query!r}")


def _describe_open(arguments: dict[str, Any]) -> Request:
    url = str(arguments.get("url", ""))
    return Request(f"Open the page {url}", f"GET {url}")


TOOLS: Final[dict[str, Tool]] = {
    "web_search": Tool(SEARCH, _search, _describe_search),
    "open_page": Tool(OPEN, _open, _describe_open),
}
