"""Branches in a real browser: a message is edited, an earlier answer made again, a chat is forked."""

import pytest
from playwright.sync_api import Page, expect

from gpts.runs.steps import Finished
from web.runs import log, services
from web.runs.models import Run

pytestmark = pytest.mark.browser


@pytest.fixture
def talked(bob_page: Page, bob, gpt) -> Page:
    """Bob's page of a chat with three questions and answers."""
    conversation = services.start_conversation(bob, gpt)
    for number in ("One", "Two", "Three"):
        run = services.start_run(conversation, f"Question {number}")
        log.append(run.id, Finished(text=f"Answer {number}."))
    bob_page.goto(f"/c/{conversation.id}/")
    return bob_page


def newest() -> Run:
    return Run.objects.latest("created")


def test_an_edited_message_starts_another_branch_and_both_can_be_seen(talked):
    turn = talked.locator(".turn").nth(1)
    turn.hover()
    turn.get_by_text("Edit", exact=True).click()
    field = turn.get_by_role("textbox")
    expect(field).to_have_value("Question Two")
    expect(field).to_be_focused()
    field.fill("Question Two and a half")
    turn.get_by_role("button", name="Send").click()
    expect(talked.locator(".turn")).to_have_count(2)
    expect(talked.locator(".question > p").last).to_have_text("Question Two and a half")
    services.finish_run(newest().id, Finished(text="Another answer."), None)
    expect(talked.locator(".answer").last).to_have_text("Another answer.")
    versions = talked.locator(".turn").nth(1).locator(".versions")
    expect(versions).to_contain_text("2")
    versions.get_by_role("button", name="Previous version of this message").press("Enter")
    expect(talked.locator(".answer").last).to_have_text("Answer Three.")
    expect(talked.get_by_role("button", name="Next version of this message")).to_be_focused()
    talked.reload()
    expect(talked.locator(".turn")).to_have_count(3)


def test_an_edit_is_left_with_escape_and_an_empty_one_is_refused(talked, visitor):
    turn = talked.locator(".turn").first
    turn.locator("summary", has_text="Edit").press("Enter")
    field = turn.get_by_role("textbox")
    field.fill("Never mind")
    field.press("Escape")
    expect(field).to_be_hidden()
    expect(turn.locator("summary", has_text="Edit")).to_be_focused()
    expect(turn.locator(".question > p")).to_have_text("Question One")
    turn.locator("summary", has_text="Edit").press("Enter")
    expect(field).to_have_value("Question One")
    expect(field).to_be_focused()  # it gets the focus after it opened, with the caret at the end of its text
    field.fill(" ")
    field.press("Control+Enter")
    expect(turn.get_by_role("alert")).to_contain_text("Enter a message")
    expect(talked.locator(".turn")).to_have_count(3)
    visitor.forgive("400")


def test_an_earlier_answer_is_made_again(talked):
    first = talked.locator(".turn").first
    first.get_by_role("button", name="Regenerate").click()
    expect(talked.locator(".turn")).to_have_count(1)
    services.finish_run(newest().id, Finished(text="A better answer."), None)
    expect(talked.locator(".answer")).to_have_text("A better answer.")
    talked.get_by_role("button", name="Previous version of this answer").click()
    expect(talked.locator(".turn")).to_have_count(3)


def test_a_forked_chat_goes_as_far_as_its_place(talked):
    before = talked.url
    talked.locator(".turn").nth(1).get_by_role("button", name="Fork").click()
    talked.wait_for_url(lambda url: url != before)
    expect(talked.locator(".answer")).to_have_text(["Answer One.", "Answer Two."])


def test_branches_work_without_script(visitor, bob, gpt):
    conversation = services.start_conversation(bob, gpt)
    run = services.start_run(conversation, "Question One")
    log.append(run.id, Finished(text="Answer One."))
    page = visitor.page(bob, java_script_enabled=False)
    page.goto(f"/c/{conversation.id}/")
    page.locator("summary", has_text="Edit").click()
    page.get_by_label("Edit your message").fill("Question Uno")
    page.locator(".edit").get_by_role("button", name="Send").click()
    expect(page.locator(".question > p")).to_have_text("Question Uno")
    log.append(newest().id, Finished(text="Answer Uno."))
    page.reload()
    expect(page.locator(".answer")).to_have_text("Answer Uno.")
    page.get_by_role("button", name="Previous version of this message").click()
    expect(page.locator(".answer")).to_have_text("Answer One.")
