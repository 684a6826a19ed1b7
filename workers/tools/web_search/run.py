"""Searching the web: results, and what the first pages among them say on the question."""

from collections.abc import Sequence
from itertools import groupby
from time import monotonic
from typing import Any, Final

from gpts.knowledge.documents import Block, Document, Passage
from gpts.safety.findings import settled
from gpts.safety.screening import screened
from gpts.spec.builtin_tools import BUILTIN_TOOLS
from workers.egress import EgressConfig
from workers.tools import ToolContext, ToolError, ToolOutput
from workers.tools.markdown import escaped
from workers.tools.settings import ToolSettings
from workers.tools.web.pages import OpenedPage, opened
from workers.tools.web.ranking import best_passages, told
from workers.tools.web_search.providers import PROVIDERS, Hit

NO_SEARCH: Final = (
    "This site has no web search set up (SEARCH_PROVIDER); only pages whose address is given can be opened."
)
MAX_RESULTS: Final[int] = BUILTIN_TOOLS["web_search"].spec.parameters["properties"]["max_results"]["maximum"]
_RESULTS: Final = 5
_QUERY_CHARS: Final = 400
# Pages that are read, how many are tried for that, and how long all of it may take.
_PAGES: Final = 2
_TRIES: Final = 4
_PAGE_S: Final = 8.0
_ALL_S: Final = 20.0


def unavailable(settings: ToolSettings) -> str:
    """Why the web cannot be searched here, in one sentence; empty if it can."""
    provider = settings.search.provider
    if not provider:
        return NO_SEARCH
    if provider not in PROVIDERS:
        return f"SEARCH_PROVIDER is {provider!r}, which is none of {', '.join(sorted(PROVIDERS))}."
    return PROVIDERS[provider].missing(settings.search)


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """What the web has on `arguments["query"]`. Raises ToolError."""
    if why_not := unavailable(settings):
        raise ToolError(why_not)
    query = " ".join(str(arguments.get("query") or "").split())[:_QUERY_CHARS]
    if not query:
        raise ToolError("Say what to search for.")
    context.progress(f"Searching for {query[:80]}")
    hits = PROVIDERS[settings.search.provider].find(query, _wanted(arguments), settings, context.check)
    hits = [each for each in map(_safe, hits) if each is not None]
    if not hits:
        nothing = f"The web search found nothing for “{query}”."
        return ToolOutput(nothing, shown=nothing, untrusted=False)
    pages = _read(hits, context, settings.egress)
    passages = best_passages(pages, f"{context.question} {query}")
    return ToolOutput(
        text="\n\n".join([_listed(query, hits), *_quoted(passages)]),
        shown="" if passages else _shown(hits),
        passages=passages,
        urls=tuple(hit.url for hit in hits),
        written_by=("the results of a web search", *(page.author for page in pages)),
    )


def _wanted(arguments: dict[str, Any]) -> int:
    try:
        return min(MAX_RESULTS, max(1, int(arguments.get("max_results") or _RESULTS)))
    except (TypeError, ValueError):
        return _RESULTS


def _safe(hit: Hit) -> Hit | None:
    """`hit` without invisible characters; None if its words speak to models rather than readers."""
    document = screened(Document(title="", blocks=(Block(text=hit.title), Block(text=hit.snippet or "-"))))
    if any(each.severity != "note" for each in document.findings):
        return None
    title, *snippet = settled(document, {}).blocks
    return Hit(title.text, hit.url, snippet[0].text if snippet and hit.snippet else "")


def _read(hits: Sequence[Hit], context: ToolContext, egress: EgressConfig) -> list[OpenedPage]:
    """The first two pages that can be read, within some seconds."""
    pages: list[OpenedPage] = []
    until = monotonic() + _ALL_S
    for hit in hits[:_TRIES]:
        left = until - monotonic()
        if len(pages) == _PAGES or left <= 0:
            break
        context.progress(f"Reading {hit.url[:80]}")
        try:
            pages.append(opened(hit.url, egress, context.check, min(_PAGE_S, left)))
        except ToolError:
            continue
    return pages


def _listed(query: str, hits: Sequence[Hit]) -> str:
    lines = [f"Web results for “{query}”:"]
    for number, hit in enumerate(hits, start=1):
        lines.append(f"{number}. {hit.title}\n   {hit.url}" + (f"\n   {hit.snippet}" if hit.snippet else ""))
    return "\n".join(lines)


def _quoted(passages: Sequence[Passage]) -> list[str]:
    """What each page says, under its name."""
    by_page = sorted(passages, key=lambda each: each.chunk)
    return [
        f"From {name} ({url}):\n{told(list(group))}"
        for (name, url), group in groupby(by_page, key=lambda each: (each.file_name, each.url))
    ]


def _shown(hits: Sequence[Hit]) -> str:
    """The results as a list for people, where no page could be read."""
    lines = [f"{number}. {escaped(hit.title)}: <{hit.url}>" for number, hit in enumerate(hits, start=1)]
    return "\n".join(["None of the pages found could be read. The search gave:", "", *lines])
