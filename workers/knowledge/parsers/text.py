"""Plain text: paragraphs are parted by blank lines; wrapped lines are joined, lists and verse stay lines."""

import re
from typing import Final

from gpts.knowledge.documents import Document
from workers.knowledge.parsers.outline import Outline
from workers.knowledge.sniffing import decode

_BLANK: Final = re.compile(r"\n[ \t]*\n\s*")
_ITEM: Final = re.compile(r"\s*(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
# Lines at least this long, but for the last, were wrapped by a width and not by their writer.
_WRAPPED_CHARS: Final = 45


def parse(data: bytes) -> Document:
    """The document in a text file of any charset."""
    outline = Outline()
    for paragraph in _BLANK.split(decode(data).replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")):
        add_paragraph(outline, paragraph)
    return outline.document()


def add_paragraph(outline: Outline, paragraph: str) -> None:
    """Add `paragraph` as one re-flowed line if it was wrapped by width, else with its own lines."""
    lines = [line for line in paragraph.splitlines() if line.strip()]
    if _is_wrapped(lines):
        outline.text(paragraph)
    else:
        outline.lines("\n".join(_items_joined(lines)))


def _is_wrapped(lines: list[str]) -> bool:
    if len(lines) < 2 or any(_ITEM.match(line) for line in lines):
        return len(lines) < 2
    full = sum(len(line.strip()) >= _WRAPPED_CHARS for line in lines[:-1])
    return full >= 0.7 * (len(lines) - 1) and not any("\t" in line.strip() for line in lines)


def _items_joined(lines: list[str]) -> list[str]:
    """`lines` with the wrapped rest of each list item put behind it."""
    joined: list[str] = []
    for line in lines:
        indented = line[:1] in " \t" and not _ITEM.match(line)
        if joined and indented and _ITEM.match(joined[-1]):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return joined
