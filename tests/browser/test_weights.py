"""What a browser that comes for the first time has to load for each page, and what it keeps."""

from collections import Counter

import pytest
from playwright.sync_api import Page

from web.accounts.models import User

pytestmark = pytest.mark.browser

MOST_BYTES = 250_000
MOST_BYTES_OF_CONSOLE = 600_000


class Weighed:
    """The bytes that came over the wire for each address since the last `reset`, and the headers of its answer."""

    def __init__(self, page: Page) -> None:
        self.addresses: dict[str, str] = {}
        self.n_bytes: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.responseReceived", self.received)
        session.on("Network.loadingFinished", self.finished)
        session.send("Network.enable")
        session.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def received(self, event: dict) -> None:
        url = event["response"]["url"]
        self.addresses[event["requestId"]] = url
        self.headers[url] = {name.lower(): value for name, value in event["response"]["headers"].items()}

    def finished(self, event: dict) -> None:
        # A request of the page before may end after the reset.
        if url := self.addresses.get(event["requestId"]):
            self.n_bytes[url] += event["encodedDataLength"]

    def reset(self) -> None:
        self.addresses.clear()
        self.n_bytes.clear()
        self.headers.clear()


def test_no_page_is_heavy_and_static_files_are_kept_for_good(visitor, alice, bob, gpt, take):
    User.objects.filter(id=alice.id).update(is_superuser=True, is_staff=True)
    page = visitor.page(alice)
    weighed = Weighed(page)
    page.goto(f"/g/{gpt.slug}/chat")
    page.get_by_role("button", name="Which filter fits the Z-7?").click()
    page.wait_for_url("**/c/**")
    take().answer()
    page.locator("a.cite").first.wait_for()
    chat = page.url
    heavy = {}
    paths = ("/", f"/g/{gpt.slug}/", f"/g/{gpt.slug}/chat", chat, "/chats/", f"/gpts/{gpt.slug}/edit", "/docs/api/")
    for path in (*paths, "/account/me/", "/admin/", "/admin/accounts/user/"):
        weighed.reset()
        page.goto(path)
        page.wait_for_load_state("networkidle")
        total = sum(weighed.n_bytes.values())
        if total > (MOST_BYTES_OF_CONSOLE if path.startswith("/admin/") else MOST_BYTES):
            heavy[path] = total, weighed.n_bytes.most_common(8)
        files = {url: headers for url, headers in weighed.headers.items() if "/static/" in url}
        assert all("immutable" in headers["cache-control"] for headers in files.values())
        assert sum("icons.svg" in url for url in weighed.addresses.values()) <= 1, path
    assert heavy == {}
