"""The tab Create: a conversation fills in the form beside it, each change can be undone, and typing is not lost."""

import pytest
from playwright.sync_api import Page, expect

from gpts.runs.steps import ModelReply, ToolCall, ToolResult, ToolStarted
from tests.browser.conftest import Worker
from tests.browser.test_accessibility import troubles
from web.builder.models import Gpt
from web.builder.services import create_gpt, update_gpt
from web.runs import drafts, log

pytestmark = pytest.mark.browser
FIELDS = {"name": "Crumb", "description": "Helps with bread.", "starters": ["Why is it flat?"]}


def say(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message GPT builder").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator(".build-talk [data-live]")).to_be_visible()


def answer(worker: Worker, fields: dict, text: str) -> None:
    """What a worker does with a call of the builder."""
    run = worker.run
    call = ToolCall(call_id="call_0", name="update_draft", arguments=fields)
    worker.append(ModelReply(text="", tool_calls=(call,)))
    worker.append(ToolStarted(call_id="call_0", name="update_draft"), name="update_draft")
    told = drafts.write(run, "call_0", fields, log.first(run.id).background.draft)
    worker.append(ToolResult(call_id="call_0", name="update_draft", text=told), name="update_draft", ok=True)
    worker.finish(text, ())


def test_the_form_fills_in_as_one_talks_and_a_change_can_be_undone(alice_page, alice, take):
    page = alice_page
    page.goto("/gpts/new")
    page.get_by_label("Describe it").fill("It helps people who bake bread.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Untitled GPT")
    expect(page.get_by_role("textbox", name="Message GPT builder")).to_be_focused()
    answer(take(), FIELDS, "Who will use it?")
    expect(page.get_by_text("Who will use it?")).to_be_in_viewport()
    expect(page.get_by_role("heading", level=1)).to_have_text("Crumb")
    preview = page.get_by_role("region", name="Preview of")
    expect(preview.get_by_role("textbox")).to_be_in_viewport()  # beside the form
    expect(preview.get_by_role("textbox", name="Message Crumb")).to_be_visible()
    preview.get_by_role("button", name="Why is it flat?").press("Enter")
    expect(preview.get_by_role("textbox")).to_be_focused()
    page.get_by_role("link", name="Configure").click()
    expect(page.get_by_label("Description", exact=True)).to_have_value("Helps with bread.")
    expect(page.get_by_role("textbox", name="Conversation starter 1")).to_have_value("Why is it flat?")
    page.get_by_role("button", name="Add starter").click()
    expect(page.get_by_role("textbox", name="Conversation starter 2")).to_be_focused()
    page.get_by_role("link", name="Create", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Redo")).to_be_focused()
    expect(page.get_by_role("heading", level=1)).to_have_text("Untitled GPT")
    page.get_by_role("button", name="Redo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Crumb")
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    assert Gpt.objects.get(owner=alice, name="Crumb").starters == ["Why is it flat?"]


def test_what_is_typed_into_the_form_meanwhile_stays(alice_page, alice, take):
    gpt = create_gpt(alice, {"name": "Crumb"})
    page = alice_page
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "It should know about rye, too.")
    worker = take()
    page.get_by_role("link", name="Configure").click()
    page.get_by_label("Description", exact=True).fill("Mine.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    answer(worker, {"description": "Theirs.", "instructions": "You know rye."}, "Done.")
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("You know rye.")
    expect(page.get_by_label("Description", exact=True)).to_have_value("Mine.")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Description", exact=True).fill("Still mine.")
    gpt.refresh_from_db()
    assert (gpt.description, gpt.instructions) == ("Still mine.", "You know rye.")


def test_a_change_that_was_edited_since_says_so(visitor, alice, take):
    gpt = create_gpt(alice, {"name": "Crumb"})
    page = visitor.page(alice)
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "Call it Loaf, please do.")
    answer(take(), {"name": "Loaf"}, "Done.")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    gpt.refresh_from_db()
    update_gpt(gpt, {"name": "Roll"}, by=gpt.owner)
    undo.click()
    expect(page.get_by_text("this can’t be undone")).to_be_visible()
    gpt.refresh_from_db()
    assert gpt.name == "Roll"
    visitor.forgive("409")


def test_the_tab_is_accessible_empty_and_with_changes(visitor, alice, take):
    gpt = create_gpt(alice, {"name": "Crumb"})
    page = visitor.page(alice)
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    assert troubles(page) == []
    say(page, "It helps people who bake bread.")
    answer(take(), {**FIELDS, "suggest": ["files"]}, "Who will use it?")
    expect(page.get_by_role("link", name="Add files")).to_be_visible()
    assert troubles(page) == []


def test_the_conversation_starts_over_once_the_person_confirms(alice_page, alice, take):
    page, gpt = alice_page, create_gpt(alice, {"name": "Crumb"})
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "It helps people who bake bread.")
    answer(take(), FIELDS, "Who will use it?")
    expect(page.get_by_text("Who will use it?")).to_be_visible()
    page.get_by_label("More").click()
    asked: list[str] = []
    for does in ("dismiss", "accept"):
        expect(page.get_by_text("Who will use it?")).to_be_visible()
        page.once("dialog", lambda dialog, does=does: (asked.append(dialog.message), getattr(dialog, does)()))
        page.get_by_role("button", name="Start the conversation over").click()
    expect(page.get_by_role("heading", name="What should your GPT do?")).to_be_visible()
    assert [text.split("?")[0] for text in asked] == ["Start over"] * 2
    gpt.refresh_from_db()
    assert gpt.starters == FIELDS["starters"]


def test_only_a_call_that_changed_nothing_says_so(alice_page, alice, take):
    page, gpt = alice_page, create_gpt(alice, {"name": "Crumb"})
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "Thanks!")
    take().finish("You’re welcome.", ())
    expect(page.get_by_text("You’re welcome.")).to_be_visible()
    expect(page.get_by_text("Nothing was changed")).to_have_count(0)
    say(page, "Call it Crumb.")
    answer(take(), {"name": "Crumb"}, "It has that name.")
    expect(page.get_by_text("Nothing was changed in the form.")).to_be_visible()


def test_only_the_panes_scroll_however_long_the_conversation_grows(alice_page, alice, take):
    gpt = create_gpt(alice, {"name": "Crumb"})
    alice_page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(alice_page, "It helps people who bake bread.")
    answer(take(), {"instructions": "You help bakers.\n" * 60}, "Who will use it?")
    expect(alice_page.get_by_text("Who will use it?")).to_be_visible()
    assert alice_page.evaluate("document.documentElement.scrollHeight - innerHeight") == 0
    alice_page.set_viewport_size({"width": 390, "height": 500})  # a phone with its keyboard open
    assert alice_page.evaluate("document.querySelector('.build-talk .scroll').clientHeight") > 200
