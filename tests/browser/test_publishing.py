"""After "Publish": the cursor is in the first field that is wrong, or the page says what comes next."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import troubles
from web.builder.services import update_gpt

pytestmark = pytest.mark.browser


def test_the_first_field_in_error_is_shown_and_named(alice_page, gpt):
    update_gpt(gpt, {"description": "More."}, by=gpt.owner)
    page = alice_page
    page.goto(f"/gpts/{gpt.slug}/edit")
    page.get_by_text("Model settings").click()
    page.get_by_label("Temperature").fill("9")
    page.get_by_text("Model settings").click()
    page.get_by_role("button", name="Publish version").click()
    expect(page.get_by_text("(Temperature)")).to_be_visible()
    expect(page.get_by_label("Temperature")).to_be_focused()
    expect(page.get_by_label("Temperature")).to_be_in_viewport()


def test_what_comes_next_is_in_view(alice_page, gpt):
    update_gpt(gpt, {"description": "More."}, by=gpt.owner)
    page = alice_page
    page.goto(f"/gpts/{gpt.slug}/edit")
    page.get_by_role("radio", name="Anyone with the link").check()
    page.get_by_role("button", name="Publish version").click()
    news = page.get_by_role("region", name="Published")
    expect(news).to_be_focused()
    expect(news).to_contain_text("Anyone with the link can use it.")
    assert troubles(page) == []
    gpt.refresh_from_db()
    link = news.get_by_label("Link to this GPT")
    assert link.input_value().endswith(f"/g/{gpt.slug}/?link={gpt.link_secret}")
    news.get_by_role("link", name="Try it as others do").click()
    expect(page.get_by_role("textbox", name="Message Pump Doctor")).to_be_visible()
