"""The list of chats, its search and the keys in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from gpts.runs.steps import Finished
from web.runs import log, services

pytestmark = pytest.mark.browser


@pytest.fixture
def chats(bob_page: Page, bob, gpt) -> Page:
    """Bob's page of the newest of two chats."""
    for text in ("Which seal fits?", "Which oil do I use?"):
        conversation = services.start_conversation(bob, gpt)
        run = services.start_run(conversation, text)
        log.append(run.id, Finished(text=f"Answer to: {text}"))
    bob_page.goto(f"/c/{conversation.id}/")
    return bob_page


def test_a_chat_is_pinned_archived_and_put_back(chats):
    row = chats.locator(".side-chat").filter(has_text="Which seal fits?")
    row.hover()
    row.get_by_role("button").click()
    with chats.expect_navigation():  # the page opens again with the other order
        chats.get_by_role("menuitem", name="Pin").click()
    expect(chats.locator(".side-list h2").first).to_have_text("Pinned")
    row.hover()
    row.get_by_role("button").click()
    expect(chats.get_by_role("menuitem", name="Unpin")).to_be_visible()
    chats.get_by_role("menuitem", name="Archive").click()
    expect(row).to_be_hidden()
    chats.goto("/chats/")
    chats.get_by_role("link", name="Archived (1)").click()
    expect(chats.get_by_role("link", name="Which seal fits?")).to_be_visible()


def test_words_of_an_answer_are_found_and_opened(chats):
    chats.goto("/chats/?q=answer+seal")
    expect(chats.locator("mark")).to_have_text("Answer")
    chats.get_by_role("button", name="Which seal fits?").click()
    expect(chats.locator(".answer")).to_have_text("Answer to: Which seal fits?")


def test_keys_start_a_chat_list_themselves_and_reach_the_field(chats, gpt):
    chats.evaluate("document.activeElement.blur()")
    chats.keyboard.press("?")
    expect(chats.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    chats.keyboard.press("Escape")
    chats.keyboard.press("/")
    expect(chats.get_by_label("Message Pump Doctor")).to_be_focused()
    chats.keyboard.type("What? / Why?")
    expect(chats.get_by_label("Message Pump Doctor")).to_have_value("What? / Why?")
    chats.keyboard.press("Control+k")
    expect(chats.locator("[data-start-list] a")).to_be_visible()
    chats.keyboard.press("ArrowDown")
    chats.keyboard.press("Enter")
    chats.wait_for_url(f"**/g/{gpt.slug}/chat")


def test_a_lost_connection_is_told(chats, visitor):
    notice = chats.get_by_text("the site can’t be reached")
    chats.context.set_offline(True)
    expect(notice).to_be_visible()
    chats.context.set_offline(False)
    expect(notice).to_be_hidden()
    visitor.complaints.clear()  # what was loading when the connection went
