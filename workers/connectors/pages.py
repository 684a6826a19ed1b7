"""What is read of pages, sitemaps, feeds and lists of objects in a confined process, as they come from outside."""

import json
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import feedparser
from bs4 import BeautifulSoup
from lxml import etree

MOST_LINKS: Final = 2_000
_PARSER: Final = {"resolve_entities": False, "no_network": True, "huge_tree": False, "recover": True}


def links_here(data: bytes, url: str) -> bytes:
    """The addresses that the page at `url` links to, as JSON."""
    soup = BeautifulSoup(data, "lxml")
    base = soup.find("base", href=True)
    start = urljoin(url, str(base["href"])) if base is not None else url
    found: dict[str, None] = {}
    for tag in soup.find_all("a", href=True):
        if "nofollow" in (tag.get("rel") or ()):
            continue
        try:
            found[urldefrag(urljoin(start, str(tag["href"]).strip())).url] = None
        except ValueError:
            continue
    return json.dumps(list(found)[:MOST_LINKS]).encode()


def mapped_here(data: bytes) -> bytes:
    """The pages and the further sitemaps of a sitemap, as JSON."""
    root = _tree(data)
    found: dict[str, list[str]] = {"pages": [], "maps": []}
    for place in root.iter("{*}loc") if root is not None else ():
        parent = place.getparent()
        kind = "maps" if parent is not None and etree.QName(parent).localname == "sitemap" else "pages"
        found[kind].append((place.text or "").strip())
    return json.dumps({kind: each[:MOST_LINKS] for kind, each in found.items()}).encode()


def _tree(data: bytes) -> Any:
    try:
        return etree.fromstring(data, etree.XMLParser(**_PARSER))
    except etree.XMLSyntaxError:
        return None


def objects_here(data: bytes) -> bytes:
    """A list of objects of S3 (ListObjectsV2), as JSON: objects with key, etag and size, and where it goes on."""
    root = _tree(data)
    rows = [] if root is None else root.findall("{*}Contents")
    objects = [{name: row.findtext(f"{{*}}{name}") or "" for name in ("Key", "ETag", "Size")} for row in rows]
    more = "" if root is None else root.findtext("{*}NextContinuationToken") or ""
    return json.dumps({"objects": objects, "more": more, "is_list": root is not None}).encode()


def entries_here(data: bytes, most: str) -> bytes:
    """The newest entries of a feed, as JSON: key, title, link, date and the text as HTML."""
    read = feedparser.parse(data, sanitize_html=True, resolve_relative_uris=True)
    rows = [_entry(each) for each in read.entries[: int(most)]]
    return json.dumps({"entries": rows, "is_feed": bool(read.version)}).encode()


def _entry(entry: Any) -> dict[str, str]:
    contents = [each.get("value", "") for each in entry.get("content", ())]
    return {
        "key": str(entry.get("id") or entry.get("link") or entry.get("title") or "")[:900],
        "title": str(entry.get("title", ""))[:300],
        "link": str(entry.get("link", ""))[:1000],
        "date": str(entry.get("updated") or entry.get("published") or "")[:80],
        "html": max([*contents, entry.get("summary", "")], key=len)[:200_000],
    }
