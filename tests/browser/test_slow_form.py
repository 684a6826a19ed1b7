"""The form beside the conversation that fills it in, on a slow network: one state."""

import time

import pytest
from playwright.sync_api import Page, Route, expect

from gpts.spec.gpt import UNTITLED
from tests.browser.test_create_tab import FIELDS, answer, say
from web.builder.services import create_gpt, update_gpt

pytestmark = pytest.mark.browser
DELAY_S = 0.8


def slow(page: Page) -> None:
    """What the page asks for about the draft takes its time from here on."""

    def wait(route: Route) -> None:
        time.sleep(DELAY_S)
        route.continue_()

    page.route("**/edit", wait)


def test_the_form_is_filled_in_when_it_is_shown(alice_page, alice, take):
    page, gpt = alice_page, create_gpt(alice, {"name": UNTITLED})
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "It helps people who bake bread.")
    worker = take()
    slow(page)
    answer(worker, FIELDS, "Who will use it?")
    expect(page.locator("[data-change]")).to_be_visible()
    page.get_by_role("link", name="Configure").click()
    description = page.get_by_label("Description", exact=True)
    expect(description).to_be_visible()
    assert description.input_value() == FIELDS["description"]
    page.get_by_label("Instructions", exact=True).fill("You help bakers.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.get_by_text("changed in another tab")).to_be_hidden()
    gpt.refresh_from_db()
    assert (gpt.description, gpt.instructions) == (FIELDS["description"], "You help bakers.")


def test_a_form_opened_during_the_answer_is_filled_in_around_what_is_typed_there(visitor, alice, take):
    page, gpt = visitor.page(alice), create_gpt(alice, {"name": UNTITLED})
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "It helps people who bake bread.")
    worker = take()
    slow(page)
    page.get_by_role("link", name="Configure").click()
    page.get_by_label("Instructions", exact=True).press_sequentially(
        "You help "
    )  # is being saved when the answer comes
    answer(worker, FIELDS, "Who will use it?")
    page.get_by_label("Instructions", exact=True).press_sequentially("bakers.")
    expect(page.get_by_label("Description", exact=True)).to_have_value(FIELDS["description"])
    expect(page.get_by_role("textbox", name="Conversation starter 1")).to_have_value(FIELDS["starters"][0])
    expect(page.get_by_role("heading", level=1)).to_have_text(FIELDS["name"])
    expect(page.get_by_label("Instructions", exact=True)).to_have_value("You help bakers.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.locator("[data-stale]")).to_be_hidden()
    gpt.refresh_from_db()
    assert (gpt.name, gpt.description, gpt.instructions) == ("Crumb", FIELDS["description"], "You help bakers.")
    visitor.forgive("409")


def test_a_draft_filled_in_while_the_page_loads_is_shown(alice_page, alice, take):
    page, gpt = alice_page, create_gpt(alice, {"name": UNTITLED})
    page.goto(f"/gpts/{gpt.slug}/edit?tab=create")
    say(page, "It helps people who bake bread.")
    worker = take()

    def write_after_the_form(route: Route) -> None:
        """The form's page was made before the change, its conversation after it."""
        response = route.fetch()
        old = response.text()
        answer(worker, FIELDS, "Who will use it?")
        talk = '<section class="talk build-talk"'
        new = route.fetch().text()
        route.fulfill(response=response, body=old[: old.index(talk)] + new[new.index(talk) :])

    page.route("**/edit?tab=create", write_after_the_form, times=1)
    page.reload()
    page.get_by_role("link", name="Configure").click()
    expect(page.get_by_label("Description", exact=True)).to_have_value(FIELDS["description"])


def test_what_two_sides_wrote_into_different_fields_is_all_kept(visitor, alice):
    page, gpt = visitor.page(alice), create_gpt(alice, {"name": "Crumb"})
    page.goto(f"/gpts/{gpt.slug}/edit")
    update_gpt(gpt, {"description": "Theirs."}, by=alice)  # no event tells the page
    page.get_by_label("Instructions", exact=True).fill("Mine.")
    expect(page.get_by_text("Draft saved")).to_be_visible()
    expect(page.get_by_label("Description", exact=True)).to_have_value("Theirs.")
    gpt.refresh_from_db()
    assert (gpt.description, gpt.instructions) == ("Theirs.", "Mine.")
    visitor.forgive("409")


def test_of_one_field_that_both_wrote_the_person_chooses(visitor, alice):
    page, gpt = visitor.page(alice), create_gpt(alice, {"name": "Crumb"})
    page.goto(f"/gpts/{gpt.slug}/edit")
    update_gpt(gpt, {"description": "Theirs."}, by=alice)
    page.get_by_label("Description", exact=True).fill("Mine.")
    expect(page.get_by_text("changed in another tab")).to_be_visible()
    page.get_by_role("button", name="Overwrite it with mine").click()
    expect(page.get_by_text("Draft saved")).to_be_visible()
    gpt.refresh_from_db()
    assert gpt.description == "Mine."
    visitor.forgive("409")
