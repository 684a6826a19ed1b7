"""The tool open_page."""

from collections.abc import Sequence
from typing import Any, Final

from gpts.knowledge.documents import Passage
from workers.tools import ToolContext, ToolError, ToolOutput
from workers.tools.web.config import WebConfig
from workers.tools.web.pages import OpenedPage, opened
from workers.tools.web.ranking import best_passages

_LINKS_CHARS: Final = 2_400
_DROPPED: Final = "(Left out: text on this page that is hidden or meant for assistants rather than readers.)"


def open_page(arguments: dict[str, Any], context: ToolContext, config: WebConfig) -> ToolOutput:
    """The page at `arguments["url"]`: what of it speaks to the question, and its links. Raises ToolError."""
    address = str(arguments.get("url") or "").strip()
    if not address:
        raise ToolError("Say which page to open: give its address.")
    if "://" not in address:
        address = f"https://{address}"
    context.progress(f"Opening {address[:80]}")
    page = opened(address, config.egress, context.check)
    passages = best_passages([page], context.question)
    text = "\n\n".join(each for each in (_head(page), told(passages), _links(page)) if each)
    return ToolOutput(
        text=text,
        shown="" if passages else "There is no text to read on this page.",
        passages=passages,
        urls=tuple(link.url for link in page.page.links),
        written_by=(page.author,),
    )


def told(passages: Sequence[Passage]) -> str:
    """The passages of one page in reading order, gaps marked."""
    pieces: list[str] = []
    end = -1
    for each in sorted(passages, key=lambda passage: passage.start):
        if each.end <= end:
            continue
        # Neighbours share some sentences; what was told is not told again.
        overlap = max(0, end - each.start)
        pieces.append(("…\n" if overlap == 0 and pieces else "") + each.text[overlap:].strip())
        end = each.end
    return "\n".join(pieces)


def _head(page: OpenedPage) -> str:
    lines = [page.title, page.url]
    if page.page.n_dropped:
        lines.append(_DROPPED)
    return "\n".join(lines)


def _links(page: OpenedPage) -> str:
    lines: list[str] = []
    for link in page.page.links:
        lines.append(f"- {link.text}: {link.url}")
        if sum(map(len, lines)) > _LINKS_CHARS:
            lines.pop()
            break
    return "\n".join(["Links on this page:", *lines]) if lines else ""
