"""The tool `open_page`: the passages of a page that match the question, and its links."""

from typing import Any, Final

from gpts.egress.errors import EgressError
from gpts.egress.guard import Guard
from gpts.knowledge.marks import removal
from workers.tools import ToolContext, ToolError, ToolOutput
from workers.tools.settings import ToolSettings
from workers.tools.web.pages import OpenedPage, opened
from workers.tools.web.ranking import best_passages, joined

_LINKS_CHARS: Final = 2_400
_SIFTED: Final = removal("hidden text")


def unavailable(settings: ToolSettings) -> str:
    """Nothing: pages can be opened on every machine."""
    return ""


def refusal(arguments: dict[str, Any], settings: ToolSettings) -> str:
    """Why this site opens no such address: its scheme, host or port."""
    try:
        Guard(settings.egress).target(_address(arguments))
    except EgressError as error:
        return str(error)
    return ""


def run(arguments: dict[str, Any], context: ToolContext, settings: ToolSettings) -> ToolOutput:
    """Matching passages and the links of the page at `arguments["url"]`. Raises ToolError."""
    address = _address(arguments)
    if not address:
        raise ToolError("Give the address of the page to open.")
    context.progress(f"Opening {address[:80]}")
    page = opened(address, settings.egress, context.check)
    passages = best_passages([page], context.question)
    text = "\n\n".join(each for each in (_head(page), joined(passages), _links(page)) if each)
    return ToolOutput(
        text=text,
        shown="" if passages else "This page has no readable text.",
        passages=passages,
        urls=tuple(link.url for link in page.page.links),
        written_by=(page.author,),
    )


def _address(arguments: dict[str, Any]) -> str:
    address = str(arguments.get("url") or "").strip()
    return address if "://" in address or not address else f"https://{address}"


def _head(page: OpenedPage) -> str:
    lines = [page.title, page.url]
    if page.page.is_sifted:
        lines.append(_SIFTED)
    return "\n".join(lines)


def _links(page: OpenedPage) -> str:
    lines: list[str] = []
    for link in page.page.links:
        lines.append(f"- {link.text}: {link.url}")
        if sum(map(len, lines)) > _LINKS_CHARS:
            lines.pop()
            break
    return "\n".join(["Links on this page:", *lines]) if lines else ""
