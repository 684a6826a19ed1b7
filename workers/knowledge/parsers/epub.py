"""EPUB: the chapters in the order of the spine, each under its title in the table of contents."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote

from lxml import etree

from gpts.knowledge.documents import Document
from workers.isolation.errors import BrokenFile, EntitiesRefused, FileError, PasswordProtected
from workers.knowledge.archives import Archive, parse_xml
from workers.knowledge.decoding import decode
from workers.knowledge.parsers.html.document import read_page
from workers.knowledge.parsers.outline import Outline, flat

_DRM: Final = "This book is protected by DRM. Upload a copy without DRM."
# Fonts may be obfuscated in books without DRM (EPUB 3.3, section 4.4, and Adobe's older algorithm).
_FONT_SCRAMBLING: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGES: Final = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE[^<>\[]*>", re.I)
# HTML parsers take XHTML's `<title/>` for a title that never ends.
_SELF_CLOSED: Final = re.compile(
    r"<((?!br|hr|img|meta|link|input|col|area|base|wbr)[a-z][\w:]*)((?:\s[^<>]*)?)/>", re.I
)
_MAX_LEVEL: Final = 3


def parse(data: bytes) -> Document:
    """The book in an EPUB file."""
    archive = Archive(data)
    _refuse_locked(archive)
    package_name = _package_name(archive)
    package = _xml(archive, package_name)
    folder = posixpath.dirname(package_name)
    outline = Outline(title=next(filter(None, map(_words, package.iter("{*}title"))), ""))
    items = {str(each.get("id")): each for each in package.iter("{*}item")}
    titles = dict(_contents(archive, items, folder))
    n_broken = 0
    for reference in package.iter("{*}itemref"):
        item = items.get(str(reference.get("idref")))
        if item is None or item.get("media-type") not in _PAGES or "nav" in (item.get("properties") or "").split():
            continue
        try:
            _add_chapter(outline, archive, _path(folder, item.get("href")), titles)
        except FileError:
            n_broken += 1
    if n_broken:
        outline.notice(f"Chapters that couldn't be opened: {n_broken:,}.", missing="chapters")
    return outline.document()


def _refuse_locked(archive: Archive) -> None:
    if "META-INF/encryption.xml" in archive:
        root = _xml(archive, "META-INF/encryption.xml")
        methods = {str(each.get("Algorithm")) for each in root.iter("{*}EncryptionMethod")}
        if methods - set(_FONT_SCRAMBLING):
            raise PasswordProtected(_DRM)


def _package_name(archive: Archive) -> str:
    for each in _xml(archive, "META-INF/container.xml").iter("{*}rootfile"):
        name = _path("", each.get("full-path"))
        if name in archive:
            return name
    raise BrokenFile


def _add_chapter(outline: Outline, archive: Archive, name: str, titles: dict[str, tuple[int, str]]) -> None:
    text = decode(archive.read(name))
    if "<!ENTITY" in text[:20_000].upper():
        raise EntitiesRefused
    text = _SELF_CLOSED.sub(r"<\1\2></\1>", text)

    def sheet(href: str) -> str | None:
        path = _path(posixpath.dirname(name), href)
        return decode(archive.read(path)) if path in archive and archive.read(path).strip() else None

    chapter = Outline()
    read_page(text, chapter, sheet)
    document = chapter.document()
    level, title = titles.get(name, (0, ""))
    if not document.blocks or not title:
        level = 0
    elif document.blocks[0].is_heading() and _alike(document.blocks[0].text, title):
        level -= 1
    else:
        outline.heading(title, level)
    outline.add_document(document, under=level)


def _alike(one: str, other: str) -> bool:
    a, b = (re.sub(r"\W+", "", each).casefold() for each in (one, other))
    return a in b or b in a


def _contents(archive: Archive, items: dict[str, Any], folder: str) -> Iterator[tuple[str, tuple[int, str]]]:
    """The level and title of each file in the table of contents, the outermost entry of a file last."""
    found: list[tuple[str, tuple[int, str]]] = []
    for item in items.values():
        kind, name = item.get("media-type"), _path(folder, item.get("href"))
        if name not in archive:
            continue
        if "nav" in (item.get("properties") or "").split():
            found += _nav_entries(archive, name)
        elif kind == "application/x-dtbncx+xml" and not found:
            found += _ncx_entries(archive, name)
    yield from reversed(found)


def _nav_entries(archive: Archive, name: str) -> Iterator[tuple[str, tuple[int, str]]]:
    for nav in _xml(archive, name).iter("{*}nav"):
        # Page lists and landmarks have other types.
        kind = next((value for key, value in nav.items() if etree.QName(key).localname == "type"), "toc")
        for link in nav.iter("{*}a") if "toc" in kind.split() else ():
            level = len(list(link.iterancestors("{*}ol")))
            yield _path(posixpath.dirname(name), link.get("href")), (_level(level), _words(link))


def _ncx_entries(archive: Archive, name: str) -> Iterator[tuple[str, tuple[int, str]]]:
    for point in _xml(archive, name).iter("{*}navPoint"):
        level = 1 + len(list(point.iterancestors("{*}navPoint")))
        label = next(point.iter("{*}text"), None)
        content = next(point.iter("{*}content"), None)
        if label is not None and content is not None:
            yield _path(posixpath.dirname(name), content.get("src")), (_level(level), _words(label))


def _level(depth: int) -> int:
    return max(1, min(depth, _MAX_LEVEL))


def _xml(archive: Archive, name: str) -> Any:
    """The root of an XML entry, without its document type if that holds no declarations."""
    return parse_xml(_DOCTYPE.sub(b"", archive.read(name), count=1))


def _words(element: Any) -> str:
    return flat("".join(element.itertext()))


def _path(folder: str, href: str | None) -> str:
    """The name in the archive that `href` points to."""
    return posixpath.normpath(posixpath.join(folder, unquote((href or "").split("#")[0])))
