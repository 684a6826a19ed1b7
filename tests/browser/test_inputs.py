"""Inputs in the creator's form, and before a chat."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessibility import LOOKS, SIZES, serious
from tests.publishing import publish
from web.builder.services import update_gpt
from web.runs.models import Conversation

pytestmark = pytest.mark.browser
INPUTS = [
    {"name": "customer", "title": "Customer", "description": "As in the address book", "required": True},
    {"name": "tone", "title": "Tone", "kind": "choice", "options": ["friendly", "formal"], "default": "formal"},
]


def test_a_creator_adds_an_input_that_the_instructions_mention(alice_page, gpt):
    update_gpt(gpt, {"instructions": "You write to {{customer}}.", "inputs": []}, by=gpt.owner)
    page = alice_page
    page.goto(f"/gpts/{gpt.slug}/edit")
    page.get_by_role("button", name="Add it").click()
    row = page.get_by_role("group", name="Inputs").get_by_role("listitem")
    expect(row.get_by_label("Name")).to_have_value("customer")
    row.get_by_label("Label").fill("Customer")
    row.get_by_label("Must be filled in").select_option("Yes")
    expect(page.get_by_role("button", name="Add it")).to_have_count(0)
    field = page.get_by_role("region", name="Preview of").get_by_label("Customer", exact=True)
    expect(field).to_have_attribute("required", "")
    gpt.refresh_from_db()
    assert gpt.inputs == [{"name": "customer", "title": "Customer", "required": True}]
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name="Remove input").click()
    gpt.refresh_from_db()
    assert gpt.inputs == []


def test_opening_the_form_changes_nothing(alice_page, gpt):
    publish(update_gpt(gpt, {"inputs": INPUTS}, by=gpt.owner))
    page = alice_page
    page.goto(f"/gpts/{gpt.slug}/edit")
    page.get_by_role("region", name="Preview of").get_by_label("Customer").fill("Acme")
    page.wait_for_timeout(1_500)  # longer than it takes to save by itself
    expect(page.locator("[data-save-state]")).to_have_text("")
    gpt.refresh_from_db()
    assert gpt.inputs == INPUTS


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_a_chat_begins_once_they_are_filled_in(visitor, alice, bob, gpt, take, theme, size):
    publish(update_gpt(gpt, {"inputs": INPUTS, "starters": ["Write to {{customer}}"]}, by=gpt.owner))
    page = visitor.page(bob, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/g/{gpt.slug}/chat")
    assert serious(page) == []
    page.get_by_role("button", name="Write to [Customer]").click()
    expect(page.get_by_label("Customer")).to_be_focused()
    assert not Conversation.objects.exists()
    page.get_by_label("Customer").fill("Acme & Sons")
    page.get_by_role("button", name="Write to [Customer]").click()
    expect(page.locator(".question")).to_contain_text("Write to Acme & Sons")
    expect(page.locator(".chat-inputs-given")).to_contain_text("Acme & Sons")
    assert Conversation.objects.get().inputs == {"customer": "Acme & Sons", "tone": "formal"}
    take().answer()
    assert serious(page) == []
    editor = visitor.page(alice, color_scheme=theme, viewport=SIZES[size])
    editor.goto(f"/gpts/{gpt.slug}/edit")
    sideways = editor.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert (serious(editor), sideways) == ([], 0)


def test_a_starter_opens_its_fields_wherever_it_is_pressed(visitor, bob, gpt):
    length = {"name": "length", "title": "Boat length", "kind": "number"}
    starters = ["Find a berth for {{length}} metres"]
    publish(update_gpt(gpt, {"inputs": [length], "starters": starters}, by=gpt.owner))
    page = visitor.page(bob)
    page.goto(f"/g/{gpt.slug}/")
    page.get_by_role("link", name="Find a berth for [Boat length] metres").click()
    expect(page.get_by_label("Boat length")).to_be_focused()
    message = page.get_by_role("textbox", name="Message Pump Doctor")
    expect(message).to_have_value("Find a berth for [Boat length] metres")
    message.fill("")
    page.get_by_role("button", name="Find a berth").click()
    expect(page.get_by_label("Boat length")).to_be_focused()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".question p")).to_have_text("Find a berth")
    assert Conversation.objects.get().title == "Find a berth"
