"""Pages, sites and feeds, from a real server."""

from dataclasses import replace

import pytest

from gpts.spec.sources import Feed, WebPage, Website
from tests.workers.connectors.conftest import by_key
from workers.connectors import SourceError, feed, web
from workers.egress import EgressConfig, EgressRefused


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(web, "_PAUSE_S", 0.0)


def page(*links: str, text: str = "Hello") -> str:
    return f"<html><body><p>{text}</p>{''.join(f'<a href={link!r}>x</a>' for link in links)}</body></html>"


def test_a_page_is_read_once_and_again_when_it_changes(served):
    served.put("/fees.html", page(text="12 euros"))
    settings = WebPage(url=f"{served.url}/fees.html")
    (first,) = web.page(settings, "", served.reader())
    assert (first.name, b"12 euros" in first.content) == (f"127.0.0.1 {served.port} fees.html", True)
    (second,) = web.page(settings, "", served.reader(**{first.key: first.version}))
    assert (second.content, second.version) == (None, first.version)
    served.put("/fees.html", page(text="13 euros"))
    (third,) = web.page(settings, "", served.reader(**{first.key: first.version}))
    assert b"13 euros" in third.content


def test_a_page_that_is_gone_or_forbidden_says_so(served):
    with pytest.raises(SourceError, match="has nothing at this address"):
        list(web.page(WebPage(url=f"{served.url}/x"), "", served.reader()))
    served.put("/robots.txt", "User-agent: *\nDisallow: /private", "text/plain")
    served.put("/private", page())
    with pytest.raises(SourceError, match=r"robots\.txt"):
        list(web.page(WebPage(url=f"{served.url}/private"), "", served.reader()))
    assert "/private" not in served.paths()
    with pytest.raises(EgressRefused):
        list(web.page(WebPage(url=f"{served.url}/x"), "", replace(served.reader(), egress=EgressConfig())))


def test_a_site_is_followed_within_its_folder(served):
    served.put("/robots.txt", f"User-agent: *\nDisallow: /docs/old\nSitemap: {served.url}/map.xml", "text/plain")
    loc = "".join(f"<url><loc>{served.url}{path}</loc></url>" for path in ("/docs/c", "/news/x"))
    served.put("/map.xml", f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{loc}</urlset>', "text/xml")
    served.put(
        "/docs/", page("a", "/docs/old/x", "/", "https://elsewhere.example/docs/", "mailto:x@y.z", "a#part", "p.png")
    )
    served.put("/docs/a", page("b/../a", "guide.pdf", text="A"))
    served.put("/docs/guide.pdf", b"%PDF-1.4 ...", "application/pdf")
    served.put("/docs/p.png", b"\x89PNG", "image/png")
    served.put("/docs/c", page(text="C"))
    found = by_key(web.site(Website(url=f"{served.url}/docs/"), "", served.reader()))
    assert set(found) == {f"{served.url}/docs/{name}" for name in ("", "a", "c", "guide.pdf")}
    assert not {"/news/x", "/docs/old/x", "/"} & set(served.paths())
    known = {key: item.version for key, item in found.items()}
    served.put("/docs/a", page("new", text="A2"))
    served.put("/docs/new", page(text="New"))
    del served.pages["/docs/c"]
    again = by_key(web.site(Website(url=f"{served.url}/docs/"), "", served.reader(**known)))
    changed = {key.rpartition("/")[2] for key, item in again.items() if item.content is not None}
    assert changed == {"a", "new"}
    assert again[f"{served.url}/docs/c"].error.endswith("has nothing at this address.")


def test_a_site_ends_at_its_limit_and_one_without_pages_says_why(served):
    for n in range(8):
        served.put(f"/{n}", page(*(str(m) for m in range(8))))
    assert len(by_key(web.site(Website(url=f"{served.url}/0", most=3), "", served.reader()))) == 3
    with pytest.raises(SourceError, match="has nothing at this address"):
        list(web.site(Website(url=f"{served.url}/nowhere/x"), "", served.reader()))


RSS = """<rss version="2.0"><channel><title>News</title>{}</channel></rss>"""
ENTRY = "<item><guid>{n}</guid><title>Entry {n}</title><link>https://example.org/{n}</link><description>{text}</description></item>"


def test_a_feeds_entries_are_pages(served):
    entries = [
        ENTRY.format(n=n, text=f"&lt;p&gt;Text {n}&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;") for n in range(4)
    ]
    served.put("/feed", RSS.format("".join(entries)), "application/rss+xml")
    settings = Feed(url=f"{served.url}/feed", most=3)
    found = by_key(feed.feed(settings, "", served.reader()))
    assert list(found) == ["0", "1", "2"]
    assert found["0"].name == "Entry 0.html"
    assert b"<p>Text 0</p>" in found["0"].content
    assert b"script" not in found["0"].content
    known = {key: item.version for key, item in found.items()}
    assert all(item.content is None for item in feed.feed(settings, "", served.reader(**known)))


@pytest.mark.parametrize("text", ["<html><body>No feed</body></html>", "", "\x00\x01"])
def test_what_is_no_feed_says_so(served, text):
    served.put("/feed", text or "x")
    with pytest.raises(SourceError, match="There is no feed"):
        list(feed.feed(Feed(url=f"{served.url}/feed"), "", served.reader()))


def test_a_feed_that_unpacks_without_end_is_refused_in_time(served):
    lines = [
        '<!DOCTYPE rss [<!ENTITY a0 "ha">',
        *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)),
        "]>",
    ]
    served.put("/feed", "".join(lines) + RSS.format(ENTRY.format(n=1, text="&a11;")), "application/rss+xml")
    try:
        found = list(feed.feed(Feed(url=f"{served.url}/feed"), "", served.reader()))
    except SourceError:
        return
    assert sum(len(item.content or b"") for item in found) < 300_000
