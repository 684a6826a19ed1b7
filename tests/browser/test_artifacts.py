"""Previews of HTML and SVG: nothing runs before one is opened, and what runs reaches neither the site nor others.

The attempts are made by an artifact in a real Chromium, with a server that notes whoever talks to it.
"""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGS, Visitor
from tests.browser.test_rich import answer

pytestmark = pytest.mark.browser

ATTEMPTS = (Path(__file__).parent / "attempts.html").read_text()
DIAGRAM = "```mermaid\nflowchart LR\n  A --> B\n```\n"
STUN = """<!doctype html><script>
setTimeout(() => document.body.append("Ended"), 1500); // it takes some 100 ms
const talk = new RTCPeerConnection({ iceServers: [{ urls: "stun:127.0.0.1:%d" }] });
talk.createDataChannel("x");
talk.createOffer().then((offer) => talk.setLocalDescription(offer));
</script>"""


@dataclass
class Listener:
    """Servers on the loopback, over TCP and UDP, and what they were sent."""

    tcp: socket.socket
    udp: socket.socket
    requests: list[bytes] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.tcp.getsockname()[1]}"

    def serve(self) -> None:
        """Note the first bytes of each connection that sends any, until the socket is closed."""
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            connection.settimeout(2)
            with connection:
                try:
                    if sent := connection.recv(200):
                        self.requests.append(sent)
                except TimeoutError:
                    continue

    def hear(self) -> None:
        """Note each packet, until the socket is closed."""
        while True:
            try:
                self.packets.append(self.udp.recv(200))
            except OSError:
                return


