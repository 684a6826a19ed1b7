"""Projects and memory in a real browser."""

import pytest
from playwright.sync_api import expect

from gpts.runs.steps import Finished
from tests.browser.test_accessibility import troubles
from tests.publishing import publish
from web.builder.services import update_gpt
from web.runs import log, memories, projects, services
from web.runs.models import Conversation

pytestmark = pytest.mark.browser


def test_a_chat_is_moved_and_a_new_one_begins_in_a_project(bob_page, bob, gpt):
    project = projects.create(bob, "School", "Be kind.")
    chat = services.start_conversation(bob, gpt)
    log.append(services.start_run(chat, "Which seal?").id, Finished(text="ZP-771."))
    bob_page.goto(f"/c/{chat.id}/")
    row = bob_page.locator(".side-chat")
    row.hover()
    row.get_by_role("button").click()
    bob_page.get_by_role("menuitem", name="Move to a project").click()
    bob_page.get_by_label("Project", exact=True).select_option("School")
    with bob_page.expect_navigation():
        bob_page.get_by_role("button", name="Move", exact=True).click()
    bob_page.get_by_role("link", name="School").click()  # in the head of the chat
    bob_page.get_by_role("link", name=gpt.name).click()
    bob_page.get_by_label(f"Message {gpt.name}").fill("And the oil?")
    bob_page.get_by_role("button", name="Send").click()
    expect(bob_page.locator(".turn")).to_be_visible()
    assert Conversation.objects.filter(project=project).count() == 2


def test_pages_of_projects_and_memory_are_accessible(visitor, bob, gpt):
    publish(update_gpt(gpt, {"capabilities": ["memory"]}, by=gpt.owner))
    project = projects.create(bob, "School", "Be kind.")
    projects.add_file(project, "plan.txt", [b"Monday: maths."])
    memories.add(bob, gpt, "I teach.")
    page = visitor.page(bob)
    for path in ("/projects/", f"/projects/{project.id}/", "/memory/"):
        page.goto(path)
        assert (path, troubles(page)) == (path, [])
    page.get_by_text("Edit", exact=True).click()
    assert troubles(page) == []
    page.get_by_label("What to remember").fill("I learn.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("I learn.")).to_be_visible()
