"""Pages in each language and in both directions: accessible, no wider than the window, and scripts speak it too."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import WIDER, looks, serious

pytestmark = pytest.mark.browser
# Each with the label of the button that sends a message, and what a script makes of the one that copies an answer.
LANGUAGES = {"de": "Senden", "fr": "Envoyer", "es": "Enviar", "zh-CN": "发送"}
COPIED = {"de": "Kopiert", "fr": "Copié", "es": "Copiado", "zh-CN": "已复制"}


def look(page: Page, name: str) -> None:
    """Keep a picture for whoever sets LOOKS_TO to a folder."""
    if folder := os.environ.get("LOOKS_TO"):
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_fit_in_each_language(visitor, alice, gpt, language):
    page = visitor.page(alice, locale=language)
    for path in (
        "/",
        f"/g/{gpt.slug}/",
        f"/g/{gpt.slug}/chat",
        "/chats/",
        "/gpts/",
        "/account/me/",
        "/account/keys/",
        f"/gpts/{gpt.slug}/edit",
        f"/gpts/{gpt.slug}/embed",
        f"/gpts/{gpt.slug}/sources/?kind=git",
        "/schedules/new",
    ):
        page.goto(path)
        for size in looks(page):
            look(page, f"{language}-{size}-{path.strip('/').replace('/', '-') or 'store'}")
            assert (path, size, page.evaluate(WIDER), serious(page)) == (path, size, 0, [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_speak_the_language(visitor, bob, gpt, take, language):
    page = visitor.page(bob, locale=language, permissions=["clipboard-write"])
    page.goto(f"/g/{gpt.slug}/chat")
    page.locator("[data-message]").fill("Which seal?")
    page.get_by_role("button", name=LANGUAGES[language], exact=True).click()
    page.wait_for_url("**/c/**")
    worker = take()
    worker.retrieve()
    worker.begin()
    worker.write("ZP-771.")
    worker.finish()
    page.locator("[data-copy-answer]").click()
    expect(page.locator("[data-copy-answer]")).to_have_text(COPIED[language])
    look(page, f"{language}-answer")


def test_pages_run_from_right_to_left(visitor, alice, gpt):
    page = visitor.page(alice)
    page.add_init_script("document.addEventListener('readystatechange', () => document.documentElement.dir = 'rtl')")
    for path in ("/", f"/g/{gpt.slug}/", f"/g/{gpt.slug}/chat", f"/gpts/{gpt.slug}/edit", "/account/me/"):
        page.goto(path)
        for size in looks(page):
            look(page, f"rtl-{size}-{path.strip('/').replace('/', '-') or 'store'}")
            assert (path, size, page.evaluate(WIDER)) == (path, size, 0)
            if path == "/":
                brand, account = (page.locator(name).first.bounding_box() for name in (".brand", ".bar-actions"))
                assert brand
                assert account
                assert brand["x"] > account["x"]
