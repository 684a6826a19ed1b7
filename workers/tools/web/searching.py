"""The tool web_search: results, and what the first pages among them say on the question."""

from collections.abc import Sequence
from itertools import groupby
from time import monotonic
from typing import Any, Final

from gpts.knowledge.documents import Block, Document, Passage
from gpts.safety.findings import settled
from gpts.safety.screening import screened
from workers.tools import ToolContext, ToolError, ToolOutput
from workers.tools.web.config import WebConfig
from workers.tools.web.opening import told
from workers.tools.web.pages import OpenedPage, opened
from workers.tools.web.providers import PROVIDERS, Hit
from workers.tools.web.ranking import best_passages
from workers.tools.web.specs import MAX_RESULTS

_RESULTS: Final = 5
_QUERY_CHARS: Final = 400
# Pages that are read, how many are tried for that, and how long all of it may take.
_PAGES: Final = 2
_TRIES: Final = 4
_PAGE_S: Final = 8.0
_ALL_S: Final = 20.0


def search(arguments: dict[str, Any], context: ToolContext, config: WebConfig, why_not: str) -> ToolOutput:
    """What the web has on `arguments["query"]`. Raises ToolError, with `why_not` if there is no search here."""
    if why_not:
        raise ToolError(why_not)
    query = " ".join(str(arguments.get("query") or "").split())[:_QUERY_CHARS]
    if not query:
        raise ToolError("Say what to search for.")
    context.progress(f"Searching for {query[:80]}")
    hits = PROVIDERS[config.provider].find(query, _wanted(arguments), config, context.check)
    hits = [each for each in map(_safe, hits) if each is not None]
    if not hits:
        nothing = f"The web search found nothing for “{query}”."
        return ToolOutput(nothing, shown=nothing, untrusted=False)
    pages = _read(hits, context, config)
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


def _read(hits: Sequence[Hit], context: ToolContext, config: WebConfig) -> list[OpenedPage]:
    """The first two pages that can be read, within some seconds."""
    pages: list[OpenedPage] = []
    until = monotonic() + _ALL_S
    for hit in hits[:_TRIES]:
        left = until - monotonic()
        if len(pages) == _PAGES or left <= 0:
            break
        context.progress(f"Reading {hit.url[:80]}")
        try:
            pages.append(opened(hit.url, config.egress, context.check, min(_PAGE_S, left)))
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
    lines = [f"{number}. {_bare(hit.title)}: <{hit.url}>" for number, hit in enumerate(hits, start=1)]
    return "\n".join(["None of the pages found could be read. The search gave:", "", *lines])


def _bare(text: str) -> str:
    """`text` with what Markdown would take for markup escaped."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]()<>#+-!|~&" else letter for letter in text)
