"""The code on a GPT's page: read, switched and copied with the keyboard, on a desktop and on a phone."""

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import serious
from web.builder.models import Gpt

pytestmark = pytest.mark.browser


def press(page: Page, key: str, until: str) -> None:
    """Press `key` until what has the focus is `until`."""
    focus = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate(focus) == until:
            return
    raise AssertionError(until)


@pytest.mark.parametrize(("name", "width"), [("desktop", 1280), ("phone", 390)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_is_copied_with_the_keyboard(site, visitor, gpt: Gpt, bob, name, width, scheme):
    size = {"width": width, "height": 844}
    page = visitor.page(bob, color_scheme=scheme, viewport=size, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{site.url}/g/{gpt.slug}/")
    press(page, "Tab", "Use the API")
    page.keyboard.press("Enter")
    expect(page.locator("#code-curl")).to_be_visible()
    press(page, "Tab", "Python")
    page.keyboard.press("Enter")
    expect(page.locator("#code-python")).to_be_visible()
    expect(page.locator("#code-curl")).to_be_hidden()
    press(page, "Tab", "Copy Python")
    page.keyboard.press("Enter")
    expect(page.locator("[data-copy=code-python]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f'model="{gpt.slug}"' in copied
    assert "It leaks" in copied
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    if folder := os.environ.get("SHOTS"):
        page.locator("details.api").screenshot(path=f"{folder}/{name}-{scheme}.png")