@pytest.fixture
def elsewhere() -> Iterator[Listener]:
    """Another site, which notes what it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        listener = Listener(tcp, udp)
        for work in (listener.serve, listener.hear):
            threading.Thread(target=work, daemon=True).start()
        yield listener
        tcp.shutdown(socket.SHUT_RDWR)


def fenced(html: str, language: str = "html") -> str:
    return f"```{language}\n{html}\n```\n"


def preview(page: Page) -> None:
    page.get_by_role("group", name="View").last.get_by_role("button", name="Preview").press("Enter")


def test_nothing_runs_before_its_preview_is_opened_or_after_it_is_closed(bob_page, gpt, take):
    code = "<p></p><script>document.querySelector('p').textContent = 'Ready'</script>"
    answer(bob_page, gpt.slug, take, fenced(code))
    view = bob_page.get_by_role("group", name="View")
    expect(view.get_by_role("button", name="Code")).to_have_attribute("aria-pressed", "true")
    assert len(bob_page.frames) == 1
    view.get_by_role("button", name="Preview").press("Enter")
    expect(bob_page.frame_locator(".artifact").get_by_text("Ready")).to_be_visible()
    expect(bob_page.locator(".answer pre")).to_be_hidden()
    view.get_by_role("button", name="Code").press("Enter")
    expect(bob_page.locator(".artifact")).to_have_count(0)
    expect(bob_page.locator(".answer pre")).to_be_visible()
    assert len(bob_page.frames) == 1


@pytest.mark.parametrize(
    ("language", "code", "shown"),
    [
        ("html", "<b>Hello</b><script>document.body.append(' there')</script>", "Hello there"),
        ("svg", "<svg xmlns='http://www.w3.org/2000/svg'><text y='20'>Circle</text></svg>", "Circle"),
        (
            "xml",
            "<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'><text y='20'>Drawn</text></svg>",
            "Drawn",
        ),
        ("", "<!doctype html>\n<title>x</title><p>Whole page</p>", "Whole page"),
    ],
)
def test_pages_and_drawings_have_a_preview(bob_page, gpt, take, language, code, shown):
    answer(bob_page, gpt.slug, take, fenced(code, language) + fenced("<note/>", "xml") + fenced("plain", ""))
    expect(bob_page.get_by_role("button", name="Preview")).to_have_count(1)
    preview(bob_page)
    expect(bob_page.frame_locator(".artifact").get_by_text(shown)).to_be_visible()


def test_an_artifact_reaches_neither_the_site_nor_its_session_nor_others(visitor, bob, gpt, take, site, elsewhere):
    page = visitor.page(bob)
    code = ATTEMPTS.replace("{web}", elsewhere.url).replace("{site}", site.url)
    answer(page, gpt.slug, take, DIAGRAM + fenced(code))
    expect(page.locator(".diagram img")).to_be_visible()
    [address, drawn] = [page.url, page.locator(".diagram img").get_attribute("src")]
    preview(page)
    log = page.frame_locator(".artifact").locator("#log")
    expect(log).to_contain_text('"end"', timeout=20_000)
    got = json.loads(log.inner_text())
    assert len(got) == ATTEMPTS.count("attempt(") + 1
    assert {name: value for name, value in got.items() if not value.startswith("refused")} == {"end": "1"}
    assert elsewhere.requests == []
    assert (page.url, len(page.context.pages)) == (address, 1)
    assert page.locator(".diagram img").get_attribute("src") == drawn
    expect(page.get_by_text("spoofed", exact=True)).to_have_count(0)
    frames = [frame.url.removeprefix(site.url) for frame in page.main_frame.child_frames]
    assert frames == ["/c/frames/diagram", "/c/frames/artifact#x"]
    page.goto("/chats/")
    expect(page.get_by_role("heading", name="Chats")).to_be_visible()  # still signed in
    visitor.complaints.clear()  # of each attempt


@pytest.mark.parametrize("way", ["<script>location = '%s'</script>", "<meta http-equiv=refresh content='0;url=%s'>"])
@pytest.mark.parametrize("to", ["elsewhere", "the site", "data:text/html,<p>Moved</p>"])
def test_an_artifact_cannot_take_its_frame_elsewhere(visitor, bob, gpt, take, site, elsewhere, way, to):
    page = visitor.page(bob)
    url = {"elsewhere": f"{elsewhere.url}/?secret", "the site": f"{site.url}/chats/"}.get(to, to)
    sent = []
    page.on("request", lambda request: sent.append(request))
    answer(page, gpt.slug, take, fenced("<p>Ready</p>" + way % url))
    with page.expect_event("framenavigated", lambda frame: frame.url.startswith("chrome-error:")):
        preview(page)
    assert elsewhere.requests == []
    assert not any("cookie" in request.all_headers() for request in sent if request.url == url)
    assert page.frame_locator(".artifact").get_by_text("Moved", exact=True).count() == 0
    visitor.complaints.clear()


def test_an_endless_loop_leaves_the_page_alone(bob_page, gpt, take):
    answer(bob_page, gpt.slug, take, fenced("<script>while (true);</script>"))
    preview(bob_page)
    bob_page.get_by_role("textbox", name="Message").fill("Still here?")
    bob_page.get_by_role("button", name="Code").press("Enter")
    expect(bob_page.locator(".artifact")).to_have_count(0)
    expect(bob_page.get_by_role("textbox", name="Message")).to_have_value("Still here?")


def test_the_frames_do_nothing_for_who_opens_their_address(bob_page):
    for address in ("/c/frames/artifact", "/c/frames/diagram"):
        bob_page.goto(address)
        bob_page.evaluate("postMessage('<h1>Phished</h1>', '*')")
        bob_page.evaluate("new Promise((done) => setTimeout(done, 300))")
        assert bob_page.locator("h1").count() == 0
        assert bob_page.evaluate("window.origin") == "null"


def test_a_browser_that_knows_connection_allowlists_lets_nothing_out(
    browser: Browser, site, bob, gpt, take, elsewhere
):
    """`Connection-Allowlist` is behind a switch in Chromium 150. Without it, WebRTC reaches the server."""
    switch = "--enable-features=ConnectionAllowlists,OverrideConnectionAllowlistOriginTrial"
    chromium = browser.browser_type.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, switch])
    page = Visitor(chromium, site).page(bob)
    answer(page, gpt.slug, take, DIAGRAM + fenced(STUN % elsewhere.udp.getsockname()[1]))
    expect(page.locator(".diagram img")).to_be_visible()
    preview(page)
    expect(page.frame_locator(".artifact").get_by_text("Ended")).to_be_visible()
    assert elsewhere.packets == []
    chromium.close()
