"""The documentation: each Markdown file of `pages/` as HTML, and as sections to search.

The files come with the release, so they are read once. Their pictures (`../../static/docs/store.webp`) and the links
between them (`creating.md#sharing`) work in the repository too; here they become addresses of this site.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER: Final = Path(__file__).parent / "pages"
# In the order of the list beside every page.
NAMES: Final = (
    *("getting-started", "using", "creating", "models", "operating", "sign-in", "trust", "api", "how-it-works"),
)

_STATIC: Final = "../../static/"
_FILE_LINK: Final = re.compile(r"([a-z-]+)\.md(#[a-z0-9-]+)?")


@dataclass(frozen=True, slots=True)
class DocSection:
    """What stands under one heading of a page, as plain text. `anchor` is empty before the first `##`."""

    page: str
    page_title: str
    heading: str
    anchor: str
    text: str

    @property
    def url(self) -> str:
        """The address of the heading."""
        return reverse("docs_page", args=[self.page]) + (f"#{self.anchor}" if self.anchor else "")


@dataclass(frozen=True, slots=True)
class DocPage:
    """A page: its title, its first paragraph as plain text, its HTML below the title, and its sections."""

    name: str
    title: str
    summary: str
    html: SafeString
    sections: tuple[DocSection, ...]


@cache
def doc_pages() -> dict[str, DocPage]:
    """All pages by name, in their order."""
    return {name: _read(name) for name in NAMES}


def _read(name: str) -> DocPage:
    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False})
    tokens = parser.parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    title = tokens[1].content
    tokens = tokens[3:]
    for opening, inline in _headings(tokens):
        opening.attrSet("id", slugify(inline.content))
    for token in tokens:
        for child in token.children or ():
            for attribute in child.attrs.keys() & {"href", "src"}:
                child.attrSet(attribute, _address(str(child.attrs[attribute])))
    html = parser.renderer.render(tokens, parser.options, {})
    html = html.replace("<table>", '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>')
    html = html.replace("</table>", "</table></div>").replace("<pre>", '<pre tabindex="0">')
    sections = tuple(_sections(name, title, tokens))
    return DocPage(name, title, sections[0].text, mark_safe(html), sections)  # noqa: S308  # our own files


def _headings(tokens: list[Token]) -> Iterable[tuple[Token, Token]]:
    """The opening token and the text token of each heading."""
    return ((token, tokens[at + 1]) for at, token in enumerate(tokens) if token.type == "heading_open")


def _address(href: str) -> str:
    """The address on this site of a picture or of a link between the files; any other as it is."""
    if href.startswith(_STATIC):
        return static(href.removeprefix(_STATIC))
    found = _FILE_LINK.fullmatch(href)
    return reverse("docs_page", args=[found[1]]) + (found[2] or "") if found else href


def _sections(name: str, title: str, tokens: list[Token]) -> Iterable[DocSection]:
    heading, anchor, texts = title, "", list[str]()
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open":
            yield DocSection(name, title, heading, anchor, "\n".join(texts))
            heading, anchor, texts = _plain(tokens[at + 1]), str(token.attrs["id"]), []
            at += 2
        elif token.type in {"inline", "fence", "code_block"}:
            texts.append(_plain(token))
        at += 1
    yield DocSection(name, title, heading, anchor, "\n".join(texts))


def _plain(token: Token) -> str:
    """The text of a token without its marks; its lines become one."""
    if token.children is None:
        return token.content.strip()
    return "".join(" " if child.type in {"softbreak", "hardbreak"} else child.content for child in token.children)
