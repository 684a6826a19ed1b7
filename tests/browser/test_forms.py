"""A form in a chat: filled in by mouse and keyboard, in two tabs, at both widths, in both themes."""

import pytest
from playwright.sync_api import Page, Route, expect

from gpts.runs.forms import Form, FormField
from gpts.runs.steps import Approval, ApprovalRequest, ToolResult
from tests.browser.test_accessibility import serious
from tests.browser.test_tools import ask, called
from web.runs import log
from web.runs.models import StepRow

pytestmark = pytest.mark.browser

FIELDS = (
    FormField(name="city", title="City", required=True, minimum=2, description="Where you want to stay."),
    FormField(name="arrival", title="Arrival", kind="date"),
    FormField(name="nights", title="Nights", kind="integer", minimum=1, maximum=30, default=3, required=True),
    FormField(name="room", title="Room", kind="choice", options=("s", "d"), option_titles=("Single", "Double")),
    FormField(name="extras", title="Extras", kind="several_choices", options=("Breakfast", "Parking", "Dinner")),
    FormField(name="quiet", title="Away from the street", kind="yes_no", default=True),
    FormField(name="note", title="Anything else?", maximum=500),
)
REQUEST = ApprovalRequest(
    call_id="c1", name="ask_user", digest="d" * 64, form=Form(message="I need a few details to book.", fields=FIELDS)
)


@pytest.fixture
def chat(bob_page: Page, gpt) -> Page:
    bob_page.goto(f"/g/{gpt.slug}/chat")
    return bob_page


def answers(run) -> dict:
    return StepRow.objects.get(run=run, kind="approval").data["answers"]


def shown(chat: Page, take):
    ask(chat)
    worker = take()
    worker.append(called("ask_user", message="x", fields=[]))
    worker.append(REQUEST)
    return worker, chat.get_by_role("group", name="Pump Doctor asks you")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_form_is_filled_in_and_sent(chat, take, width, theme):
    chat.set_viewport_size({"width": width, "height": 900})
    chat.emulate_media(color_scheme=theme)
    worker, form = shown(chat, take)
    expect(form).to_be_focused()
    assert serious(chat) == []
    form.get_by_role("button", name="Send answers").press("Enter")
    expect(form.locator(":invalid").and_(form.get_by_label("City"))).to_be_focused()  # nothing was sent
    form.get_by_label("City").fill("Rome")
    form.get_by_label("Arrival").fill("2026-12-01")
    form.get_by_label("Double").check()
    form.get_by_label("Parking").check()
    form.get_by_label("Anything else?").fill("Top floor,\nplease")
    assert chat.evaluate("document.documentElement.scrollWidth <= innerWidth")
    form.get_by_role("button", name="Send answers").click()
    expect(form).to_have_count(0)
    assert answers(worker.run) == {
        "city": "Rome",
        "arrival": "2026-12-01",
        "nights": 3,
        "room": "d",
        "extras": ["Parking"],
        "quiet": True,
        "note": "Top floor,\nplease",
    }
    worker.append(ToolResult(call_id="c1", name="ask_user", text="The user's answers: {}"))
    expect(chat.locator("[data-live-steps]")).to_contain_text("you answered")
    worker.finish("Booked.", ())
    expect(chat.get_by_text("Booked.")).to_be_visible()


def test_what_was_typed_stays_while_the_page_looks_for_news(chat, take):
    worker, form = shown(chat, take)
    form.get_by_label("City").fill("Ro")
    worker.append(ToolResult(call_id="c0", name="other", text="x"))
    chat.wait_for_timeout(400)
    expect(form.get_by_label("City")).to_have_value("Ro")


def test_the_site_says_what_the_browser_did_not_see(chat, take, visitor):
    worker, form = shown(chat, take)
    expect(form).to_be_focused()
    form.get_by_label("City").fill("  R  ")
    form.get_by_role("button", name="Send answers").click()
    expect(form.get_by_role("alert")).to_have_text("City: Enter 2 characters or more.")
    expect(form.get_by_label("City")).to_have_value("  R  ")
    form.get_by_label("City").fill("Rome")
    form.get_by_label("City").press("Enter")
    expect(form).to_have_count(0)
    assert answers(worker.run)["city"] == "Rome"
    visitor.forgive("422")


@pytest.mark.parametrize(("button", "dismissed"), [("Decline", False), ("Close", True)])
def test_it_is_declined_or_closed_by_keyboard(chat, take, button, dismissed):
    worker, form = shown(chat, take)
    form.get_by_role("button", name=button, exact=True).press("Enter")
    expect(form).to_have_count(0)
    answer = StepRow.objects.get(run=worker.run, kind="approval").data
    assert (answer["allowed"], answer["dismissed"]) == (False, dismissed)


def test_the_second_of_two_tabs_is_told(chat, take, visitor):
    worker, form = shown(chat, take)
    form.get_by_label("City").fill("Rome")

    def answered_elsewhere(route: Route) -> None:
        log.append(worker.run.id, Approval(call_id="c1", allowed=True, answers={"city": "Paris"}))
        route.continue_()

    chat.route("**/answer", answered_elsewhere)  # at the last moment, else this tab may see it before it sends
    form.get_by_role("button", name="Send answers").press("Enter")
    expect(form).to_have_count(0)
    expect(chat.get_by_role("alert").filter(has_text="already answered")).to_be_visible()
    assert answers(worker.run)["city"] == "Paris"
    visitor.forgive("409")


def test_without_script_the_form_is_sent_and_corrected(visitor, bob, chat, take):
    worker, _ = shown(chat, take)
    plain = visitor.page(bob, java_script_enabled=False)
    plain.goto(chat.url)
    plain.get_by_label("City").fill("  R  ")
    plain.get_by_role("button", name="Send answers").click()
    expect(plain.get_by_role("alert")).to_have_text("City: Enter 2 characters or more.")
    plain.get_by_label("City").fill("Rome")
    plain.get_by_role("button", name="Send answers").click()
    plain.wait_for_url("**/c/**")
    assert answers(worker.run)["city"] == "Rome"
    visitor.forgive("422")
