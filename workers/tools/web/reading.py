"""Extracts the readable content of a page, in a confined child process, as pages are not trusted.

Everything that a browser does not show is removed, by the same rules as for knowledge files; then trafilatura finds
the main part. Text that addresses models rather than readers is removed too, as nobody reviews it.
"""

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit
from warnings import catch_warnings, simplefilter

import trafilatura
from bs4 import BeautifulSoup
from bs4.element import Tag

from gpts.knowledge.documents import Block, Document
from gpts.safety.findings import settled
from gpts.safety.screening import screened
from workers.isolation.errors import NoText
from workers.knowledge import sniffing, text_types
from workers.knowledge.decoding import decode
from workers.knowledge.parsers import parse
from workers.knowledge.parsers.html.document import read_page
from workers.knowledge.parsers.html.hiding import Unseen
from workers.knowledge.parsers.html.sifting import sift, visible_text
from workers.knowledge.parsers.outline import Outline, flat
from workers.tools.web.page import Page, PageLink

MAX_LINKS: Final = 40
_LINK_CHARS: Final = 100
_MAX_CHARS: Final = 300_000
# With a main part shorter than this the whole page is kept: its menus are removed already.
_MAIN_CHARS: Final = 400
_JSON_LINES: Final = 40
# Shorter hidden text is a label, such as for icons.
_HIDDEN_CHARS: Final = 30
_PAGES: Final = frozenset(["text/html", "application/xhtml+xml"])
_TEXTS: Final = frozenset([text_types.TEXT, text_types.MARKDOWN, text_types.SOURCE, text_types.CSV])
_BODY: Final = re.compile(r"<(?:body|frameset)\b", re.I)
_FIRST_BLOCK: Final = re.compile(
    r"<(?:article|section|main|header|nav|aside|div|p|h[1-6]|table|ul|ol|a|span)\b", re.I
)


def read_here(data: bytes, url: str, claimed: str = "") -> bytes:
    """The Page in `data`, which came from `url`, as JSON; runs in the child process. Raises FileError.

    `claimed` is the MIME type from the server, used only to tell HTML from other text.
    """
    kind = sniffing.sniff(data)
    links: tuple[PageLink, ...] = ()
    is_sifted = False
    if kind == text_types.HTML or (kind in _TEXTS and claimed in _PAGES):
        document, links, is_sifted = _html(decode(data), url)
    elif kind == text_types.JSON:
        document = _json(decode(data))
    else:
        document = parse(data, kind)
    if not any(block.text.strip() for block in document.blocks):
        raise NoText
    return Page(document=_safe(document), links=links, is_sifted=is_sifted).model_dump_json().encode()


def _safe(document: Document) -> Document:
    """`document` without text that is not meant for readers, cut to _MAX_CHARS."""
    document = screened(document)
    dropped = {each.id for each in document.findings if each.severity != "note"}
    left = settled(document, dict.fromkeys(dropped, "drop"))
    blocks = tuple(_first(left.blocks))
    if blocks and len(blocks) < len(left.blocks):
        blocks = (*blocks[:-1], blocks[-1].before_removed(["the rest of the page"]))
    return left.model_copy(update={"blocks": blocks, "findings": (), "notices": ()})


def _first(blocks: tuple[Block, ...]) -> Iterator[Block]:
    room = _MAX_CHARS
    for block in blocks:
        room -= len(block.text)
        if room < 0:
            return
        yield block


def _html(text: str, url: str) -> tuple[Document, tuple[PageLink, ...], bool]:
    """The page's text and links, and whether a trick hides some of it."""
    # Without the optional tag <body>, libxml2 puts newer elements in the head.
    text = text if _BODY.search(text) else _FIRST_BLOCK.sub(r"<body>\g<0>", text, count=1)
    with catch_warnings():
        simplefilter("ignore")
        soup = BeautifulSoup(text, "lxml")
    title = flat(soup.title.get_text()) if soup.title else ""
    base = soup.find("base", href=True)
    root = sift(soup, Outline())
    is_sifted = any(isinstance(each, Unseen) and len(each) >= _HIDDEN_CHARS for each in root.descendants)
    links = tuple(_links(root, urljoin(url, str(base["href"])) if isinstance(base, Tag) else url, url))
    visible = f"<html><body>{root}</body></html>"
    main = trafilatura.extract(visible, output_format="html", favor_recall=True, include_tables=True) or ""
    document = _document(main, title)
    # Start pages and lists have hardly any main part.
    return document if len(document.text()) >= _MAIN_CHARS else _document(visible, title), links, is_sifted


def _document(html: str, title: str) -> Document:
    outline = Outline()
    if html:
        read_page(html, outline)
    document = outline.document()
    return document.model_copy(update={"title": title[:200] or document.title})


def _links(root: Tag, base: str, own: str) -> Iterator[PageLink]:
    """The links of `root` in reading order, each URL once."""
    seen = {urldefrag(own).url}
    for tag in root.find_all("a", href=True):
        text = flat(visible_text(tag))[:_LINK_CHARS]
        try:
            address = urldefrag(urljoin(base, str(tag["href"]).strip())).url
            is_web = urlsplit(address).scheme in ("http", "https")
        except ValueError:
            continue
        if text and is_web and address not in seen:
            seen.add(address)
            yield PageLink(text=text, url=address)
        if len(seen) > MAX_LINKS:
            return


def _json(text: str) -> Document:
    """Indented JSON, in blocks of _JSON_LINES lines."""
    try:
        pretty = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        pretty = text
    lines = pretty.splitlines()
    blocks = ["\n".join(lines[start : start + _JSON_LINES]) for start in range(0, len(lines), _JSON_LINES)]
    return Document(title="", blocks=tuple(Block(text=block) for block in blocks))
