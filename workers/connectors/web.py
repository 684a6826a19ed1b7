"""Web pages and websites. Sites say in robots.txt what programs may read, and how slowly."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from protego import Protego

from gpts.spec.sources import WebPage, Website
from workers.connectors import Item, Reader, SourceError
from workers.egress import EgressError, Response

AGENT: Final = "Guildhall"
_HEADERS: Final = {
    "User-Agent": f"{AGENT} (reads a site for those who asked for it)",
    "Accept": "text/html,*/*;q=0.5",
}
_ROBOTS_BYTES: Final = 500_000
# Seconds between two requests to a site that asks for none, and the most that is waited if it asks for more.
_PAUSE_S: Final = 0.5
_MOST_PAUSE_S: Final = 10.0
# Links followed for each page that is kept: most lead to what is known already, or is none.
_LINKS_A_PAGE: Final = 5
_ENDINGS: Final = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/markdown": ".md",
}
_UNSAFE: Final = re.compile(r"[^\w.()\- ]+")


def page(settings: WebPage, secret: str, reader: Reader) -> Iterator[Item]:
    """The one page, if it changed since."""
    yield _item(settings.url, reader, _robots(settings.url, reader))


def site(settings: Website, secret: str, reader: Reader) -> Iterator[Item]:
    """The pages below the address: those of its sitemaps, then those that they link to."""
    crawl = _Crawl(settings, reader, _robots(settings.url, reader))
    yield from crawl.items()
    if not crawl.n_read:
        raise SourceError(crawl.first_error or "There is no page that programs may read.")


def _robots(url: str, reader: Reader) -> Protego:
    """What the site lets programs read: everything if it says nothing (RFC 9309), nothing while it is broken."""
    try:
        response = reader.get(urljoin(url, "/robots.txt"), _HEADERS, _ROBOTS_BYTES)
    except SourceError as error:
        if "status 5" in str(error) or "too many" in str(error):
            raise
        return Protego.parse("")
    return Protego.parse(response.content.decode("utf-8", "replace"))


def _item(url: str, reader: Reader, robots: Protego) -> Item:
    """The page as an item. Raises SourceError, EgressError."""
    if not robots.can_fetch(url, AGENT):
        raise SourceError("Its robots.txt asks programs not to read it.")
    return _read(reader.get(url, _HEADERS | _conditions(reader.known.get(url, ""))), url, reader)


def _conditions(version: str) -> dict[str, str]:
    """The headers by which a server answers 304 if nothing changed."""
    kind, _, value = version.partition(" ")
    return {"etag": {"If-None-Match": value}, "date": {"If-Modified-Since": value}}.get(kind, {}) if value else {}


def _read(response: Response, url: str, reader: Reader) -> Item:
    if response.status == 304:
        return Item(url, "", reader.known[url])
    etag, date = response.headers.get("etag", ""), response.headers.get("last-modified", "")
    version = f"etag {etag}" if etag else f"date {date}" if date else ""
    return Item(url, name_of(url, response.content_type), version, response.content)


def name_of(url: str, content_type: str = "") -> str:
    """A file name for the address: "example.org docs install.html"."""
    parts = urlsplit(url)
    words = _UNSAFE.sub(" ", unquote(f"{parts.netloc} {parts.path.strip('/')} {parts.query}".replace("/", " ")))
    name = " ".join(words.split())[:120]
    ending = _ENDINGS.get(content_type, "")
    return name if not ending or name.lower().endswith((ending, ".htm")) else name + ending


@dataclass
class _Crawl:
    """The reading of a site. `waiting` are addresses in the order in which they were found."""

    settings: Website
    reader: Reader
    robots: Protego
    waiting: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    n_read: int = 0
    first_error: str = ""
    last: float = 0.0

    def items(self) -> Iterator[Item]:
        """What can be read, up to the limit."""
        self.add(self.settings.url)
        for url in self._mapped():
            self.add(url)
        most_tried = self.settings.most * _LINKS_A_PAGE
        for url in self.waiting:  # it grows meanwhile
            if self.n_read >= self.settings.most or most_tried <= 0:
                return
            most_tried -= 1
            yield from self._one(url)

    def add(self, url: str) -> None:
        """Remember an address below the site's, once."""
        url = urldefrag(url).url
        if url not in self.seen and self._is_below(url):
            self.seen.add(url)
            self.waiting.append(url)

    def _is_below(self, url: str) -> bool:
        own, other = urlsplit(self.settings.url), urlsplit(url)
        folder = own.path.rpartition("/")[0] + "/"
        return (
            other.scheme in ("http", "https")
            and other.netloc == own.netloc
            and (other.path or "/").startswith(folder)
        )

    def _one(self, url: str) -> Iterator[Item]:
        if not self.robots.can_fetch(url, AGENT):
            return
        self._wait()
        try:
            item = _item(url, self.reader, self.robots)
        except (SourceError, EgressError) as error:
            self.first_error = self.first_error or str(error)
            if url in self.reader.known:
                yield Item(url, "", self.reader.known[url], error=str(error))
            return
        links = self._links(url, item)
        if links is None:
            return
        for link in links:
            self.add(link)
        self.n_read += 1
        yield item

    def _links(self, url: str, item: Item) -> list[str] | None:
        """The links of the page; None if it is none that is kept. An unchanged page is read for them all the same."""
        content = item.content
        if content is None:
            return [each for each in self.reader.known if each != url]
        if not item.name.endswith(tuple(_ENDINGS.values())):
            return None
        found: list[str] = json.loads(self.reader.isolated("pages:links_here", content, url))
        return found

    def _wait(self) -> None:
        pause = min(_MOST_PAUSE_S, max(_PAUSE_S, float(self.robots.crawl_delay(AGENT) or 0)))
        while (left := self.last + pause - monotonic()) > 0:
            self.reader.check()
            sleep(min(left, 1.0))
        self.last = monotonic()

    def _mapped(self) -> Iterator[str]:
        """The addresses in the sitemaps that robots.txt names, or at the usual place."""
        maps = list(self.robots.sitemaps) or [urljoin(self.settings.url, "/sitemap.xml")]
        for address in maps[:5]:
            try:
                response = self.reader.get(address, _HEADERS)
                found = json.loads(self.reader.isolated("pages:mapped_here", response.content))
            except (SourceError, EgressError):
                continue
            yield from found["pages"]
            maps += [each for each in found["maps"] if len(maps) < 5]
