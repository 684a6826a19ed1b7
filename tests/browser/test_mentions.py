"""Bringing another GPT into a chat in a real browser: the list behind “@”, the chip, who answered."""

import os

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_accessibility import LOOKS, SIZES, serious
from tests.publishing import publish
from web.builder.models import Gpt
from web.builder.models_access import Sharing
from web.builder.services import create_gpt, set_sharing
from web.runs import services
from web.runs.models import Conversation, Run

pytestmark = pytest.mark.browser
LONG = "A Very Long Name That Nobody Would Type To The End"
ABOUT = "Knows the forms and the dates, and says which line of which form a number goes to, with the law it rests on."


def made(owner, name: str, about: str = "", sharing: str = Sharing.STORE) -> Gpt:
    gpt = create_gpt(owner, {"name": name, "description": about, "category": "writing"})
    publish(gpt, sharing)
    return gpt


@pytest.fixture
def clerk(gpt, alice) -> Gpt:
    """Two more GPTs of Alice's in the store, and one that only she may use."""
    made(alice, "Secret Diary", sharing=Sharing.ME)
    made(alice, LONG, ABOUT)
    made(alice, "C++ 🦑 (v2)", "Reads templates.")
    return made(alice, "Tax Clerk", ABOUT)


def field(page: Page) -> Locator:
    return page.locator("[data-message]")


def options(page: Page) -> Locator:
    return page.get_by_role("option")


@pytest.fixture
def page(bob_page: Page, gpt, clerk, take) -> Page:
    """Bob's chat with one answered question."""
    bob_page.goto(f"/g/{gpt.slug}/chat")
    field(bob_page).fill("Which kit?")
    field(bob_page).press("Enter")
    bob_page.wait_for_url("**/c/**")
    take().answer("It is ZP-771.", ())
    expect(bob_page.locator(".answer")).to_have_text("It is ZP-771.")
    return bob_page


def bring_in(page: Page, typed: str = "@tax") -> None:
    """Type and take the first of the list."""
    field(page).press_sequentially(typed)
    expect(options(page).first).to_contain_text("Tax Clerk")
    field(page).press("Enter")
    expect(page.get_by_role("group", name="Tax Clerk answers")).to_be_visible()


def send(page: Page, text: str) -> None:
    n_turns = page.locator(".turn").count()
    field(page).press_sequentially(text)
    field(page).press("Enter")
    expect(page.locator(".turn")).to_have_count(n_turns + 1)


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_a_gpt_is_chosen_by_keyboard_and_answers_one_message(page, take, clerk):
    field(page).press_sequentially("@")
    expect(options(page)).to_have_count(3)  # neither the chat's own nor one that Bob may not use
    box = page.get_by_role("combobox", name="Message Pump Doctor")
    expect(box).to_have_attribute("aria-activedescendant", "mention-0")
    field(page).press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "mention-1")
    expect(options(page).nth(1)).to_have_attribute("aria-selected", "true")
    field(page).press("ArrowUp")
    field(page).press("ArrowUp")
    expect(box).to_have_attribute("aria-activedescendant", "mention-2")
    field(page).press_sequentially("tax cl")
    expect(options(page)).to_have_count(1)
    field(page).press("Tab")
    expect(field(page)).to_have_value("")
    expect(field(page)).to_be_focused()
    expect(options(page)).to_have_count(0)
    send(page, "How much?")
    expect(page.locator("[data-announce]")).to_have_text("Tax Clerk is answering.")
    expect(page.locator(".answerer")).to_have_count(0)
    assert Run.objects.latest("created").gpt == clerk
    take().answer("A third.", ())
    expect(page.locator("[data-announce]")).to_have_text("Tax Clerk has answered.")
    page.reload()
    speaker = page.get_by_role("heading", name="Tax Clerk").get_by_role("link")
    assert speaker.get_attribute("href") == "/g/tax-clerk/"
    expect(page.locator(".speaker")).to_have_count(1)
    send(page, "And the seal?")
    assert Run.objects.latest("created").gpt.name == "Pump Doctor"


def test_escape_closes_the_list_and_the_text_stays(page):
    field(page).press_sequentially("mail @tax")
    expect(options(page)).to_have_count(1)
    field(page).press("Escape")
    expect(options(page)).to_have_count(0)
    expect(page.get_by_role("combobox")).to_have_count(0)
    field(page).press_sequentially(" cl")
    expect(field(page)).to_have_value("mail @tax cl")
    expect(options(page)).to_have_count(0)


def test_what_is_said_behind_a_name_is_sent_and_never_swallowed(page, clerk):
    field(page).press_sequentially("@tax")
    expect(options(page)).to_have_count(1)
    field(page).press_sequentially("-clerk how much?")
    field(page).press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    run = Run.objects.latest("created")
    assert (run.gpt, run.message.text) == (clerk, "@tax-clerk how much?")


def test_what_fits_nothing_says_so_and_a_sentence_goes_on(page):
    field(page).press_sequentially("@zzzz")
    expect(page.locator("[data-mention-none]")).to_have_text("No GPTs found for “zzzz”.")
    field(page).press_sequentially(" hello")
    expect(page.locator("[data-mention-none]")).to_be_hidden()
    field(page).press("Enter")
    expect(page.locator(".turn")).to_have_count(2)


