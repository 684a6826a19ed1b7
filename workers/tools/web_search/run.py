"""The tool `web_search`: search results, and passages of the first pages among them."""

from collections.abc import Sequence
from itertools import groupby
from time import monotonic
from typing import Any, Final

from gpts.knowledge.documents import Block, Document, Passage
from gpts.safety.findings import settled
from gpts.safety.screening import screened
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from workers.egress import EgressConfig
from workers.tools import ToolContext, ToolError, ToolOutput, escaped
from workers.tools.settings import ToolSettings
from workers.tools.web.pages import OpenedPage, opened
from workers.tools.web.ranking import best_passages, joined
from workers.tools.web_search.providers import PROVIDERS, SearchResult

NO_SEARCH: Final = "Web search isn't set up on this site. Only pages whose address is given can be opened."
MAX_RESULTS: Final[int] = BUILTIN_TOOLS["web_search"].spec.parameters["properties"]["max_results"]["maximum"]
_RESULTS: Final = 5
_QUERY_CHARS: Final = 400
# How many pages are read, and how many are tried for that; the time for one and for all of them.
_PAGES: Final = 2
_TRIES: Final = 4
_PAGE_S: Final = 8.0
_ALL_S: Final = 20.0


def unavailable(settings: ToolSettings) -> str:
    """Why the web cannot be searched here, for users; empty if it can."""
    return "" if settings.search.provider else NO_SEARCH


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """The search results for `arguments["query"]`. Raises ToolError."""
    if not settings.search.provider:
        raise ToolError(NO_SEARCH)
    query = " ".join(str(arguments.get("query") or "").split())[:_QUERY_CHARS]
    if not query:
        raise ToolError("Say what to search for.")
    context.progress(f"Searching for {query[:80]}")
    results = PROVIDERS[settings.search.provider](query, _wanted(arguments), settings, context.check)
    results = list(filter(None, map(_safe, results)))
    if not results:
        nothing = f"No results for “{query}”."
        return ToolOutput(nothing, shown=nothing, untrusted=False)
    pages = _read(results, context, settings.egress)
    passages = best_passages(pages, f"{context.question} {query}")
    return ToolOutput(
        text="\n\n".join([_listed(query, results), *_quoted(passages)]),
        shown="" if passages else _shown(results),
        passages=passages,
        urls=tuple(result.url for result in results),
        written_by=("the results of a web search", *(page.author for page in pages)),
    )


def _wanted(arguments: dict[str, Any]) -> int:
    try:
        return min(MAX_RESULTS, max(1, int(arguments.get("max_results") or _RESULTS)))
    except (TypeError, ValueError):
        return _RESULTS


def _safe(result: SearchResult) -> SearchResult | None:
    """`result` without invisible characters; None if its text addresses models rather than readers."""
    document = screened(Document(title="", blocks=(Block(text=result.title), Block(text=result.snippet or "-"))))
    if any(each.severity != "note" for each in document.findings):
        return None
    title, *snippet = settled(document, {}).blocks
    return SearchResult(title.text, result.url, snippet[0].text if snippet and result.snippet else "")


def _read(results: Sequence[SearchResult], context: ToolContext, egress: EgressConfig) -> list[OpenedPage]:
    """The first pages that can be read, at most _PAGES, within _ALL_S."""
    pages: list[OpenedPage] = []
    until = monotonic() + _ALL_S
    for result in results[:_TRIES]:
        left = until - monotonic()
        if len(pages) == _PAGES or left <= 0:
            break
        context.progress(f"Reading {result.url[:80]}")
        try:
            pages.append(opened(result.url, egress, context.check, min(_PAGE_S, left)))
        except ToolError:
            continue
    return pages


def _listed(query: str, results: Sequence[SearchResult]) -> str:
    lines = [f"Web results for “{query}”:"]
    for number, each in enumerate(results, start=1):
        lines.append(f"{number}. {each.title}\n   {each.url}" + (f"\n   {each.snippet}" if each.snippet else ""))
    return "\n".join(lines)


def _quoted(passages: Sequence[Passage]) -> list[str]:
    """The passages of each page, under its title."""
    by_page = sorted(passages, key=lambda each: each.chunk)
    return [
        f"From {name} ({url}):\n{joined(list(group))}"
        for (name, url), group in groupby(by_page, key=lambda each: (each.file_name, each.url))
    ]


def _shown(results: Sequence[SearchResult]) -> str:
    """The results as Markdown, for when no page could be read."""
    lines = [f"{number}. {escaped(result.title)}: <{result.url}>" for number, result in enumerate(results, start=1)]
    return "\n".join(["None of the pages found could be read. Results:", "", *lines])
