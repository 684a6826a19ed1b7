"""axe-core finds nothing serious on any page, in either theme, and no page breaks its own content policy."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.test_programs import program, question
from web.accounts import grants
from web.accounts.services import create_key

pytestmark = pytest.mark.browser
THEMES = ["light", "dark"]
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 780}}
# Each theme and each size once: colours are the same at both sizes, and sizes in both themes.
LOOKS = list(zip(THEMES, SIZES, strict=True))


def serious(page: Page) -> list[str]:
    """The serious and critical findings on a page, as `rule: element`."""
    # axe's preloading adds a style element, which the policy rightly refuses.
    found = Axe().run(page, options={"preload": False}).response["violations"]
    bad = [violation for violation in found if violation["impact"] in {"serious", "critical"}]
    return [f"{violation['id']}: {node['html'][:160]}" for violation in bad for node in violation["nodes"]]


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_pages_for_everyone_are_accessible(visitor, gpt, theme, size):
    page = visitor.page(color_scheme=theme, viewport=SIZES[size])
    for path in (
        "/",
        "/?q=pump",
        f"/g/{gpt.slug}/",
        "/account/login/",
        "/account/signup/",
        "/nowhere/",
        "/docs/",
        "/docs/?q=files",
        "/docs/api/",
    ):
        page.goto(path)
        assert (path, serious(page)) == (path, [])
    visitor.forgive("404")


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_pages_of_a_person_are_accessible(visitor, alice, gpt, theme, size):
    create_key(alice, "laptop")
    grants.exchange(grants.token("code", grants.grant(alice, program(), "http://127.0.0.1/mcp", {})))
    page = visitor.page(alice, color_scheme=theme, viewport=SIZES[size])
    own = [f"/gpts/{gpt.slug}/{name}" for name in ("edit", "history", "delete")]
    paths = ("/", f"/g/{gpt.slug}/", f"/g/{gpt.slug}/chat", "/chats/", "/gpts/", "/gpts/new", *own)
    for path in (*paths, "/account/keys/", question(), "/account/me/"):
        page.goto(path)
        sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert (path, serious(page), sideways) == (path, [], 0)


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_chat_is_accessible_at_each_of_its_stages(visitor, bob, gpt, take, theme, size):
    page = visitor.page(bob, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/g/{gpt.slug}/chat")
    page.get_by_role("button", name="Which filter fits the Z-7?").click()
    page.wait_for_url("**/c/**")
    worker = take()
    worker.retrieve()
    worker.begin()
    worker.write("It is **ZF-70**.\n\n| a | b |\n|---|---|\n| c | d |\n\n```py\nx = 1\n```\n")
    expect(page.locator(".answer table")).to_be_visible()
    assert serious(page) == []
    worker.finish()
    expect(page.locator("a.cite")).to_have_count(3)
    assert serious(page) == []
    page.locator("a.cite").first.click()
    expect(page.get_by_role("dialog", name="Sources")).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Regenerate").click()
    expect(page.get_by_text("Queued")).to_be_visible()
    take().fail()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert serious(page) == []
    page.goto("/chats/")
    assert serious(page) == []


def test_the_api_reference_shows_the_operations_of_both_apis_under_the_sites_content_policy(visitor, bob):
    page = visitor.page(bob)
    page.goto("/api/docs")
    expect(page.get_by_text("/v1/responses/{response_id}/cancel", exact=True)).to_be_visible()
    expect(page.get_by_text("/v1/chat/completions", exact=True)).to_have_count(2)  # create and list
    page.get_by_text("/api/runs/{run_id}/tree", exact=True).click()
    expect(page.get_by_text("Your run and all its child runs")).to_be_visible()
