"""What people meet on their first day, in a browser: the welcome, the start of a chat, edits, files and passwords."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from gpts.runs.steps import Finished
from web import settings as site_settings
from web.builder.services import update_gpt
from web.runs import log, services

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def chat(bob, gpt) -> str:
    """The address of a chat of Bob's with two messages."""
    conversation = services.start_conversation(bob, gpt)
    for number in ("One", "Two"):
        log.append(services.start_run(conversation, f"Question {number}").id, Finished(text="Answer."))
    return f"/c/{conversation.id}/"


def announced(page: Page) -> str:
    return page.locator("[data-announce]").first.text_content() or ""


def test_a_welcome_is_read_from_its_top_and_a_large_file_is_refused_at_once(visitor, alice, bob, gpt):
    update_gpt(gpt, {"starters": ["Which seal?", "Which oil?", "Which bolt?", "Which pump?"]}, by=alice)
    page = visitor.page(bob, viewport={"width": 1280, "height": 480})
    page.goto(reverse("chat_new", args=[gpt.slug]))
    expect(page.locator("[data-message]")).to_be_focused()
    assert page.evaluate("document.querySelector('[data-scroll]').scrollTop") == 0
    large = {"name": "large.pdf", "mimeType": "application/pdf", "buffer": bytes(26 * 1024 * 1024)}
    page.locator("[data-attach]").set_input_files(large)
    expect(page.get_by_text("This file is too large: up to 25 MB each.").first).to_be_visible()


def test_on_a_phone_a_message_can_be_edited_and_says_where_later_ones_stay(visitor, bob, chat):
    page = visitor.page(bob, viewport=PHONE)
    page.goto(chat)
    for turn, is_said in ((page.locator(".turn").first, True), (page.locator(".turn").last, False)):
        assert turn.locator(".edit").evaluate("each => getComputedStyle(each).opacity") == "1"
        turn.get_by_text("Edit", exact=True).click()
        expect(turn.get_by_text("Later messages stay in version 1.")).to_be_visible(visible=is_said)
        page.keyboard.press("Escape")


def test_feedback_is_thanked_for_once_it_is_sent(visitor, bob, chat):
    page = visitor.page(bob)
    page.goto(chat)
    part = page.locator("[data-feedback-part]").last
    part.get_by_role("button", name="Bad answer").click()
    expect(part.get_by_role("button", name="Send feedback")).to_be_visible()
    assert "Thanks" not in announced(page)
    part.get_by_role("button", name="Send feedback").click()
    expect(page.locator("[data-announce]").first).to_have_text("Thanks for your feedback.")


def test_the_page_of_chats_begins_one_and_renames_what_was_found(visitor, bob, chat):
    page = visitor.page(bob)
    page.goto("/chats/?q=question")
    page.get_by_role("link", name="New chat").click()
    expect(page.get_by_role("dialog", name="Start a chat").get_by_role("link", name="Pump Doctor")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rename, pin").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.locator("#rename-dialog [name=title]").fill("Pumps")
    page.keyboard.press("Enter")
    expect(page.locator("[data-hit] bdi").first).to_have_text("Pumps")


def test_a_password_can_be_shown_and_the_export_ends_on_a_page_that_says_so(visitor, bob, settings):
    settings.PASSWORD_HASHERS = site_settings.PASSWORD_HASHERS
    bob.set_password("bob-secret-1")
    bob.save()
    page = visitor.page()
    page.goto("/account/login/?next=/account/me/")
    page.get_by_label("Email address").fill("bob@example.org")
    field = page.get_by_label("Password", exact=True)
    field.fill("bob-secret-1")
    page.get_by_label("Show password").check()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Sign in", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export data").click()
        field.fill("bob-secret-1")
        page.get_by_role("button", name="Confirm").click()
    assert download.value.suggested_filename == "guildhall-data.zip"
    expect(page.get_by_role("heading", name="Your download has begun")).to_be_visible()
