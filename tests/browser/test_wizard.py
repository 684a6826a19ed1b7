"""The wizard on the Create tab, in a browser: examples to click, back and skip, and the form that it fills in."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import troubles
from web.builder.models import Gpt
from web.operate.services import save_measurement, seen_model

pytestmark = pytest.mark.browser


def test_a_gpt_is_made_by_answering_one_question_after_the_other(alice_page, alice):
    save_measurement(seen_model("a", "bundled"), {}, {"calls_tools": False}, 1.0)
    page = alice_page
    page.goto("/gpts/new")
    page.get_by_label("Describe it").fill("Answers questions about rye bread.")
    page.keyboard.press("Enter")
    name = page.get_by_label("What should it be called?")
    expect(name).to_be_focused()
    assert troubles(page) == []
    name.fill("call it whatever you want")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="Type the name alone")).to_be_visible()
    assert troubles(page) == []
    page.get_by_role("button", name="Bread Buddy").click()
    expect(name).to_have_value("Bread Buddy")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Short and friendly").click()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bread Buddy")
    page.get_by_role("link", name="Configure").click()
    expect(page.get_by_label("Description", exact=True)).to_have_value("Answers questions about rye bread.")
    page.get_by_label("Description", exact=True).fill("All about rye.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    gpt = Gpt.objects.get(owner=alice)
    assert (gpt.name, gpt.description) == ("Bread Buddy", "All about rye.")
    assert "How you answer: Short and friendly" in gpt.instructions
