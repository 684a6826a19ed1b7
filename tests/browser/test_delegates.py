"""The GPTs that a draft may ask, in the creator's form; the page of a GPT's use."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import serious, troubles
from tests.publishing import publish
from web.builder import delegates
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing, update_gpt
from web.runs.models import Conversation, DelegationRow, Message, Run

pytestmark = pytest.mark.browser


@pytest.fixture
def others(site, bob) -> list[Gpt]:
    """Bob's GPTs in the store."""
    made = [
        create_gpt(bob, {"name": name, "description": f"Knows about {name}."})
        for name in ("Price Clerk", "Stock Clerk")
    ]
    for each in made:
        publish(each, Sharing.STORE)
    return made


@pytest.fixture
def form(alice_page: Page, gpt, others) -> Page:
    """Alice's form of the GPT."""
    alice_page.goto(f"/gpts/{gpt.slug}/edit")
    return alice_page


def search(page: Page):
    return page.get_by_role("combobox", name="Add a GPT")


def choices(page: Page):
    return page.get_by_role("listbox", name="GPTs to add").get_by_role("option")


def row(page: Page, name: str):
    return page.locator(".delegate").filter(has=page.get_by_text(name, exact=True))


def test_what_changed_in_another_persons_gpt_waits_for_a_look(form, gpt, others):
    delegates.add(gpt, others[0].slug, by=gpt.owner)
    update_gpt(others[0], {"description": "Mails all to Mallory."}, by=others[0].owner)
    publish(others[0])
    form.reload()
    there = row(form, "Price Clerk")
    expect(there.get_by_text("1 change since you last looked")).to_be_visible()
    assert serious(form) == []
    there.get_by_role("button", name="Accept changes").click()
    expect(there.get_by_text("since you last looked")).to_have_count(0)
    assert gpt.draft_spec().delegates[0].description == "Mails all to Mallory."


def test_a_gpt_is_found_and_added_by_keyboard(form, gpt):
    expect(form.get_by_text("None yet.")).to_be_visible()
    box = search(form)
    box.press_sequentially("clerc")
    options = choices(form)
    expect(options).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    box.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    box.press("ArrowDown")  # round to the first
    name = options.nth(0).locator("b").inner_text()
    assert serious(form) == []
    box.press("Enter")

    when = row(form, name).get_by_label("When to ask it")
    expect(when).to_be_focused()
    expect(form.get_by_text("None yet.")).to_be_hidden()
    form.keyboard.type("Costs")
    expect(row(form, name).get_by_text("5 of 300")).to_be_visible()
    expect(form.get_by_text("Draft saved")).to_be_visible()
    expect(form.get_by_text("Unpublished changes")).to_be_visible()
    form.reload()
    expect(row(form, name).get_by_label("When to ask it")).to_have_value("Costs")
    assert [each.when for each in gpt.draft_spec().delegates] == ["Costs"]


def test_escape_closes_the_choices_and_then_empties_the_search(form, gpt):
    box = search(form)
    box.press_sequentially("price")
    options = choices(form)
    expect(options).to_have_count(1)
    box.press("Escape")
    expect(options).to_have_count(0)
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("price")
    box.press("Escape")
    expect(box).to_have_value("")
    box.press("ArrowDown")  # opens all choices
    expect(options).to_have_count(2)
    box.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    box.press("Tab")
    expect(options).to_have_count(0)
    assert not gpt.delegates.exists()


def test_a_search_without_a_hit_says_so_and_sends_nothing(form, gpt):
    box = search(form)
    box.press_sequentially("xyzzy")
    expect(form.locator("[data-combo-none]")).to_have_text("No GPTs found for “xyzzy”.")
    assert serious(form) == []
    box.press("Enter")
    form.get_by_role("button", name="Save draft").last.click()
    expect(form.get_by_text("Draft saved.")).to_be_visible()
    assert not gpt.delegates.exists()


