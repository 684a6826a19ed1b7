"""The safe HTML of answers as a tree for the template: texts, and nodes {"tag", "kids", …}."""

import re
from typing import Any, Final

from lxml import html
from lxml.etree import _Element

Node = str | dict[str, Any]
# Lists and quotes deeper than this are set as plain text: Typst limits how deep functions call each other.
MAX_DEPTH: Final = 12
# A longer word would leave the page, so it may break anywhere.
WORD_CHARS: Final = 30
_LONG: Final = re.compile(rf"\S{{{WORD_CHARS},}}")
_CODE_WIDTH: Final = 84
_KEPT: Final = frozenset(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre s strong sup table tbody td th thead tr ul".split()
)
# A column is as wide as its longest cell, between these numbers of characters.
_CELL_CHARS: Final = (6, 48)


def nodes_of(text: str) -> list[Node]:
    """The nodes of an answer's HTML."""
    return _kids(html.fragment_fromstring(text, create_parent="div"), 0) if text.strip() else []


def breakable(text: str) -> str:
    """`text` with places to break in its long words."""
    return _LONG.sub(lambda found: "\u200b".join(re.findall(f".{{1,{WORD_CHARS}}}", found[0])), text)


def _kids(element: _Element, depth: int) -> list[Node]:
    kids: list[Node] = [breakable(element.text)] if element.text else []
    for child in element:
        kids += _nodes(child, depth)
        if child.tail:
            kids.append(breakable(child.tail))
    return kids


def _nodes(element: _Element, depth: int) -> list[Node]:
    tag = element.tag if isinstance(element.tag, str) else ""
    if tag == "pre" or (tag == "code" and element.get("class") == "language-math-display"):
        return [{"tag": "pre", "text": _code(_text(element).rstrip("\n"))}]
    if tag == "code":
        return [{"tag": "code", "text": breakable(_text(element))}]
    if depth > MAX_DEPTH:
        return [breakable(_text(element))]
    if tag == "table":
        return [_table(element, depth)]
    if "code-head" in (element.get("class") or ""):
        return []
    if tag not in _KEPT:
        return _kids(element, depth)
    node: dict[str, Any] = {"tag": tag, "kids": _kids(element, depth + 1)}
    if tag == "a":
        node["href"] = element.get("href", "")
    if tag in ("ul", "ol"):
        node["kids"] = [kid for kid in node["kids"] if isinstance(kid, dict)]
        node["start"] = _number(element.get("start", "1"))
    return [node]


def _table(element: _Element, depth: int) -> Node:
    rows = [[_kids(cell, depth + 1) for cell in row.iter("td", "th")] for row in element.iter("tr")]
    n = max(map(len, rows), default=0)
    longest = [max((len(_text(cell)) for cell in row[:1]), default=0) for row in _columns(element, n)]
    least, most = _CELL_CHARS
    widths = [min(max(each, least), most) for each in longest]
    return {"tag": "table", "rows": [row + [[]] * (n - len(row)) for row in rows], "widths": widths}


def _columns(element: _Element, n: int) -> list[list[_Element]]:
    """The longest cell of each column."""
    rows = [list(row.iter("td", "th")) for row in element.iter("tr")]
    return [
        sorted((row[i] for row in rows if i < len(row)), key=lambda cell: -len(_text(cell)))[:1] for i in range(n)
    ]


def _code(text: str) -> str:
    """Code whose lines fit the page."""
    return "\n".join(
        piece
        for line in text.expandtabs(4).split("\n")
        for piece in re.findall(f".{{1,{_CODE_WIDTH}}}", line) or [""]
    )


def _text(element: _Element) -> str:
    return "".join(element.itertext())


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 8 else 1
