"""A GPT's chat on the pages of other sites, in a real browser: under their policy, and where it is listed only."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_accessibility import LOOKS, SIZES, serious
from web.builder import widgets
from web.runs.models import Conversation, Run

pytestmark = pytest.mark.browser
PAGE = """<!doctype html><html lang="en"><title>Pumps</title><main><h1>Pumps</h1></main>
<script async src="{script}"{more}></script>"""


@pytest.fixture
def other_site(site):
    """Another site: its pages are what the test puts in `pages`. `url` is an origin that no page of ours has."""
    pages: dict[str, str] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = pages.get(self.path)
            self.send_response(200 if text else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            policy = f"default-src 'none'; script-src {site.url}; frame-src {site.url}"
            self.send_header("Content-Security-Policy", f"{policy}; require-trusted-types-for 'script'")
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://localhost:{server.server_port}", pages
    server.shutdown()
    server.server_close()


def offered(gpt, origins, **fields):
    return widgets.change(gpt, {"is_on": True, "origins": origins, "label": "Ask about pumps", **fields})


def script(site, widget) -> str:
    return f"{site.url}/embed/{widget.key}.js"


def opened(page: Page, url: str, is_ready: bool = True):
    """The widget's frame on a page of another site, opened."""
    page.goto(url)
    page.get_by_role("button", name="Ask about pumps").click()
    frame = page.frame_locator("iframe[title='Chat with Pump Doctor']")
    if is_ready:
        expect(frame.get_by_role("button", name="Close chat")).to_be_visible()
    return frame


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_visitor_chats_on_another_site_and_finds_the_chat_again(visitor, site, other_site, gpt, take, theme, size):
    url, pages = other_site
    widget = offered(gpt, [url])
    pages["/"] = PAGE.format(script=script(site, widget), more="")
    page = visitor.page(color_scheme=theme, viewport=SIZES[size])
    frame = opened(page, f"{url}/")
    frame.get_by_label("Message Pump Doctor").fill("It leaks at the shaft")
    frame.get_by_label("Message Pump Doctor").press("Enter")
    expect(frame.get_by_text("It leaks at the shaft", exact=True)).to_be_visible()
    expect(frame.get_by_text("Queued")).to_be_visible()
    take().answer()
    expect(frame.get_by_text("worn lip seal")).to_be_visible()
    frame.get_by_role("button", name="Copy").first.wait_for()
    run = Run.objects.get()
    assert run.message.conversation.origin == Conversation.Origin.WIDGET
    frame.get_by_label("Message Pump Doctor").fill("And the filter?")
    frame.get_by_role("button", name="Send").click()
    expect(frame.get_by_text("Queued")).to_be_visible()
    take().answer("The filter is **F-7**.", ())
    expect(frame.get_by_text("The filter is F-7.")).to_be_visible()
    assert serious(page) == []
    frame.get_by_role("button", name="Close chat").click()
    expect(page.get_by_role("button", name="Ask about pumps")).to_be_focused()
    again = opened(page, f"{url}/")
    expect(again.get_by_text("The filter is F-7.")).to_be_visible()
    again.get_by_role("link", name="New chat").click()
    expect(again.get_by_role("button", name="Which filter fits the Z-7?")).to_be_visible()
    assert Conversation.objects.count() == 1


def test_a_browser_without_cookies_in_frames_gets_a_window(visitor, site, other_site, gpt):
    url, pages = other_site
    pages["/"] = PAGE.format(script=script(site, offered(gpt, [url])), more="")
    page = visitor.page()

    def forget(route):
        response = route.fetch()
        route.fulfill(response=response, headers={k: v for k, v in response.headers.items() if k != "set-cookie"})

    page.route("**/visit/start", forget)
    frame = opened(page, f"{url}/")
    frame.get_by_role("button", name="Which filter fits the Z-7?").click()
    with page.context.expect_page() as window:
        frame.get_by_role("link", name="Open the chat in a window").click()
    expect(window.value.get_by_label("Message Pump Doctor")).to_have_value("Which filter fits the Z-7?")
    visitor.forgive("404")


def test_no_other_site_can_show_it(visitor, site, other_site, gpt):
    url, pages = other_site
    widget = offered(gpt, ["https://www.example.org"])
    pages["/"] = PAGE.format(script=script(site, widget), more="")
    page = visitor.page()
    frame = opened(page, f"{url}/", is_ready=False)
    expect(frame.get_by_label("Message Pump Doctor")).to_have_count(0)
    visitor.forgive("frame-ancestors")
    page.wait_for_function("document.querySelector('div').shadowRoot.querySelector('iframe') !== null")
    assert Conversation.objects.count() == 0


def test_its_page_stands_alone_and_knows_no_account(visitor, site, gpt, alice, take):
    widget = offered(gpt, [])
    page = visitor.page(alice)
    page.goto(f"/embed/{widget.key}/")
    page.get_by_role("button", name="Which filter fits the Z-7?").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    take().answer("The filter is **F-7**.", ())
    expect(page.get_by_text("The filter is F-7.")).to_be_visible()
    assert Run.objects.get().owner != alice
    page.reload()
    expect(page.get_by_text("The filter is F-7.")).to_be_visible()
    assert serious(page) == []


def test_a_visitor_whom_the_site_names_finds_their_chat_in_another_browser(visitor, site, other_site, gpt, take):
    url, pages = other_site
    widget = offered(gpt, [url], only_signed=True)
    token = jwt.encode({"sub": "customer 7", "exp": time.time() + 600}, widgets.secret_of(widget), "HS256")
    pages["/"] = PAGE.format(script=script(site, widget), more=f' data-visitor="{token}"')
    pages["/nobody"] = PAGE.format(script=script(site, widget), more="")
    first = visitor.page()
    # The second script, of the page for the named visitor, is held: the click comes before it and sends the form.
    scripts: list[Route] = []

    def asked(route: Route) -> None:
        scripts.append(route)
        if len(scripts) != 2:
            route.continue_()

    first.route("**/embed/visit*.js", asked)
    frame = opened(first, f"{url}/", is_ready=False)
    frame.get_by_role("button", name="Which filter fits the Z-7?").click()
    expect(frame.get_by_text("Queued")).to_be_visible()
    take().answer("The filter is **F-7**.", ())
    expect(frame.get_by_text("The filter is F-7.")).to_be_visible()
    page = visitor.page()
    expect(opened(page, f"{url}/").get_by_text("The filter is F-7.")).to_be_visible()
    # The same browser after the site no longer says who is there.
    nobody = opened(page, f"{url}/nobody")
    expect(nobody.get_by_text("Sign in on this site to chat.")).to_be_visible()
    expect(nobody.get_by_text("The filter is F-7.")).to_have_count(0)


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_its_creator_sets_it_up(visitor, alice, gpt, theme, size):
    page = visitor.page(alice, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/gpts/{gpt.slug}/embed")
    assert serious(page) == []
    page.get_by_label("Visitors can chat with it").check()
    page.get_by_label("Sites that may show it").fill("https://www.example.org/pumps")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is not the address of a site")).to_be_visible()
    page.get_by_label("Sites that may show it").fill("https://www.example.org")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("<script async")).to_be_visible()
    page.get_by_role("button", name="Create a secret").click()
    page.get_by_text("Show the secret").click()
    expect(page.get_by_label("Secret", exact=True)).to_have_value(widgets.secret_of(widgets.widget_of(gpt)))
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