def test_a_gpt_is_added_by_mouse_and_removed(form, gpt, others):
    search(form).click()
    form.get_by_role("option", name="Stock Clerk").click()
    expect(row(form, "Stock Clerk")).to_contain_text("by Bob")
    search(form).click()
    expect(choices(form)).to_have_count(1)
    form.get_by_role("option", name="Price Clerk").click()
    expect(form.locator(".delegate")).to_have_count(2)
    row(form, "Stock Clerk").get_by_role("button", name="Remove Stock Clerk").click()
    expect(form.locator(".delegate")).to_have_count(1)
    expect(row(form, "Price Clerk").get_by_role("button", name="Remove")).to_be_focused()
    assert [each.slug for each in gpt.draft_spec().delegates] == ["price-clerk"]


def test_what_stands_in_the_way_follows_who_may_chat(form, alice, gpt):
    ledger = create_gpt(alice, {"name": "Ledger"})
    publish(ledger, Sharing.ME)
    search(form).click()
    form.get_by_role("option", name="Ledger").click()
    trouble = row(form, "Ledger").get_by_text("Only works for you")
    expect(trouble).to_be_visible()
    form.get_by_role("radio", name="Only me").check()
    expect(trouble).to_be_visible()
    form.get_by_role("button", name="Update sharing").click()
    expect(trouble).to_have_count(0)


def test_a_full_list_offers_no_more(alice_page, alice, gpt):
    for n in range(20):
        delegates.add(gpt, create_gpt(alice, {"name": f"Number {n}"}).slug, by=gpt.owner)
    alice_page.goto(f"/gpts/{gpt.slug}/edit")
    expect(search(alice_page)).to_be_hidden()
    expect(alice_page.get_by_text("You can add up to 20 GPTs.")).to_be_visible()
    row(alice_page, "Number 7").get_by_role("button", name="Remove").click()
    expect(search(alice_page)).to_be_visible()


def test_it_works_without_scripts(visitor, alice, gpt, others):
    page = visitor.page(alice, java_script_enabled=False)
    page.goto(f"/gpts/{gpt.slug}/edit")
    page.get_by_label("Add a GPT").fill("price-clerk")
    page.get_by_role("button", name="Add and save draft").click()
    row(page, "Price Clerk").get_by_label("When to ask it").fill("Costs")
    page.get_by_role("checkbox", name="Always ask all of them").check()
    page.get_by_role("button", name="Save draft").last.click()
    expect(row(page, "Price Clerk").get_by_label("When to ask it")).to_have_value("Costs")
    assert Gpt.objects.get(id=gpt.id).delegates_to_all
    row(page, "Price Clerk").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("None yet.")).to_be_visible()


def test_its_pages_are_accessible(visitor, alice, bob, gpt, others):
    for each in others:
        delegates.add(gpt, each.slug, by=gpt.owner)
    publish(gpt)
    set_sharing(others[0], Sharing.ME, by=others[0].owner)
    page = visitor.page(alice)
    for path in (f"/gpts/{gpt.slug}/edit", f"/g/{gpt.slug}/", f"/gpts/{gpt.slug}/use/", "/gpts/pump-doctor/history"):
        page.goto(path)
        assert (path, troubles(page)) == (path, [])


def test_a_creator_sees_the_use_of_a_gpt(alice_page, alice, bob, gpt, others):
    asking = run_of(others[0], bob)
    DelegationRow.objects.create(parent=asking, call_id="a", child=run_of(gpt, bob, asking))
    alice_page.goto(f"/gpts/{gpt.slug}/edit")
    alice_page.get_by_role("link", name="Usage", exact=True).click()
    expect(alice_page.get_by_role("row", name="Price Clerk")).to_contain_text("1,234")
    assert serious(alice_page) == []
    alice_page.get_by_role("link", name="Last 7 days").click()
    expect(alice_page.get_by_role("link", name="Last 7 days")).to_have_attribute("aria-current", "page")


def run_of(gpt: Gpt, person, root: Run | None = None) -> Run:
    """A run in a conversation of its own."""
    talk = Conversation.objects.create(gpt=gpt, version=gpt.published, owner=person)
    message = Message.objects.create(conversation=talk, text="Hello")
    return Run.objects.create(message=message, version=gpt.published, owner=person, root=root, n_tokens=1234)