def test_an_address_of_a_mail_opens_nothing(page):
    with page.expect_event("console", lambda message: message.text == "typed"):
        field(page).press_sequentially("bob@tax")
        page.evaluate("setTimeout(() => console.log('typed'), 300)")
    expect(options(page)).to_have_count(0)


def test_enter_may_be_quicker_than_the_list(page, clerk):
    field(page).press_sequentially("@")
    expect(options(page)).to_have_count(3)
    field(page).fill("@clerk")  # in one go, while the list still shows all
    field(page).press("Enter")
    expect(page.get_by_role("group", name="Tax Clerk answers")).to_be_visible()
    expect(field(page)).to_have_attribute("placeholder", "Message Tax Clerk")
    page.get_by_role("button", name="Remove Tax Clerk").click()
    field(page).fill("Ask @zzzz")
    field(page).blur()
    field(page).press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    assert Run.objects.latest("created").message.text == "Ask @zzzz"


def test_a_click_takes_a_gpt_and_the_cross_leaves_it_out(page):
    field(page).press_sequentially("Please @tax")
    options(page).first.click()
    expect(field(page)).to_have_value("Please ")
    page.get_by_role("button", name="Remove Tax Clerk").click()
    expect(page.locator(".answerer")).to_have_count(0)
    expect(field(page)).to_be_focused()


def test_it_stays_until_it_is_dismissed_also_after_a_reload(page, take, clerk):
    bring_in(page)
    page.get_by_role("radio", name="until removed").check()
    send(page, "How much?")
    chip = page.get_by_role("group", name="Tax Clerk answers until you remove it")
    expect(chip).to_be_visible()
    take().answer("A third.", ())
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.reload()
    expect(chip).to_be_visible()
    send(page, "Why?")
    assert Run.objects.latest("created").gpt == clerk
    take().answer("The law.", ())
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.get_by_role("button", name="Remove Tax Clerk").press("Enter")
    expect(chip).to_have_count(0)
    expect(field(page)).to_be_focused()
    assert Conversation.objects.get().guest is None


def test_a_guest_that_is_gone_is_told_of_and_the_next_message_goes_on(page, clerk, visitor):
    Conversation.objects.update(guest=clerk)
    page.reload()
    set_sharing(clerk, Sharing.ME, by=clerk.owner)
    field(page).fill("Why?")
    field(page).press("Enter")
    expect(page.get_by_text("Tax Clerk is no longer shared with you. Send again")).to_be_visible()
    expect(page.locator(".answerer")).to_have_count(0)
    visitor.forgive("409")
    field(page).press("Enter")
    expect(page.locator(".turn")).to_have_count(2)


def test_a_first_message_can_bring_one_in(bob_page, gpt, clerk):
    bob_page.goto(f"/g/{gpt.slug}/chat")
    bring_in(bob_page)
    field(bob_page).press_sequentially("How much?")
    field(bob_page).press("Enter")
    bob_page.wait_for_url("**/c/**")
    expect(bob_page.get_by_role("heading", name="Tax Clerk")).to_be_visible()
    assert Conversation.objects.get().gpt == gpt


def test_without_script_the_text_form_works(visitor, bob, gpt, clerk):
    page = visitor.page(bob, java_script_enabled=False)
    page.goto(f"/g/{gpt.slug}/chat")
    field(page).fill("@tax-clerk How much?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Tax Clerk")).to_be_visible()
    expect(page.get_by_text("@tax-clerk How much?").first).to_be_visible()
    services.cancel_run(Run.objects.get())
    Conversation.objects.update(guest=clerk)
    page.reload()
    page.get_by_role("button", name="Remove Tax Clerk").click()
    expect(page.locator(".answerer")).to_have_count(0)


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_each_stage_is_accessible(visitor, bob, gpt, clerk, take, theme, size):
    page = visitor.page(bob, color_scheme=theme, viewport=SIZES[size])
    page.goto(f"/g/{gpt.slug}/chat")
    field(page).press_sequentially("@")
    expect(options(page)).to_have_count(3)
    assert serious(page) == []
    shoot(page, f"list-{theme}-{size}")
    field(page).press_sequentially("very")
    field(page).press("Enter")
    expect(page.locator(".answerer")).to_contain_text(LONG)
    expect(page.locator(".answerer")).to_be_visible()
    shoot(page, f"long-{theme}-{size}")
    page.locator("[data-unmention]").click()
    field(page).fill("")
    bring_in(page)
    assert serious(page) == []
    shoot(page, f"chip-{theme}-{size}")
    page.get_by_role("radio", name="until removed").check()
    field(page).press_sequentially("How much may I keep?")
    field(page).press("Enter")
    page.wait_for_url("**/c/**")
    take().answer("You may keep **a third** of it.", ())
    expect(page.locator(".answer strong")).to_be_visible()
    field(page).fill("@zzzz")
    expect(page.locator("[data-mention-none]")).to_be_visible()
    shoot(page, f"none-{theme}-{size}")
    field(page).fill("")
    assert serious(page) == []
    shoot(page, f"guest-{theme}-{size}")
