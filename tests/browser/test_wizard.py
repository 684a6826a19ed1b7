"""The wizard on the Create tab, in a browser: examples to click, back and skip, and the form that it fills in."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import troubles
from web.builder.models import Gpt
from web.builder.services import create_gpt
from web.operate.models_connected import ConnectedModel
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
    page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_role("textbox", name="Conversation starter 1").fill("Why is it flat?")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("alert").filter(has_text="Use “Why is it flat?” as a")).to_be_visible()
    assert troubles(page) == []
    page.get_by_role("button", name="Yes").click()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", name="Check your answers")).to_be_visible()
    assert troubles(page) == []
    page.get_by_role("link", name="Change What should it be called?").click()
    name.fill("Rye Guide")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("dl").get_by_text("Rye Guide")).to_be_visible()
    page.get_by_role("link", name="Configure").click()
    expect(page.get_by_label("Description", exact=True)).to_have_value("Answers questions about rye bread.")
    page.get_by_label("Description", exact=True).fill("All about rye.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    gpt = Gpt.objects.get(owner=alice)
    assert (gpt.name, gpt.description) == ("Rye Guide", "All about rye.")
    assert "How you answer: Short and friendly" in gpt.instructions
    assert gpt.starters == ["Why is it flat?"]


def test_choosing_another_model_switches_the_create_tab(alice_page, alice):
    save_measurement(seen_model("a", "bundled"), {}, {"calls_tools": False}, 1.0)
    strong = {"name": "strong", "title": "Strong", "url": "https://strong.example/v1", "model": "m"}
    ConnectedModel.objects.create(**strong, ability={"calls_tools": True})
    gpt = create_gpt(alice, {"name": "Crumb"})
    page = alice_page
    page.goto(f"/gpts/{gpt.slug}/edit")
    while not page.locator("#engine").count():  # the site looks for connected models every two seconds
        page.reload()
    page.get_by_text("Model settings").click()
    for model, what in (("strong", "Create by conversation"), ("", "Create step by step")):
        page.get_by_label("Model", exact=True).select_option(model)
        page.get_by_role("link", name="Create", exact=True).click()  # before it is saved
        expect(page.get_by_role("region", name=what)).to_be_visible()
        page.get_by_role("link", name="Configure").click()
        page.get_by_text("Model settings").click()
