"""Feeds (RSS, Atom): each entry becomes a page of its own."""

import json
from collections.abc import Iterator
from hashlib import sha256
from html import escape

from gpts.spec.sources import Feed
from workers.connectors import Item, Reader, SourceError
from workers.connectors.web import name_of


def feed(settings: Feed, secret: str, reader: Reader) -> Iterator[Item]:
    """The newest entries. Those that left the feed are kept by nobody: a feed shows what is new."""
    response = reader.get(settings.url)
    found = json.loads(reader.isolated("pages:entries_here", response.content, str(settings.most)))
    if not found["is_feed"]:
        raise SourceError("There is no feed at this address.")
    for entry in found["entries"]:
        page = _page(entry)
        version = sha256(page).hexdigest()[:32]
        is_known = reader.known.get(entry["key"]) == version
        name = " ".join(entry["title"].split())[:100] or name_of(entry["link"] or settings.url)
        yield Item(entry["key"], f"{name}.html", version, None if is_known else page)


def _page(entry: dict[str, str]) -> bytes:
    title, date, link = (escape(entry[name]) for name in ("title", "date", "link"))
    facts = "".join(f"<p>{each}</p>" for each in (date, link) if each)
    body = f"<h1>{title}</h1>{facts}{entry['html']}"
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>".encode()
