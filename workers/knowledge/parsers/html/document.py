"""HTML: what a browser shows, without menus and banners."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final
from warnings import catch_warnings, simplefilter

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from gpts.knowledge.documents import Document
from workers.isolation.errors import TooLarge
from workers.knowledge.parsers.html.hiding import Unseen
from workers.knowledge.parsers.html.sifting import BLOCKS, sift, strings, visible_text
from workers.knowledge.parsers.html.styles import LoadSheet
from workers.knowledge.parsers.html.tables import is_layout, table_rows
from workers.knowledge.parsers.outline import Outline, text_of

# Deeper nesting is flattened, so that hostile pages cannot exhaust the stack.
_MAX_DEPTH: Final = 100
_MAX_LISTS: Final = 20
# Beautiful Soup needs about thirty times a page's size in memory (measured 2026-11: 1.3 GB for 40 MB).
_MAX_CHARS: Final = 40_000_000
# Shorter hidden text, such as a logo's name, is left out instead of quarantined.
_UNSEEN_CHARS: Final = 30
_LINK: Final = re.compile(r"https?:\S+")
# Two `br`, each kept as a line separator.
_BREAKS: Final = re.compile("\u2028\\s*\u2028")


def parse(data: bytes) -> Document:
    """The document in an HTML page."""
    outline = Outline()
    read_page(text_of(data, outline), outline)
    return outline.document()


def read_page(text: str, outline: Outline, sheet: LoadSheet | None = None) -> None:
    """Add what the page `text` shows to `outline`; `sheet` loads the style sheets that it names."""
    if len(text) > _MAX_CHARS:
        raise TooLarge
    with catch_warnings():
        simplefilter("ignore")  # XHTML is read as HTML on purpose: browsers forgive its mistakes, XML parsers don't.
        soup = BeautifulSoup(text, "lxml")
    if soup.title and not outline.title:
        outline.title = soup.title.get_text()
    reader = _PageReader(outline)
    reader.children(sift(soup, outline, sheet), 0)
    reader.end()


@dataclass(slots=True)
class _PageReader:
    """Reads the page in order: inline text gathers in `inline` until a block begins or ends."""

    outline: Outline
    inline: list[str] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def children(self, tag: Tag, depth: int) -> None:
        """Read the children of `tag`."""
        for child in list(tag.children):
            if isinstance(child, Tag):
                self._tag(child, depth + 1)
            elif isinstance(child, Unseen):
                self.unseen.append(child)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                if child.strip() and not any(piece.strip() for piece in self.inline):
                    self._add_unseen()
                self.inline.append(str(child))

    def _flush(self) -> None:
        """End the current paragraph, followed by text hidden inside it."""
        text = "".join(self.inline)
        self.inline.clear()
        if text.strip():
            for paragraph in _BREAKS.split(text):
                self.outline.text(paragraph)
            self._add_unseen()

    def _add_unseen(self) -> None:
        """Add hidden text found since the last block, joining adjacent pieces of one kind."""
        for reason, run in groupby(self.unseen, key=lambda each: each.reason):
            strings = list(run)
            text = " ".join(strings)
            # Menus that open later are moved away, too, and are made of links.
            n_links = sum(len(each) for each in strings if each.is_link)
            if len(_LINK.sub("", text).strip()) >= _UNSEEN_CHARS and n_links < 0.8 * len(text):
                self.outline.invisible(text, reason)
            else:
                self.left_out.setdefault(reason, []).append(text)
        self.unseen.clear()

    def end(self) -> None:
        """Add the rest, and note what was left out, once for each reason."""
        self._flush()
        self._add_unseen()
        for reason, texts in self.left_out.items():
            self.outline.leave_out(" … ".join(dict.fromkeys(texts)), reason)

    def _tag(self, tag: Tag, depth: int) -> None:
        if tag.name == "br":
            self.inline.append("\u2028")
        elif depth > _MAX_DEPTH:
            self._flush()
            self._take_unseen(tag)
            self.outline.text(" ".join(strings(tag)))
        elif tag.name not in BLOCKS:
            self.children(tag, depth)
        else:
            self._flush()
            self._block(tag, depth)
            self._flush()

    def _block(self, tag: Tag, depth: int) -> None:
        if re.fullmatch("h[1-6]", tag.name):
            self._take_unseen(tag)
            self.outline.heading(visible_text(tag), int(tag.name[1]))
        elif tag.name in ("ul", "ol") and not tag.find(["table", "pre", "h2", "h3", "h4"]):
            self._take_unseen(tag)
            self.outline.lines("\n".join(_list_lines(tag, 0)))
        elif tag.name == "dl" and not tag.find(["table", "pre", "ul", "ol", "dl", "h2", "h3", "h4"]):
            self._take_unseen(tag)
            self.outline.lines("\n".join(_definitions(tag)))
        elif tag.name == "table" and not is_layout(tag):
            self._table(tag)
        elif tag.name == "pre":
            self._take_unseen(tag)
            for line_break in tag.find_all("br"):
                line_break.replace_with("\n")
            self.outline.code("".join(strings(tag)))
        else:
            self.children(tag, depth)

    def _table(self, tag: Tag) -> None:
        self._take_unseen(tag)
        caption = tag.find("caption", recursive=False)
        if isinstance(caption, Tag):
            self.outline.text(visible_text(caption))
            caption.extract()
        self.outline.table(table_rows(tag))

    def _take_unseen(self, tag: Tag) -> None:
        """Add the text hidden before `tag`, and collect the text hidden inside it to follow it."""
        self._add_unseen()
        self.unseen += [each for each in tag.descendants if isinstance(each, Unseen)]


def _list_lines(tag: Tag, depth: int) -> Iterator[str]:
    start = str(tag.get("start") or "1")
    number = int(start) if re.fullmatch(r"\d{1,6}", start) else 1
    for item in tag.find_all("li", recursive=False):
        nested = _inner_lists(item) if depth < _MAX_LISTS else []
        for each in nested:
            each.extract()
        mark = f"{number}. " if tag.name == "ol" else "- "
        number += 1
        if words := " ".join(visible_text(item).split()):
            yield "  " * depth + mark + words
        for inner in nested:
            yield from _list_lines(inner, depth + 1)
    # Lists directly inside lists are invalid but common.
    for inner in tag.find_all(["ul", "ol"], recursive=False) if depth < _MAX_LISTS else ():
        yield from _list_lines(inner, depth + 1)


def _inner_lists(item: Tag) -> list[Tag]:
    """The outermost lists in `item`."""
    found: list[Tag] = []
    pending = [item]
    while pending:
        for child in pending.pop().find_all(True, recursive=False):
            (found if child.name in ("ul", "ol") else pending).append(child)
    return found


def _definitions(tag: Tag) -> Iterator[str]:
    """A line for each definition, with its term."""
    term = ""
    for each in tag.find_all(["dt", "dd"]):
        words = " ".join(visible_text(each).split())
        if each.name == "dd":
            yield f"{term}: {words}" if term else words
            term = ""
        else:
            if term:
                yield term
            term = words.rstrip(":")
    if term:
        yield term
