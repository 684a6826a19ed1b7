"""HTML: what a browser would show. Scripts, comments, attributes and what the page itself hides are not content."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.outline import Outline

_NEVER_SHOWN: Final = frozenset(
    "script style noscript template iframe object svg math canvas head datalist dialog".split()
)
_NAVIGATION: Final = frozenset(["nav", "form", "button", "select", "textarea", "input"])
_BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer h1 "
    "h2 h3 h4 h5 h6 header hr html li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_HIDDEN_STYLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)"
    r"|font-size\s*:\s*[01](?:\.\d+)?(?:px|pt|em|rem|%)?\s*(?:;|$)|(?:left|top|text-indent)\s*:\s*-\d{3,}",
    re.I,
)
# Deeper nesting than any page needs is flattened, so that hostile pages cannot exhaust the stack.
_MAX_DEPTH: Final = 100
_MAX_LISTS: Final = 20


def parse(data: bytes) -> Document:
    """The document in an HTML page, by its own charset."""
    soup = BeautifulSoup(data, "lxml")
    walk = _Walk(Outline(title=soup.title.get_text() if soup.title else ""))
    walk.children(soup.body or soup, 0)
    walk.flush()
    return walk.outline.document()


@dataclass(slots=True)
class _Walk:
    """The page in reading order: inline text gathers in `inline` until a block begins or ends."""

    outline: Outline
    inline: list[str] = field(default_factory=list)

    def children(self, tag: Tag, depth: int) -> None:
        """Read what is inside `tag`."""
        for child in tag.children:
            if isinstance(child, Tag):
                if not _is_hidden(child):
                    self._tag(child, depth)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self.inline.append(str(child))

    def flush(self) -> None:
        """End the paragraph gathered so far."""
        self.outline.text("".join(self.inline))
        self.inline.clear()

    def _tag(self, tag: Tag, depth: int) -> None:
        if tag.name == "br":
            self.inline.append("\n")
        elif tag.name not in _BLOCKS:
            self.children(tag, depth)
        elif depth > _MAX_DEPTH:
            self.outline.text(tag.get_text(" "))
        else:
            self.flush()
            self._block(tag, depth + 1)
            self.flush()

    def _block(self, tag: Tag, depth: int) -> None:
        if re.fullmatch("h[1-6]", tag.name):
            self.outline.heading(_text(tag), int(tag.name[1]))
        elif tag.name in ("ul", "ol") and not tag.find(["table", "pre", "h2", "h3", "h4"]):
            self.outline.lines("\n".join(_list_lines(tag, 0)))
        elif tag.name == "table" and not tag.find("table"):
            self.outline.table(_rows(tag))
        elif tag.name == "pre":
            self.outline.lines(tag.get_text())
        else:
            self.children(tag, depth)


def _is_hidden(tag: Tag) -> bool:
    if tag.name in _NEVER_SHOWN or tag.name in _NAVIGATION or tag.has_attr("hidden"):
        return True
    return tag.get("aria-hidden") == "true" or bool(_HIDDEN_STYLE.search(str(tag.get("style") or "")))


def _text(tag: Tag) -> str:
    """The visible text of an inline tag, a heading or a cell."""
    pieces = [
        _text(child) if isinstance(child, Tag) and not _is_hidden(child) else str(child)
        for child in tag.children
        if isinstance(child, Tag | NavigableString) and not isinstance(child, PreformattedString)
        if not (isinstance(child, Tag) and _is_hidden(child))
    ]
    spaced = " " if any(isinstance(child, Tag) and child.name in (*_BLOCKS, "br") for child in tag.children) else ""
    return spaced.join(pieces)


def _list_lines(tag: Tag, depth: int) -> Iterator[str]:
    ordered = tag.name == "ol"
    items = [item for item in tag.find_all("li", recursive=False) if not _is_hidden(item)]
    for number, item in enumerate(items, 1):
        nested = [child.extract() for child in item.find_all(["ul", "ol"]) if depth < _MAX_LISTS]
        mark = f"{number}. " if ordered else "- "
        yield "  " * depth + mark + " ".join(_text(item).split())
        for inner in nested:
            yield from _list_lines(inner, depth + 1)


def _rows(table: Tag) -> list[list[str]]:
    """The cells of `table` row by row; a cell that spans several rows or columns is repeated in each of them."""
    grid: dict[tuple[int, int], str] = {}
    rows = [row for row in table.find_all("tr") if not _is_hidden(row)]
    for y, row in enumerate(rows):
        x = 0
        for cell in row.find_all(["td", "th"], recursive=False):
            while (y, x) in grid:
                x += 1
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            for dy in range(min(height, len(rows) - y)):
                for dx in range(width):
                    grid[y + dy, x + dx] = "" if _is_hidden(cell) else _text(cell)
            x += width
    width = max((x for _, x in grid), default=-1) + 1
    return [[grid.get((y, x), "") for x in range(width)] for y in range(len(rows))]


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return min(int(value), 100) if value.isdigit() and value != "0" else 1
